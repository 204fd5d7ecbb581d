"""Results on stdout: lines, tables and JSON."""

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from math import floor, isfinite, log10
from pathlib import Path
from typing import Any

from mlcli.config.printable import in_a_line, printable

MOST_DECIMALS, MOST_DIGITS = 6, 8  # of a number that is not in scientific notation
MOST_NAMED = 4  # columns that were left out


def outputs_folder(given: Path | None = None) -> Path:
    """The folder of runs: the given one, else $MLCLI_OUTPUTS, else `outputs` in the current folder."""
    from mlcli.track.tracking import default_outputs

    return given or Path(os.path.expanduser(default_outputs()))


def print_line(text: str) -> None:
    """Prints a line on stdout."""
    write(f"{in_a_line(text)}\n")


def print_note(text: str) -> None:
    """A line on stderr."""
    print(printable(text), file=sys.stderr)


def write(text: str) -> None:
    """Writes to stdout. Exits with status 1 if the reader of the pipe has exited."""
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        raise SystemExit(1) from None


def print_json(document: Any) -> None:
    """Prints plain data as one JSON document, the only text on stdout. NaN and infinities become null, as in the
    files of a run folder. ASCII only, so that it does not depend on the encoding of the terminal."""
    import json

    from mlcli.store.records import finite

    write(json.dumps(finite(document), indent=1, allow_nan=False, default=str) + "\n")


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    title: str | None = None,
    footer: Sequence[str] = (),
    optional: Sequence[str] = (),
    cut: Sequence[str] = (),
) -> None:
    """Prints a table: on a terminal aligned and within its width, elsewhere complete, with tabs between the cells.

    The numbers of a column have a common format. optional: the columns to leave out of a narrow terminal, the least
    important first; a line on stderr names them. cut: those whose texts may end with … in a narrow terminal; other
    texts continue on the next line.
    """
    from mlcli.cli.table import BOLD, Column, aligned, fitted, styled, with_tabs

    cells = [_column_texts(list(values)) for values in zip(*rows, strict=True)] or [[] for _ in columns]
    made = [
        Column(
            in_a_line(name),
            texts,
            in_a_line(footer[index]) if index < len(footer) else "",
            right=any(texts) and all(map(_is_number, filter(None, texts))),
            cut=name in cut,
        )
        for index, (name, texts) in enumerate(zip(columns, cells, strict=True))
    ]
    width, left_out = terminal_width(), list[str]()
    heading = [] if title is None else [in_a_line(title)]
    if width is None:
        lines = [*heading, *with_tabs(made, bool(footer))]
    else:
        made, left_out = fitted(made, width, optional)
        coloured = _is_coloured()
        above = [each for text in heading for each in (styled(text, BOLD, coloured), "")]
        lines = [*above, *aligned(made, bool(footer), coloured), ""]
    write("\n".join([*lines, ""]))
    if left_out:
        names = ", ".join(left_out[:MOST_NAMED]) + f" and {len(left_out) - MOST_NAMED} more" * (
            len(left_out) > MOST_NAMED
        )
        print(f"not shown: {printable(names)}; use a wider terminal, or --json", file=sys.stderr)


def terminal_width() -> int | None:
    """The width of the terminal that stdout is; None for a pipe or a file."""
    return max(shutil.get_terminal_size().columns, 1) if sys.stdout.isatty() else None


def _is_coloured() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _column_texts(values: list[Any]) -> list[str]:
    """The texts of a column: its floats with a common number of decimals."""
    floats = [value for value in values if isinstance(value, float)]
    texts = iter(format_numbers(floats))
    return [in_a_line(next(texts) if isinstance(value, float) else format_number(value)) for value in values]


def format_numbers(values: Sequence[float]) -> list[str]:
    """Floats in a common format: four significant digits of the largest and two of the smallest, as decimals or,
    where these would be too long, in scientific notation."""
    exponents = [floor(log10(abs(value))) for value in values if value and isfinite(value)]
    top, low = max(exponents, default=0), min(exponents, default=0)
    if not exponents or (top > 0 and all(float(value).is_integer() for value in values if isfinite(value))):
        decimals = 0 if exponents else 4
    else:
        decimals = max(4 - top if top >= 0 else 3 - top, 1 - low, 0)
    if decimals > MOST_DECIMALS or top > MOST_DIGITS:
        return [f"{value:.3e}" for value in values]
    return [f"{value:.{decimals}f}" for value in values]


def format_number(value: Any) -> str:
    """A single value: a float as in a column of its own, "" for None, all else as text."""
    if value is None:
        return ""
    return format_numbers([value])[0] if isinstance(value, float) else str(value)


def format_mean(statistics: dict[str, Any] | None) -> str:
    """Mean ± standard deviation, the mean alone if there is no deviation, "" for None."""
    from mlcli.figure.style import plus_minus

    if statistics is None:
        return ""
    mean, std = statistics["mean"], statistics["std"]
    return format_number(mean) if std is None else plus_minus(mean, std)


def _is_number(cell: str) -> bool:
    try:
        float(cell.strip("*= ").partition(" ± ")[0])
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
