"""What the reader of a table guessed, said after a training on it. Does not import Typer, like training."""

import shlex
from pathlib import Path
from typing import Any

MOST = 10  # lines


def say_guesses(folder: Path) -> None:
    """Prints on stderr what a person might want to correct, and the command that shows everything; nothing for data
    that is no table of the user's own. folder: of a run, or of a sweep, whose first trial counts."""
    from mlcli.cli.output import print_note
    from mlcli.store.records import try_read_json
    from mlcli.store.stored_run import read_run

    own = folder if (folder / "data.json").exists() else folder / "0"
    data: Any = try_read_json(own / "data.json") or {}
    notes = data.get("notes")
    if not notes:
        return
    shown = notes if len(notes) < MOST else notes[: MOST - 1]
    for note in shown:
        print_note(f"guess: {note}")
    if len(shown) < len(notes):
        print_note(f"guess: and {len(notes) - len(shown)} more")
    run = read_run(own)
    if run is not None and (command := data_command(run.overrides())):
        print_note(f"see all columns with `{command}`")


def data_command(overrides: list[str]) -> str:
    """`mlcli data PATH` with the settings of the data among these overrides; "" where these name no table."""
    from mlcli.config.quoting import text_of

    pairs = [text.partition("=")[::2] for text in overrides]
    found = {key: value for key, value in pairs if key.startswith("data.") or key == "split.by"}
    source = found.pop("data.path", None) or found.pop("data.url", None)
    if not source:
        return ""
    settings = [f"{key}={value}" for key, value in found.items() if key != "split.by" or ":" in value]
    return shlex.join(["mlcli", "data", text_of(source), *settings])
