"""Entry point: completion answers with the standard library alone, training starts without Typer, and everything
else (and all help) goes through it."""

import os
import sys


def main() -> None:
    if "_MLCLI_COMPLETE" in os.environ:
        from mlcli.cli.completion import complete

        raise SystemExit(complete())
    if sys.argv[1:2] == ["train"] and "--help" not in sys.argv:
        from mlcli.cli.training import main as train

        return train(sys.argv[2:])
    from mlcli.cli.app import app

    app()
    return None


if __name__ == "__main__":
    main()
