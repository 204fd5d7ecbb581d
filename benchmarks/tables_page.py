"""The page docs/tables.md from the scores of folds that benchmarks/tables.py has stored."""

import textwrap
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from mlcli.metric.resampled import Paired, paired

Row = dict[str, Any]  # set, folds, fold, method, sizes of the splits, seconds, and rmse or log_loss and auc
Scores = dict[str, list[Row]]  # by method, in the order of the folds

TEXT = Path(__file__).parent / "tables_page.md"
NETWORKS = ("tabm", "realmlp")
NAMES = {
    "tabm": "TabM",
    "realmlp": "RealMLP",
    "boosting": "HistGradientBoosting",
    "boosting_stopped": "HistGradientBoosting, early-stopped",
    "lightgbm": "LightGBM",
}
REFERENCE = "boosting_stopped"
OTHERS = {REFERENCE: "early-stopped boosting", "lightgbm": "LightGBM"}


def page(rows: Sequence[Row], titles: Mapping[str, str], folds: int) -> str:
    """titles: of the sets, in their order. folds: of the first table; a set with another number has a further one."""
    text = TEXT.read_text().replace("FOLDS", str(folds))
    main = _by_set(rows, titles, folds)
    others = sorted({row["folds"] for row in rows} - {folds})
    further = [f"In {count} folds:\n\n{_table(_by_set(rows, titles, count), titles)}" for count in others]
    tables = "\n\n".join([_table(main, titles), _summary(main), *further])
    return text.replace("TABLES", tables)


def _by_set(rows: Sequence[Row], titles: Mapping[str, str], folds: int) -> dict[str, Scores]:
    found: dict[str, Scores] = {name: defaultdict(list) for name in titles}
    for row in sorted(rows, key=lambda row: int(row["fold"])):
        if row["folds"] == folds:
            found[row["set"]][row["method"]].append(row)
    return {name: own for name, own in found.items() if own}


def _table(by_set: Mapping[str, Scores], titles: Mapping[str, str]) -> str:
    shown = [method for method in NAMES if any(method in own for own in by_set.values())]
    header = ["set", *(NAMES[method] for method in shown), *(f"{NAMES[network]} − stopped" for network in NETWORKS)]
    lines = [header, ["---"] * len(header)]
    lines += [[titles[name], *_cells(own, shown)] for name, own in by_set.items()]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _main(rows: Sequence[Row]) -> str:
    return "rmse" if "rmse" in rows[0] else "log_loss"


def _mean(own: Scores, method: str, name: str) -> float:
    return fmean(row[name] for row in own[method])


def _cells(own: Scores, shown: Sequence[str]) -> list[str]:
    means = {method: _mean(own, method, _main(rows)) for method, rows in own.items()}
    cells = []
    for method in shown:
        if method not in own:
            cells.append("–")
            continue
        text = f"{means[method]:.4g}" if means[method] < 100 else f"{means[method]:,.0f}"
        text = f"**{text}**" if means[method] == min(means.values()) else text
        auc = f" / {_mean(own, method, 'auc'):.3f}" if "auc" in own[method][0] else ""
        cells.append(f"{text}{auc} ({_mean(own, method, 'seconds'):.2g} s)")
    return [*cells, *(_difference(own, network) for network in NETWORKS)]


def _difference(own: Scores, method: str) -> str:
    found = _test(own, method, REFERENCE)
    if found is None:
        return "–"
    digits = 0 if _mean(own, method, _main(own[method])) > 100 else 4
    return f"{found.difference:+,.{digits}f} [{found.low:+,.{digits}f}, {found.high:+,.{digits}f}]"


def _test(own: Scores, method: str, other: str, name: str | None = None) -> Paired | None:
    """Of the folds that both methods have, by RMSE or log loss or by another metric; None for fewer than two."""
    mine, theirs = ({row["fold"]: row for row in own.get(each, [])} for each in (method, other))
    both = sorted(mine.keys() & theirs.keys())
    if len(both) < 2:
        return None
    train, val, test = mine[both[0]]["sizes"]
    name = name or _main(own[method])
    return paired([mine[fold][name] for fold in both], [theirs[fold][name] for fold in both], test / (train + val))


def _summary(by_set: Mapping[str, Scores]) -> str:
    """Sentences per network and method that it is compared with."""
    sentences = []
    for network in NETWORKS:
        for other, words in OTHERS.items():
            found = [test for own in by_set.values() if (test := _test(own, network, other))]
            if found:
                sentences.append(f"{NAMES[network]} has the better mean than {words} on {_counts(found)}.")
        auc = [_test(own, network, REFERENCE, "auc") for own in by_set.values() if _has_auc(own)]
        better = sum(test is not None and test.difference > 0 for test in auc)
        words = f"{better} of {len(auc)} sets"
        sentences.append(f"{NAMES[network]} has the larger area under the curve than {OTHERS[REFERENCE]} on {words}.")
    return "\n".join(textwrap.wrap(" ".join(sentences), 100, break_on_hyphens=False))


def _has_auc(own: Scores) -> bool:
    return "auc" in next(iter(own.values()))[0]


def _counts(found: Sequence[Paired]) -> str:
    ahead = sum(test.difference < 0 for test in found)
    better, worse = sum(test.high < 0 for test in found), sum(test.low > 0 for test in found)
    return f"{ahead} of {len(found)} sets, beyond the interval on {better}, and the worse one beyond it on {worse}"
