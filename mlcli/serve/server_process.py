"""Runs `mlcli serve` in a child process."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

from mlcli.config.child import python

START_TIMEOUT = 90.0  # seconds


@contextmanager
def running_server(run: Path) -> Iterator[str]:
    """Host and port of a server for the run in this folder, which ends with the block.

    Raises RuntimeError with the last line of its output if it does not start.
    """
    command, pipe = python("-m", "mlcli", "serve", str(run), "--port", "0"), subprocess.PIPE
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
        subprocess.Popen(command, stdout=pipe, stderr=errors, encoding="utf-8", errors="replace") as server,
    ):
        assert server.stdout is not None
        timer = Timer(START_TIMEOUT, server.kill)
        timer.start()
        try:
            line = server.stdout.readline()  # the line with the address; an empty one if it has ended
            timer.cancel()
            if not line:
                errors.seek(0)
                raise RuntimeError(f"the server did not start: {(errors.read().splitlines() or ['no output'])[-1]}")
            yield line.partition("http://")[2].split()[0]
        finally:
            timer.cancel()
            server.terminate()
