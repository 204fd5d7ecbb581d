"""The tables of a cross-validation on stdout: configurations, best mean first, and differences from the best."""

from pathlib import Path
from typing import Any

from mlcli.cli.output import browser, headline, number, print_answer, table

Row = dict[str, Any]


def print_crossval(folder: Path) -> None:
    """Mean ± standard deviation over the folds, the corrected interval, and the paired comparison."""
    from mlcli.run.folder import read_json

    found = read_json(folder / "crossval.json")
    _print_configurations(found)
    if found["comparisons"]:
        _print_comparisons(found)
    print_answer(folder)
    print(found["sentence"])
    print(f"cross-validation in {folder}; out-of-fold predictions in {folder / 'predictions'}")
    if command := browser(folder):
        print(f"compare in the browser with `{command}`")


def _print_configurations(found: Row) -> None:
    rows, metric = found["configurations"], found["metric"]
    more = [name for name in headline(row["metrics"] for row in rows) if name != metric]
    most = max(len(row["trials"]) for row in rows)
    told = any(row["finished"] < most for row in rows)
    cells = [
        (
            f"*{place}" if place == 1 and len(rows) > 1 else place,
            row["name"],
            _spread(row["metrics"].get(metric)),
            _interval(row["metrics"].get(metric)),
            *(_spread(row["metrics"].get(name)) for name in more),
            (row["metrics"].get("seconds") or {}).get("mean"),
            *([f"{row['finished']}/{len(row['trials'])}"] if told else []),
        )
        for place, row in enumerate(rows, 1)
    ]
    columns = ("rank", "configuration", metric, "95 % interval", *more, "seconds", *(["finished"] if told else []))
    repeats = f", {found['repeats']} repeats" if found["repeats"] > 1 else ""
    table(columns, cells, f"{found['folds']}-fold cross-validation{repeats}: mean ± std over folds")


def _print_comparisons(found: Row) -> None:
    rows = found["comparisons"]
    cells = [(row["name"], row["difference"], _interval(row), row["t"], row["p"]) for row in rows]
    title = f"{found['metric']} against {rows[0]['than']}, paired by fold, corrected for overlap"
    table(("configuration", "difference", "95 % interval", "t", "p"), cells, title)


def _spread(each: Row | None) -> str:
    from mlcli.metric.sweep_means import plus_minus

    if each is None:
        return ""
    return number(each["mean"]) if each["std"] is None else plus_minus(each["mean"], each["std"])


def _interval(each: Row | None) -> str:
    return "" if each is None or each["low"] is None else f"{number(each['low'])} to {number(each['high'])}"
