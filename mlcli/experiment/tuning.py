"""Which combination of batch size, schedule and regularisation is best, and which of the three matters most?

Method: grid search; the effect of a hyperparameter is the range of the mean validation accuracies over its values
(that few of them matter: Bergstra & Bengio, JMLR 2012).
"""

from collections.abc import Sequence
from math import sqrt
from typing import Any

from mlcli.experiment.analysis.runs import example_counts, finished, mean_metric
from mlcli.figure.parallel_coordinates import parallel_coordinates
from mlcli.figure.plot import Plot
from mlcli.metric.direction import direction
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

METRIC, FINAL = "val/accuracy", "test/accuracy"
NAMES = {"variant": "regularisation", "trainer.batch_size": "batch size", "scheduler": "schedule"}
Means = dict[Any, float]  # of the trials with each value of a key


def tuning(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """All combinations, best validation accuracy first, and the mean accuracy by value of each swept key."""
    order = sorted(finished(runs), key=lambda run: -run.metrics[METRIC])
    if len(order) < 2:
        return None
    keys = list(order[0].swept)
    names = [NAMES.get(key, key) for key in keys]
    rows = [(*run.swept.values(), run.metrics[METRIC], run.metrics[FINAL]) for run in order]
    effects = {name: _means(finished(runs), key) for name, key in zip(names, keys, strict=True)}
    sentence = _sentence(dict(zip(names, order[0].swept.values(), strict=True)), order, effects)
    return Conclusion(sentence, (*names, METRIC, FINAL), rows, [_plot(names, order)])


def _means(runs: Sequence[FinishedRun], key: str) -> Means:
    values = list(dict.fromkeys(run.swept[key] for run in runs))
    return {value: mean_metric([run for run in runs if run.swept[key] == value], METRIC) for value in values}


def _sentence(settings: dict[str, Any], order: Sequence[FinishedRun], effects: dict[str, Means]) -> str:
    best, error = order[0], _standard_error(order[0])
    near = sum(run.metrics[METRIC] >= best.metrics[METRIC] - error for run in order[1:])
    setting = ", ".join(f"{name} {value}" for name, value in settings.items())
    by_effect = sorted(effects, key=lambda name: -_range(effects[name]))
    means = "; ".join(
        f"{name} {', '.join(f'{value} {mean:.1%}' for value, mean in effects[name].items())}" for name in by_effect
    )
    return (
        f"Best validation accuracy {best.metrics[METRIC]:.1%} (test {best.metrics[FINAL]:.1%}) with {setting}; "
        f"{near} of the {len(order) - 1} other combinations are within one standard error ({100 * error:.1f} "
        f"percentage points). The {by_effect[0]} has the largest effect ({100 * _range(effects[by_effect[0]]):.1f} "
        f"percentage points between its best and worst mean). Mean by value: {means}."
    )


def _standard_error(run: FinishedRun) -> float:
    """Of the validation accuracy, a binomial proportion."""
    accuracy = run.metrics[METRIC]
    return sqrt(accuracy * (1 - accuracy) / example_counts(run)["val"])


def _range(means: Means) -> float:
    return max(means.values()) - min(means.values())


def _plot(names: list[str], runs: Sequence[FinishedRun]) -> Plot:
    values, scores = [list(run.swept.values()) for run in runs], [run.metrics[METRIC] for run in runs]
    better = direction(METRIC) or "min"
    return parallel_coordinates("parallel_coordinates", METRIC, better, names, values, scores)
