"""Which values of a metric compare, and which of them are too close to call. Imports neither torch nor numpy.

Tables, reports, figures, MLflow and `mlcli compare` all decide here what may be called the best.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from mlcli.metric.direction import without_split
from mlcli.metric.normal import NORMAL_95

# Settings that decide what is measured, whatever the metric.
DATA = ("data", "split.by", "split.classes", "task.metrics")
LOSSES = ("loss", "*_loss", "error", "*_error")
# What else must be equal, by the task and the metric; a key stands for all below it too.
DEPENDS_ON: dict[str, dict[str, tuple[str, ...]]] = {
    # The evaluation of these is not changed by augmentation, label smoothing or class weights.
    "Classification": {"loss": ("task.loss",)},
    "SequenceLabelling": {"loss": ("task.loss",)},
    "MultiLabel": {"loss": ("task.loss",)},
    "Regression": {"loss": ("task.loss",)},
    "LanguageModel": {"loss": ("task.loss",)},
    # More clusters or components always fit better.
    "Clustering": {"loss": ("model.clusters", "split.normalise"), "inertia": ("model.clusters", "split.normalise")},
    "Reduction": {
        "loss": ("model.components", "split.normalise"),
        "explained_variance_ratio": ("model.components", "split.normalise"),
    },
    "Reconstruction": {
        "loss": ("task.loss", "task.beta", "split.normalise"),
        "*": ("task.noise", "task.mask", "split.normalise"),
    },
    # The problem is another one with more classes or fewer examples.
    "FewShot": {"loss": ("task.distance", "task.scale"), "*": ("task.test_ways", "task.test_shots")},
    "MetaLearning": {"*": ("task.ways", "task.shots")},
    "Control": {"loss": ("task",)},
    "DQN": {"loss": ("task",)},
    "Reinforce": {"loss": ("task",)},
}
DEFAULTS = {"task.test_ways": "task.ways", "task.test_shots": "task.shots"}  # for null
SHARES = ("accuracy", "balanced_accuracy", "precision_*", "recall_*", "f1_*")  # of examples, with equal weights


@dataclass(frozen=True)
class Estimate:
    """A value of a metric with its standard error, None if that is unknown. count: of repeats, 1 for a single run."""

    value: float
    error: float | None = None
    count: int = 1


@dataclass(frozen=True)
class Place:
    """rank: from 1, equal for results that tie; None for one that is not ranked. is_best: the only one of rank 1
    among several."""

    rank: int | None = None
    is_tied: bool = False
    is_best: bool = False


def context(metric: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What two runs must have in common for their values of the metric to compare, from dotted keys of the config.

    That is the data set with all its settings. A loss also needs the same task and the same settings of the
    evaluation; some metrics need more, such as the inertia the same number of clusters. For a task of your own,
    every setting of the task counts for a loss and none for another metric.
    """
    name, task = without_split(metric), str(settings.get("task._target_", "")).rpartition(".")[2]
    keys = list(DATA)
    is_loss = any(fnmatchcase(name, pattern) for pattern in LOSSES)
    if is_loss:
        keys += ["task._target_"] if task in DEPENDS_ON and not metric.startswith("train/") else ["task"]
        keys += ["trainer.class_weights"] if metric.startswith("train/") else []
    for pattern, more in DEPENDS_ON.get(task, {}).items():
        if fnmatchcase(name, pattern) or (pattern == "loss" and is_loss):
            keys += more
    found = {key: value for key, value in settings.items() if any(key == k or key.startswith(f"{k}.") for k in keys)}
    for key, other in DEFAULTS.items():
        if key in keys and found.get(key) is None:
            found[key] = settings.get(other)
    return found


def differing(contexts: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys in which contexts differ."""
    keys = dict.fromkeys(key for each in contexts for key in each)
    return [key for key in keys if len({str(each.get(key)) for each in contexts}) > 1]


def standard_error(metric: str, metrics: Mapping[str, float | None], examples: Mapping[str, int]) -> float | None:
    """The standard error of a metric of a single run, None if it is unknown.

    A run that reports a margin of error (`NAME_margin_of_error`) has it divided by 1.96. A share of the N examples of
    the validation or test split, as the accuracy, has that of a binomial proportion, √(p (1 − p) / N). Both measure
    how a score varies with the choice of the examples, not with the seed of the training; for averages over classes,
    such as F1, the binomial one is an approximation. examples: the size of each split.
    """
    value, margin = metrics.get(metric), metrics.get(f"{metric}_margin_of_error")
    if value is None:
        return None
    if margin is not None:
        return margin / NORMAL_95
    split, name = metric.partition("/")[0], without_split(metric)
    count = examples.get(split, 0) if split != "train" else 0
    if not count or not 0 <= value <= 1 or not any(fnmatchcase(name, pattern) for pattern in SHARES):
        return None
    return math.sqrt(value * (1 - value) / count)


def is_tie(one: Estimate, other: Estimate) -> bool:
    """Whether two results are too close to call: 0 lies in the 95 % confidence interval of their difference,
    |a − b| ≤ q · √(SE(a)² + SE(b)²).

    q is 1.96 for single runs. For means over n and m repeats, with SE = standard deviation / √n, it is the quantile
    of Student's t with n + m − 2 degrees of freedom, as in the two-sample t-test; a setting with a single repeat is
    taken to vary as much as the other. Without a standard error only equal values tie. The formula takes the errors
    as independent, which those of runs with the same validation examples are not: their interval is too wide, so
    there are rather too many ties than too few.
    """
    if one.value == other.value:
        return True
    a, b = _error(one, other), _error(other, one)
    if a is None or b is None:
        return False
    return abs(one.value - other.value) <= _quantile(one.count + other.count) * math.hypot(a, b)


def places(estimates: Sequence[Estimate | None], better: str | None) -> list[Place]:
    """The place of each result among those that compare; None is not ranked. better: "min", or "max"."""
    known = [each for each in estimates if each is not None]
    if not known:
        return [Place() for _ in estimates]
    sign = -1 if better == "max" else 1
    best = min(known, key=lambda each: sign * each.value)
    first = [each for each in known if is_tie(best, each)]

    def place(own: Estimate) -> Place:
        if own in first:
            return Place(1, len(first) > 1, len(first) == 1 and len(known) > 1)
        ahead = sum(each in first or sign * each.value < sign * own.value for each in known)
        return Place(ahead + 1, sum(each.value == own.value and each not in first for each in known) > 1)

    return [Place() if each is None else place(each) for each in estimates]


def _error(own: Estimate, other: Estimate) -> float | None:
    if own.error is not None or own.count > 1 or other.count < 2 or other.error is None:
        return own.error
    return other.error * math.sqrt(other.count)


def _quantile(repeats: int) -> float:
    """Of the normal distribution for two single runs, else of Student's t. repeats: of both together."""
    if repeats <= 2:
        return NORMAL_95
    from scipy.special import stdtrit

    return float(stdtrit(repeats - 2, 0.975))
