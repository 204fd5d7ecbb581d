"""The tables of a cross-validation: configurations, best mean first, and differences from the best."""

from pathlib import Path
from typing import Any

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


def print_crossval(folder: Path) -> None:
    """Prints mean ± standard deviation over the folds, the confidence intervals, and the paired comparisons."""
    from mlcli.store.folder import RunFolder

    found = RunFolder(folder, "sweep.json").read("crossval.json")
    _print_configurations(found)
    if found["comparisons"]:
        _print_comparisons(found)
    print_conclusion(folder)
    print_line(found["sentence"])
    print_line(f"cross-validation in {folder}; out-of-fold predictions in {folder / 'predictions'}")
    if command := browser_command(folder):
        print_line(f"compare in the browser with `{command}`")


def _print_configurations(found: Row) -> None:
    rows, metric = found["configurations"], found["metric"]
    more = [name for name in headline(row["metrics"] for row in rows) if name != metric]
    incomplete = any(map(_unscored, rows))
    cells = [
        (
            _rank(row, place, len(rows)),
            row["name"],
            _spread(row, metric),
            _interval(row["metrics"].get(metric)),
            *(_spread(row, name) for name in more),
            (row["metrics"].get("seconds") or {}).get("mean"),
            *([f"{len(row['trials']) - len(_unscored(row))}/{len(row['trials'])}"] if incomplete else []),
        )
        for place, row in enumerate(rows, 1)
    ]
    columns = ("rank", "configuration", metric, "95 % interval", *more, "seconds", *(["folds"] if incomplete else []))
    repeats = f", {found['repeats']} repeats" if found["repeats"] > 1 else ""
    print_table(columns, cells, f"{found['folds']}-fold cross-validation{repeats}: mean ± std over folds")
    for row in rows:
        for each in _unscored(row):
            print_line(f"{row['name']}: no {metric} of trial {each['trial']}, {_fold(each, found)}: {each['reason']}")


def _rank(row: Row, place: int, count: int) -> str:
    """*1 for the best, 1= for a tie; a record of older versions has no ranks."""
    if "rank" not in row:
        return f"*{place}" if place == 1 and count > 1 else str(place)
    return f"*{row['rank']}" if row["best"] else f"{row['rank']}{'=' * row['tied']}"


def _unscored(configuration: Row) -> list[Row]:
    """Folds without a score; older versions of crossval.json do not list them."""
    return configuration.get("unscored") or []


def _print_comparisons(found: Row) -> None:
    rows = found["comparisons"]
    cells = [(row["name"], row["difference"], _interval(row), row["t"], row["p"]) for row in rows]
    than = ", ".join(dict.fromkeys(row["than"] for row in rows))
    title = f"{found['metric']}: difference from {than} (corrected resampled t-test)"
    print_table(("configuration", "difference", "95 % interval", "t", "p"), cells, title)


def _fold(unscored: Row, found: Row) -> str:
    repeat = f" with split.seed={unscored['seed']}" if found["repeats"] > 1 else ""
    return f"fold {unscored['fold']}{repeat}"


def _spread(row: Row, metric: str) -> str:
    """Mean ± standard deviation, with the number of folds if some have no score."""
    each, folds = row["metrics"].get(metric), len(row["trials"])
    incomplete = each is not None and each["count"] < folds
    return f"{format_mean(each)} ({each['count']}/{folds})" if incomplete else format_mean(each)


def _interval(each: Row | None) -> str:
    if each is None or each["low"] is None:
        return ""
    return f"{format_number(each['low'])} to {format_number(each['high'])}"
