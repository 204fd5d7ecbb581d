"""Entry point: completion answers with the standard library alone, everything else goes through Typer."""

import os


def main() -> None:
    if "_MLCLI_COMPLETE" in os.environ:
        from mlcli.cli.completion import complete

        raise SystemExit(complete())
    from mlcli.cli.app import app

    app()


if __name__ == "__main__":
    main()
