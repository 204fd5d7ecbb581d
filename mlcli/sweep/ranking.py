"""The ranking of the trials of a sweep, from the rows of its report. Loads neither torch nor Hydra.

Only trials that trained to their end and whose values compare (`mlcli.metric.comparison`) are ranked against each
other. A trial that was stopped early has the numbers of its last epoch, and a configuration of which a repeat failed
has a mean over the other repeats: both are listed after the ranked ones, without a rank.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlcli.metric.comparison import Estimate, Place, differing, places
from mlcli.metric.direction import Directions, direction
from mlcli.metric.repeats import mean_and_std

Row = dict[str, Any]
SEED = "trainer.seed"
SEEDS = (SEED, "split.seed")  # trials that differ in these alone are repeats of one configuration
SCORED = ("FINISHED", "PRUNED")  # trials with a result; that of a pruned one belongs to its last epoch
STOPPED = ("PRUNED", "KILLED")  # trials that may have numbers of an earlier epoch than their last


def configuration(swept: Mapping[str, Any]) -> dict[str, Any]:
    """The swept settings without the seeds."""
    return {key: value for key, value in swept.items() if key not in SEEDS}


def rank(rows: Sequence[Row], monitor: str, stated: Directions | None = None) -> list[Row]:
    """The rows with their "rank", "tied" and "best", those that compare (as of one data set) together: first the
    ranked ones, then stopped ones (those that came further first), then the rest.

    stated: directions of the task's own metrics.
    """
    scores = [_finite(row["metrics"].get(monitor)) for row in rows]
    estimates = [_estimate(row, score) for row, score in zip(rows, scores, strict=True)]
    return _ranked(rows, scores, estimates, direction(monitor, stated), _tier)


def rank_groups(groups: Sequence[Row], monitor: str, stated: Directions | None = None) -> list[Row]:
    """Likewise for the means of repeats. Configurations of which a repeat has no score are ranked only if all have
    such a repeat."""
    scores = [(group["metrics"].get(monitor) or {}).get("mean") for group in groups]
    estimates = [_mean_estimate(group, monitor) for group in groups]
    whole = [
        each if each and each.count == len(group["trials"]) else None
        for group, each in zip(groups, estimates, strict=True)
    ]
    estimates = whole if any(whole) else estimates
    return _ranked(groups, scores, estimates, direction(monitor, stated), _tier)


def repeat_groups(rows: Sequence[Row], monitor: str, stated: Directions | None = None) -> list[Row]:
    """The configurations, each with its trials that differ only in their seeds, ranked; empty without repeats.

    `metrics` maps a name to {"mean", "std" (sample standard deviation; None for one trial), "count"} over the
    finished trials or, if none finished, over those that came furthest; `statuses` counts all of them.
    """
    alike: dict[str, list[Row]] = {}
    for row in rows:
        if any(seed in row["swept"] for seed in SEEDS):
            alike.setdefault(str(configuration(row["swept"])), []).append(row)
    if len(alike) == len(rows):
        return []
    return rank_groups([_group(members) for members in alike.values()], monitor, stated)


def best_trial(
    rows: Sequence[Row], groups: Sequence[Row], monitor: str, stated: Directions | None = None
) -> Row | None:
    """The trial that stands for the sweep: the best one, of the best configuration if there are repeats. None if no
    trial was ranked, or if they are on several data sets. It may tie with others."""
    if context_keys(rows):
        return None
    first = next((group["trials"] for group in groups if group["rank"] == 1), None)
    own = [row for row in rows if first is None or row["trial"] in first]
    return next((row for row in rank(own, monitor, stated) if row["rank"] == 1), None)


def best_first(rows: Sequence[Row], monitor: str, stated: Directions | None = None) -> list[Row]:
    """All rows: the best ones of each data set first, of repeats the trials of the best configuration."""
    ranked = rank(rows, monitor, stated)
    groups = repeat_groups(rows, monitor, stated)
    if len(groups) > 1:
        group_of = {number: at for at, group in enumerate(groups) for number in group["trials"]}
        return sorted(ranked, key=lambda row: (row["status"] != "FINISHED", group_of.get(row["trial"], len(groups))))
    return sorted(ranked, key=lambda row: row["rank"] or math.inf)


def context_keys(rows: Sequence[Row]) -> list[str]:
    """The settings in which the trials differ although values of the metric do not compare across them."""
    return differing([row.get("context") or {} for row in rows])


def mean_std(values: list[float]) -> dict[str, float | None]:
    mean, std = mean_and_std(values)
    return {"mean": mean, "std": std, "count": len(values)}


def _ranked(
    rows: Sequence[Row],
    scores: Sequence[float | None],
    estimates: Sequence[Estimate | None],
    better: str | None,
    tier: Any,
) -> list[Row]:
    contexts: dict[str, list[int]] = {}
    for at, row in enumerate(rows):
        contexts.setdefault(str(row.get("context") or {}), []).append(at)
    sign, ordered = -1 if better == "max" else 1, []
    for members in contexts.values():
        found = dict(zip(members, places([estimates[at] for at in members], better), strict=True))
        members.sort(
            key=lambda at: (_order(found[at], tier(rows[at])), scores[at] is None, sign * (scores[at] or 0.0))
        )
        ordered += [rows[at] | _as_fields(found[at]) for at in members]
    return ordered


def _order(place: Place, tier: Any) -> tuple[Any, ...]:
    return (0, place.rank) if place.rank is not None else (1, tier)


def _as_fields(place: Place) -> Row:
    return {"rank": place.rank, "tied": place.is_tied, "best": place.is_best}


def _estimate(row: Row, score: float | None) -> Estimate | None:
    """None for a trial that is not ranked."""
    return Estimate(score, row.get("error")) if score is not None and row["status"] == "FINISHED" else None


def _mean_estimate(group: Row, monitor: str) -> Estimate | None:
    found = group["metrics"].get(monitor)
    if found is None or group["status"] != "FINISHED":
        return None
    error = None if found["std"] is None else found["std"] / math.sqrt(found["count"])
    return Estimate(found["mean"], error, found["count"])


def _group(rows: list[Row]) -> Row:
    status = min(rows, key=_tier)["status"]
    own = [row for row in rows if row["status"] == status and status in ("FINISHED", *STOPPED)]
    furthest = max((row.get("epoch") or 0 for row in own), default=0)
    if status in STOPPED:  # a mean over different epochs would say nothing
        own = [row for row in own if (row.get("epoch") or 0) == furthest]
    return {
        "swept": configuration(rows[0]["swept"]),
        "trials": [row["trial"] for row in rows],
        "status": status,
        "statuses": dict(Counter(row["status"] for row in rows)),
        "epoch": furthest or None,
        "context": rows[0].get("context") or {},
        "metrics": {name: mean_std(known) for name, known in _columns(row["metrics"] for row in own).items()},
    }


def _columns(rows: Iterable[Mapping[str, float | None]]) -> dict[str, list[float]]:
    """The finite values of each metric."""
    columns: dict[str, list[float]] = {}
    for metrics in rows:
        for name, value in metrics.items():
            if value is not None:
                columns.setdefault(name, []).append(value)
    return columns


def _tier(row: Row) -> tuple[int, int]:
    """Finished ones, then stopped ones that came further, then the rest."""
    if row["status"] == "FINISHED":
        return 0, 0
    return (1, -(row.get("epoch") or 0)) if row["status"] in STOPPED else (2, 0)


def _finite(value: Any) -> float | None:
    return value if isinstance(value, int | float) and math.isfinite(value) else None
