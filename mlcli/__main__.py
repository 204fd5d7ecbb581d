"""Entry point. Completion uses the standard library only, training does not import Typer, and all other commands (and
all help) use it."""

import atexit
import gc
import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn


def main() -> None:
    if "_MLCLI_COMPLETE" in os.environ:
        from mlcli.cli.complete import complete

        raise SystemExit(complete())
    from mlcli.cli.encoding import open_closed_streams, replace_unknown
    from mlcli.config.child import safe_path

    open_closed_streams()
    replace_unknown()
    safe_path()
    if sys.argv[1:2] in (["train"], ["crossval"]) and not {"--help", "-h"} & {*sys.argv}:
        gc.disable()  # during heavy imports, which create no garbage; training enables it again
        try:
            _train(sys.argv[1], sys.argv[2:])
        except SystemExit as end:
            _leave(end.code if isinstance(end.code, int) else int(end.code is not None))
        except KeyboardInterrupt:  # before the command could handle it
            print("interrupted", file=sys.stderr)
            _leave(130)
        _leave(0)
    if sys.argv[-1] in ("--help", "-h") or len(sys.argv) == 1:
        gc.disable()  # help ends before a collection could pay off
    from mlcli.cli.app import main as run

    run()


def _train(command: str, arguments: list[str]) -> None:
    if command == "crossval":
        from mlcli.cli.cross_validation import main as run
    else:
        from mlcli.cli.training import main as run
    run(arguments)


def _leave(status: int) -> NoReturn:
    """Exits at once: everything is written and closed, and deallocating torch's modules is slow."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # a pipe whose reader has exited
            stream.flush()
    # As at Python's own exit: threads first, such as those of joblib that end its processes, then functions such as
    # joblib's that remove temporary folders.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    os._exit(status)


if __name__ == "__main__":
    main()
