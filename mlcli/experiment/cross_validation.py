"""Which architecture is best, and is the difference significant?

Method: k-fold cross-validation of all on the same folds; differences from the best are tested with the corrected
resampled t-test (Nadeau & Bengio, Machine Learning 52, 2003), because training sets of the folds overlap.
"""

from collections.abc import Sequence
from dataclasses import asdict
from statistics import fmean

from mlcli.experiment.analysis.runs import example_counts, finished, model_name
from mlcli.figure.crossval import fold_scores
from mlcli.figure.plot import Plot
from mlcli.metric.resampled import paired, resampled
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

METRIC = "test/accuracy"
SIGNIFICANCE = 0.05
Scores = dict[str, list[float]]  # by model, the accuracy in each fold


def cross_validation(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """The test accuracy of each model in each fold, and the paired comparison of the best with each other one."""
    by_model: dict[str, dict[int, FinishedRun]] = {}
    for run in finished(runs):
        by_model.setdefault(model_name(run), {})[run.cfg.split.fold] = run
    folds = sorted(set.intersection(*(set(own) for own in by_model.values()))) if by_model else []
    if len(folds) < 2 or len(by_model) < 2:
        return None
    sizes = [example_counts(run) for run in finished(runs)]
    ratio = fmean(each["test"] for each in sizes) / fmean(each["train"] for each in sizes)
    unordered = {name: [own[fold].metrics[METRIC] for fold in folds] for name, own in by_model.items()}
    scores = {name: unordered[name] for name in sorted(unordered, key=lambda name: -fmean(unordered[name]))}
    rows = list(zip(folds, *scores.values(), strict=True))
    return Conclusion(_sentence(scores, ratio), ("fold", *scores), rows, [_plot(scores, ratio)])


def _plot(scores: Scores, ratio: float) -> Plot:
    means = [asdict(resampled(own, ratio)) for own in scores.values()]
    return fold_scores("folds", METRIC, "max", len(next(iter(scores.values()))), 1, scores, means)


def _sentence(scores: Scores, ratio: float) -> str:
    best, *others = scores
    means = []
    for name, own in scores.items():
        found = resampled(own, ratio)
        means.append(f"{name} {found.mean:.1%} ± {100 * (found.std or 0.0):.1f}")
    tests = []
    for name in others:
        test = paired(scores[best], scores[name], ratio)
        verdict = "significantly" if test.p < SIGNIFICANCE else "not significantly"
        points = f"{100 * test.difference:.1f} percentage points"
        tests.append(f"{verdict} better than {name} ({points}, p = {test.p:.2g})")
    return (
        f"{len(scores[best])}-fold cross-validation, mean test accuracy ± standard deviation: {', '.join(means)}. "
        f"{best} is {'; '.join(tests)}; corrected resampled t-test (Nadeau & Bengio 2003)."
    )
