"""Entry point: completion answers with the standard library alone, training starts without Typer, and everything
else (and all help) goes through it."""

import atexit
import gc
import os
import sys
from contextlib import suppress
from typing import NoReturn


def main() -> None:
    if "_MLCLI_COMPLETE" in os.environ:
        from mlcli.cli.complete import complete

        raise SystemExit(complete())
    from mlcli.config.child import safe_path

    safe_path()
    if sys.argv[1:2] in (["train"], ["crossval"]) and not {"--help", "-h"} & {*sys.argv}:
        gc.disable()  # until what is heavy is loaded, of which nothing is garbage
        try:
            _train(sys.argv[1], sys.argv[2:])
        except SystemExit as end:
            _leave(end.code if isinstance(end.code, int) else int(end.code is not None))
        except KeyboardInterrupt:  # before the command was there to say so
            print("interrupted", file=sys.stderr)
            _leave(130)
        _leave(0)
    from mlcli.cli.app import main as run

    run()


def _train(command: str, arguments: list[str]) -> None:
    if command == "crossval":
        from mlcli.cli.cross_validation import main as run
    else:
        from mlcli.cli.training import main as run
    run(arguments)


def _leave(status: int) -> NoReturn:
    """Everything is written and closed: taking torch apart would keep the user waiting for most of a second."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # a pipe whose reader has gone
            stream.flush()
    atexit._run_exitfuncs()  # scikit-learn's joblib, for one, has folders to remove
    os._exit(status)


if __name__ == "__main__":
    main()
