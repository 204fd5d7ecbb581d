"""`mlcli serve` as a process of its own, for who wants to ask it."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

from mlcli.config.child import python

PATIENCE = 90.0  # seconds that the server has to start


@contextmanager
def running_server(run: Path) -> Iterator[str]:
    """Host and port of a server for the run in this folder, which ends with the block.

    Raises RuntimeError with its last word if it does not come up.
    """
    command, pipe = python("-m", "mlcli", "serve", str(run), "--port", "0"), subprocess.PIPE
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdout=pipe, stderr=errors, text=True) as server,
    ):
        assert server.stdout is not None
        late = Timer(PATIENCE, server.kill)
        late.start()
        try:
            said = server.stdout.readline()  # the line with the address; an empty one if it has ended
            late.cancel()
            if not said:
                errors.seek(0)
                raise RuntimeError(f"the server did not start: {(errors.read().splitlines() or ['no word'])[-1]}")
            yield said.partition("http://")[2].split()[0]
        finally:
            late.cancel()
            server.terminate()
