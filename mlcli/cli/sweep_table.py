"""The table of a sweep: its trials, or their means over seeds, best first."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mlcli.cli.crossval_table import print_crossval
from mlcli.cli.output import (
    browser_command,
    format_mean,
    format_number,
    headline,
    print_conclusion,
    print_line,
    print_table,
)

Row = dict[str, Any]
MAX_ROWS, BEST_ROWS = 40, 30  # with more rows than the first, only the second are printed


def print_sweep(folder: str) -> str | None:
    """Prints the trials, or their means over seeds, best first.

    Returns the reason if the sweep has failed, else None. Trials that neither finished nor were pruned are a failure,
    unless an experiment has reached its conclusion without them.
    """
    from mlcli.store.folder import RunFolder
    from mlcli.sweep.report import rank

    report = RunFolder(Path(folder), "sweep.json").read("trials.json")
    failed, of = sum(row["status"] not in ("FINISHED", "PRUNED") for row in report["trials"]), len(report["trials"])
    concluded = (Path(folder) / "answer.json").exists() and failed < of
    failure = None if not failed or concluded else f"{failed} of {of} trials did not finish; see {folder}/trials.json"
    if (Path(folder) / "crossval.json").exists():
        print_crossval(Path(folder))
        return failure
    rows, groups = rank(report["trials"], report["monitor"], _directions(folder)), report.get("groups", [])
    shown = list(dict.fromkeys([report["monitor"], *headline(row["metrics"] for row in rows)]))
    if len(groups) > 1:
        _print_groups(groups, len(rows), shown, folder)
        _print_best(rows[0], report["monitor"])
    else:
        _print_trials(rows, groups, shown, folder)
    print_conclusion(Path(folder))
    command = browser_command(Path(folder))
    print_line(f"sweep in {folder}" + f"; compare in the browser with `{command}`" * bool(command))
    return failure


def _directions(folder: str) -> dict[str, str | None]:
    """Those that the task of the sweep declares; none for a sweep of older versions."""
    from mlcli.store.records import read_json

    try:
        record = read_json(Path(folder) / "sweep.json")
    except FileNotFoundError:
        return {}
    return record.get("directions") or {}


def _print_trials(rows: list[Row], groups: list[Row], shown: list[str], folder: str) -> None:
    names = _short_keys(rows[0]["swept"])
    incomplete = any(row["status"] != "FINISHED" for row in rows)
    cells = [
        (
            _rank(place, row),
            row["trial"],
            *(row["swept"].get(key) for key in names),
            *(row["metrics"].get(name) for name in shown),
            row.get("seconds"),
            *([row["status"]] if incomplete else []),
        )
        for place, row in enumerate(rows, 1)
    ]
    columns = ("rank", "trial", *names.values(), *shown, "seconds", *(["status"] if incomplete else []))
    title, footer = f"{len(rows)} trial{'s' if len(rows) != 1 else ''} by {shown[0]}", []
    if groups and (count := groups[0]["metrics"].get(shown[0], {}).get("count", 0)) > 1:
        title += f", mean ± std over {count} seeds"
        footer = ["", "mean", "± std", *[""] * (len(names) - 1), *_spreads(groups[0], shown)]
    _print_best_rows(columns, cells, title, f"{folder}/trials.csv", footer)


def _print_groups(groups: list[Row], trials: int, shown: list[str], folder: str) -> None:
    """Prints a row per setting. The numbers and statuses of seeds are columns only if they differ."""
    names = _short_keys(groups[0]["swept"])
    rows = [
        [_rank(place, group), *(group["swept"].get(key) for key in names), *_spreads(group, shown)]
        for place, group in enumerate(groups, 1)
    ]
    columns, over = ["rank", *names.values(), *shown], "seeds"
    counts = [(group["statuses"].get("FINISHED", 0), len(group["trials"])) for group in groups]
    rest = [", ".join(f"{n} {name}" for name, n in each["statuses"].items() if name != "FINISHED") for each in groups]
    if any(rest) or len(set(counts)) > 1:
        columns.append("seeds")
        rows = [[*row, f"{finished}/{all_}"] for row, (finished, all_) in zip(rows, counts, strict=True)]
    else:
        over = f"{counts[0][1]} seeds"
    if any(rest):
        columns.append("status")
        rows = [[*row, status] for row, status in zip(rows, rest, strict=True)]
    _print_best_rows(columns, rows, f"{trials} trials by {shown[0]}, mean ± std over {over}", f"{folder}/groups.csv")


def _print_best_rows(
    columns: Sequence[str], cells: list[Any], title: str, file: str, footer: Sequence[str] = ()
) -> None:
    complete = len(cells) <= MAX_ROWS
    print_table(columns, cells if complete else cells[:BEST_ROWS], title, footer)
    if not complete:
        print_line(f"… {len(cells) - BEST_ROWS:,} more in {file}")


def _print_best(row: Row, monitor: str) -> None:
    settings = " ".join(f"{name}={row['swept'][key]}" for key, name in _short_keys(row["swept"]).items())
    if row["status"] == "FINISHED":
        print_line(f"best trial {row['trial']} ({settings}): {monitor} {format_number(row['metrics'].get(monitor))}")


def _rank(place: int, row: Row) -> int | str:
    return f"*{place}" if place == 1 and row["status"] == "FINISHED" else place


def _spreads(group: Row, shown: list[str]) -> list[str]:
    """Mean ± standard deviation of each metric, or the value of a single trial."""
    return [format_mean(group["metrics"].get(name)) for name in shown]


def _short_keys(keys: Iterable[str]) -> dict[str, str]:
    """Keys without their prefix, as `lr` for `optimizer.lr`, unless two would be equal."""
    ends = Counter(key.rpartition(".")[2] for key in keys)
    return {key: end if ends[end := key.rpartition(".")[2]] == 1 else key for key in keys}
