"""Results on stdout, as tables. Tables for a pipe are not limited to the width of a terminal."""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mlcli.config.printable import in_a_line

PIPE_WIDTH = 250


def outputs_folder(given: Path | None = None) -> Path:
    """The folder of runs: the given one, else $MLCLI_OUTPUTS, else `outputs` in the current folder."""
    from mlcli.track.tracking import default_outputs

    return given or Path(os.path.expanduser(default_outputs()))


def print_line(text: str) -> None:
    """Prints a line on stdout. Exits with status 1, as rich does for a table, if the pipe's reader has exited."""
    try:
        print(in_a_line(text))
    except BrokenPipeError:
        raise SystemExit(1) from None


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None, footer: Sequence[str] = ()
) -> None:
    """Prints a table; numbers are right-aligned, and the footer is below a line."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [[in_a_line(format_number(cell)) for cell in row] for row in rows]
    lines = box.SIMPLE if footer else box.SIMPLE_HEAD
    rendered = Table(
        title=None if title is None else Text(in_a_line(title)),
        title_justify="left",
        title_style="bold",
        box=lines,
        show_footer=bool(footer),
    )
    for index, column in enumerate(columns):
        numeric = all(_is_number(row[index]) for row in cells if row[index])
        rendered.add_column(
            Text(in_a_line(column)),
            justify="right" if numeric else "left",
            overflow="fold",
            footer=Text(in_a_line(footer[index]) if index < len(footer) else ""),
        )
    for row in cells:
        rendered.add_row(*(Text(cell, style="bold green" if cell.startswith("*") else "") for cell in row))
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
    needed = console.measure(rendered, options=console.options.update(width=10_000)).maximum
    rendered.collapse_padding = needed > console.width  # less padding before cells are wrapped
    console.print(rendered)


def format_number(value: Any) -> str:
    """Floats with four significant digits, "" for None, all else as text."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1 or abs(value) >= 10_000 else f"{value:.4f}"[:7].rstrip(".")
    return str(value)


def format_mean(statistics: dict[str, Any] | None) -> str:
    """Mean ± standard deviation, the mean alone if there is no deviation, "" for None."""
    from mlcli.figure.style import plus_minus

    if statistics is None:
        return ""
    mean, std = statistics["mean"], statistics["std"]
    return format_number(mean) if std is None else plus_minus(mean, std)


def short_id(identity: str) -> str:
    """The random part of a run's id, with the number of a trial, which identifies it."""
    return identity.split("-", 2)[-1]


def _is_number(cell: str) -> bool:
    try:
        float(cell.lstrip("* ").partition(" ± ")[0])
    except ValueError:
        return False
    return True


def browser_command(folder: Path) -> str:
    """The command that shows a run or sweep in the browser; "" for tracking=none."""
    import shlex

    from mlcli.store.folder import RunFolder
    from mlcli.track.tracking import command_with_flags

    cfg = RunFolder(folder).config()
    tracking = cfg.get("tracking")
    if not isinstance(tracking, dict) or not isinstance(cfg.get("outputs"), str):  # not written by mlcli
        return ""
    if tracking.get("name") in (None, "none"):
        return ""
    if tracking["name"] == "tensorboard":
        return shlex.join(["tensorboard", "--logdir", str(folder.parent)])
    uri = tracking.get("uri")
    return command_with_flags("ui", cfg["outputs"], uri if isinstance(uri, str) else None)


def print_conclusion(folder: Path) -> None:
    """What an experiment has shown, if the run or sweep in this folder has a conclusion."""
    if (folder / "answer.json").exists():
        from mlcli.store.records import read_json

        found = read_json(folder / "answer.json")
        print_table(found["columns"], found["rows"])
        print_line(found["sentence"])


def headline(metrics: Iterable[dict[str, float]]) -> list[str]:
    """The main metrics, those that are present."""
    present = {name for each in metrics for name in each}
    names = ("val/accuracy", "test/accuracy", "test/f1_macro", "test/rmse", "test/r2")
    return [name for name in names if name in present]
