"""Results on stdout, as tables. A pipe gets the same tables, as wide as they need to be."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

PIPE_WIDTH = 250


def outputs_folder() -> Path:
    """Where runs are kept: $MLCLI_OUTPUTS, else `outputs` in the current folder."""
    import os

    return Path(os.environ.get("MLCLI_OUTPUTS", "outputs"))


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
    """Prints rows under their columns; numbers stand to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [[number(cell) for cell in row] for row in rows]
    drawn = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for index, column in enumerate(columns):
        numeric = all(_is_number(row[index]) for row in cells if row[index])
        drawn.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        drawn.add_row(*(Text(cell, style="bold green" if cell.startswith("*") else "") for cell in row))
    Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(drawn)


def number(value: Any) -> str:
    """Floats with four significant digits, nothing for None, all else as it is."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1 or abs(value) >= 10_000 else f"{value:.4f}"[:7].rstrip(".")
    return str(value)


def short(identity: str) -> str:
    """The random part of a run's id, which is enough to name it (with a trial's number)."""
    return identity.split("-", 2)[-1]


def _is_number(cell: str) -> bool:
    try:
        float(cell.lstrip("* "))
    except ValueError:
        return False
    return True


def print_result(result: dict[str, Any], folder: Path) -> None:
    """The metrics on the test split, and where the rest is."""
    metrics = {name: value for name, value in result["metrics"].items() if name.startswith("test/")}
    overall = {name: value for name, value in metrics.items() if name.count("/") == 1}
    table(("metric", "value"), [(name, value) for name, value in sorted(overall.items())])
    print(f"best epoch {result['best_epoch']} of {result['epochs']} by {result['monitor']}; run in {folder}")
    print("see it in the browser with `mlcli ui`")


def print_sweep(folder: str) -> int:
    """The trials, best first, and how many of them did not finish."""
    from mlcli.run.folder import read_json
    from mlcli.sweep.report import rank

    report = read_json(Path(folder) / "trials.json")
    rows, monitor = rank(report["trials"], report["monitor"]), report["monitor"]
    swept = list(rows[0]["swept"])
    shown = list(dict.fromkeys([monitor, *headline(row["metrics"] for row in rows)]))
    table(
        ("rank", "trial", *swept, *shown, "seconds", "status"),
        [
            (
                f"*{place}" if place == 1 and row["status"] == "FINISHED" else place,
                row["trial"],
                *(row["swept"].get(key) for key in swept),
                *(row["metrics"].get(name) for name in shown),
                row["seconds"],
                row["status"],
            )
            for place, row in enumerate(rows, 1)
        ],
        title=f"{len(rows)} trials by {monitor}",
    )
    print(f"sweep in {folder}; compare in the browser with `mlcli ui`")
    return sum(row["status"] != "FINISHED" for row in rows)


def headline(metrics: Iterable[dict[str, float]]) -> list[str]:
    """The few metrics worth a column, of those that there are."""
    present = {name for each in metrics for name in each}
    wanted = ("val/accuracy", "test/accuracy", "test/f1_macro", "test/rmse", "test/r2")
    return [name for name in wanted if name in present]
