"""The table of a sweep: its trials, or their means over seeds, best first."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mlcli.cli.crossval_table import print_crossval
from mlcli.cli.document import print_document
from mlcli.cli.output import (
    browser_command,
    format_mean,
    format_number,
    headline,
    print_conclusion,
    print_line,
    print_table,
)
from mlcli.cli.result import epoch_hint
from mlcli.run.baseline import BASELINE
from mlcli.store.filters import setting_text
from mlcli.store.records import try_read_json

Row = dict[str, Any]
MAX_ROWS, BEST_ROWS = 40, 30  # with more rows than the first, only the second are printed
MAX_NAMES = 5  # of trials in a line


def print_sweep(folder: str, as_json: bool = False) -> str | None:
    """Prints the trials, or their means over seeds, best first; as_json: as the document of `mlcli show --json`.

    Returns the reason if the sweep has failed, else None. Trials that neither finished nor were pruned are a failure,
    unless an experiment has reached its conclusion without them.
    """
    from mlcli.store.folder import RunFolder
    from mlcli.sweep.ranking import context_keys, rank, rank_groups

    report = RunFolder(Path(folder), "sweep.json").read("trials.json")
    failed, of = sum(row["status"] not in ("FINISHED", "PRUNED") for row in report["trials"]), len(report["trials"])
    concluded = (Path(folder) / "answer.json").exists() and failed < of
    failure = None if not failed or concluded else f"{failed} of {of} trials did not finish; see {folder}/trials.json"
    if as_json:
        print_document(Path(folder))
        return failure
    if (Path(folder) / "crossval.json").exists():
        print_crossval(Path(folder))
        return failure
    monitor, directions = report["monitor"], _directions(folder)
    rows, groups = rank(report["trials"], monitor, directions), report.get("groups", [])
    if any("rank" not in group for group in groups):  # of older versions
        groups = rank_groups(groups, monitor, directions)
    shown = list(dict.fromkeys([monitor, *headline(row["metrics"] for row in rows)]))
    limits = _limits(groups if len(groups) > 1 else rows, context_keys(rows))
    if len(groups) > 1:
        _print_groups(groups, len(rows), shown, limits, folder)
    else:
        _print_trials(rows, groups, shown, limits, folder)
    for line in _baseline(Path(folder), shown):
        print_line(line)
    for line in verdict(rows, groups, monitor):
        print_line(line)
    if hint := _epoch_hint(Path(folder), report["best_trial"]):
        print_line(hint)
    print_conclusion(Path(folder))
    command = browser_command(Path(folder))
    print_line(f"sweep in {folder}" + f"; compare in the browser with `{command}`" * bool(command))
    return failure


def _baseline(folder: Path, shown: Sequence[str]) -> list[str]:
    """The metrics of the table for gradient boosting on the same table and split."""
    lines = []
    for name, scores in (try_read_json(folder / BASELINE) or {}).items():
        known = [f"{metric} {format_number(scores[metric])}" for metric in shown if metric in scores]
        lines += [f"{name.replace('_', ' ')}: {', '.join(known)}"] if known else []
    return lines


def _epoch_hint(folder: Path, best: int | None) -> str:
    """What the best epoch of the best trial suggests."""
    result = try_read_json(folder / str(best) / "result.json")
    hint = epoch_hint(result) if result else ""
    return f"trial {best}: {hint}" if hint else ""


def _limits(rows: Sequence[Row], keys: Sequence[str]) -> str:
    """What limits the ranking, for the title: the settings across which the metric is not comparable."""
    if not keys:
        return ""
    across = "data sets" if "data._target_" in keys else ", ".join(keys)
    if any((row["rank"] or 0) > 1 or row["tied"] for row in rows):
        return ", ranked within each data set" if "data._target_" in keys else f", ranked for each {across}"
    return f", which is not comparable across {across}: no rank"


def verdict(rows: Sequence[Row], groups: Sequence[Row], monitor: str) -> list[str]:
    """Lines below the table: the best configuration of repeats, ties for the first place, and what is not ranked."""
    ranked, repeated = (groups, True) if len(groups) > 1 else (rows, False)
    lines: list[str] = []
    for first in _firsts(ranked) if repeated or not groups else ():
        if first[0]["best"] and repeated:
            lines.append(f"best: {_named(first[0], True)}: {monitor} {format_mean(first[0]['metrics'][monitor])}")
        elif first[0]["tied"]:
            lines.append(_tie(first, monitor, repeated))
    if any(row["status"] in ("PRUNED", "KILLED") and row["metrics"] for row in rows):
        lines.append("trials that were stopped have the numbers of an earlier epoch and are not ranked")
    if repeated and any(group["rank"] is None and group["status"] == "FINISHED" for group in groups):
        lines.append("configurations of which a seed did not finish are not ranked")
    return lines


def _firsts(ranked: Sequence[Row]) -> list[list[Row]]:
    """The rows of rank 1 in each context."""
    found: dict[str, list[Row]] = {}
    for row in ranked:
        if row["rank"] == 1:
            found.setdefault(str(row.get("context") or {}), []).append(row)
    return list(found.values())


def _tie(rows: Sequence[Row], monitor: str, repeated: bool) -> str:
    values = {each["mean"] if isinstance(each := row["metrics"][monitor], dict) else each for row in rows}
    names = ", ".join(_named(row, repeated) for row in rows[:MAX_NAMES])
    names += f" and {len(rows) - MAX_NAMES} more" * (len(rows) > MAX_NAMES)
    what = f"{len(rows)} {'configurations' if repeated else 'trials'} tie"
    if len(values) == 1:
        return f"{what} with {monitor} {format_number(values.pop())}: {names}"
    return f"{what} in {monitor} (the 95 % interval of their difference includes 0): {names}"


def _named(row: Row, repeated: bool) -> str:
    settings = " ".join(f"{name}={_setting(row, key)}" for key, name in short_keys(row["swept"]).items())
    return settings or "all trials" if repeated else f"trial {row['trial']}" + f" ({settings})" * bool(settings)


def _directions(folder: str) -> dict[str, str | None]:
    """Those that the task of the sweep declares; none for a sweep of older versions."""
    from mlcli.store.records import read_json

    try:
        record = read_json(Path(folder) / "sweep.json")
    except FileNotFoundError:
        return {}
    return record.get("directions") or {}


def _print_trials(rows: list[Row], groups: list[Row], shown: list[str], limits: str, folder: str) -> None:
    if groups:  # of seeds alone none is better
        rows = [row | {"best": False} for row in rows]
    names = short_keys(rows[0]["swept"])
    incomplete = any(row["status"] != "FINISHED" for row in rows)
    cells = [
        (
            _rank(row, rows),
            row["trial"],
            *(_setting(row, key) for key in names),
            *(row["metrics"].get(name) for name in shown),
            row.get("seconds"),
            *([_status(row)] if incomplete else []),
        )
        for row in rows
    ]
    columns = ("rank", "trial", *names.values(), *shown, "seconds", *(["status"] if incomplete else []))
    title, footer = f"{len(rows)} trial{'s' if len(rows) != 1 else ''} by {shown[0]}{limits}", []
    if groups and (count := groups[0]["metrics"].get(shown[0], {}).get("count", 0)) > 1:
        title += f", mean ± std over {count} seeds"
        footer = ["", "mean", "± std", *[""] * (len(names) - 1), *_spreads(groups[0], shown)]
    _print_best_rows(columns, cells, title, f"{folder}/trials.csv", footer)


def _print_groups(groups: list[Row], trials: int, shown: list[str], limits: str, folder: str) -> None:
    """Prints a row per setting. The numbers and statuses of seeds are columns only if they differ."""
    names = short_keys(groups[0]["swept"])
    rows = [
        [_rank(group, groups), *(_setting(group, key) for key in names), *_spreads(group, shown)] for group in groups
    ]
    columns, over = ["rank", *names.values(), *shown], "seeds"
    counts = [(group["statuses"].get("FINISHED", 0), len(group["trials"])) for group in groups]
    rest = [_unfinished(group) for group in groups]
    if any(rest) or len(set(counts)) > 1:
        columns.append("seeds")
        rows = [[*row, f"{finished}/{all_}"] for row, (finished, all_) in zip(rows, counts, strict=True)]
    else:
        over = f"{counts[0][1]} seeds"
    if any(rest):
        columns.append("status")
        rows = [[*row, status] for row, status in zip(rows, rest, strict=True)]
    _print_best_rows(
        columns, rows, f"{trials} trials by {shown[0]}{limits}, mean ± std over {over}", f"{folder}/groups.csv"
    )


def _print_best_rows(
    columns: Sequence[str], cells: list[Any], title: str, file: str, footer: Sequence[str] = ()
) -> None:
    complete = len(cells) <= MAX_ROWS
    metrics = [name for name in columns if "/" in name]
    optional = [*metrics[:1:-1], "seconds", *metrics[1:2]]
    print_table(columns, cells if complete else cells[:BEST_ROWS], title, footer, optional)
    if not complete:
        print_line(f"… {len(cells) - BEST_ROWS:,} more in {file}")


def _rank(row: Row, ranked: Sequence[Row]) -> str:
    """*1 for the best, 1= for a tie; empty for a row that is not ranked, or alone in its context."""
    alone = sum(each.get("context") == row.get("context") for each in ranked) == 1
    if row["rank"] is None or (alone and len(ranked) > 1):
        return ""
    return f"*{row['rank']}" if row["best"] else f"{row['rank']}{'=' * row['tied']}"


def _status(row: Row) -> str:
    """A stopped trial, or its group, with the epoch to which its numbers belong."""
    stopped = row["status"] in ("PRUNED", "KILLED") and row.get("epoch")
    return f"{row['status']} at epoch {row['epoch']}" if stopped else str(row["status"])


def _unfinished(group: Row) -> str:
    counts = {name: count for name, count in group["statuses"].items() if name != "FINISHED"}
    return ", ".join(
        f"{count} {_status(group) if name == group['status'] else name}" for name, count in counts.items()
    )


def _setting(row: Row, key: str) -> str:
    """A swept value as it is typed; empty if this trial has none."""
    return setting_text(row["swept"][key]) if key in row["swept"] else ""


def _spreads(group: Row, shown: list[str]) -> list[str]:
    """Mean ± standard deviation of each metric, or the value of a single trial."""
    return [format_mean(group["metrics"].get(name)) for name in shown]


def short_keys(keys: Iterable[str]) -> dict[str, str]:
    """Keys without their prefix, as `lr` for `optimizer.lr`, unless two would be equal."""
    ends = Counter(key.rpartition(".")[2] for key in keys)
    return {key: end if ends[end := key.rpartition(".")[2]] == 1 else key for key in keys}
