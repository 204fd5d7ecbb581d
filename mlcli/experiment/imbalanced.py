"""Why accuracy misleads where one class is rare."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlcli.figure.bars import bars
from mlcli.figure.plot import Plot
from mlcli.metric import classification
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

METRICS = ("accuracy", "precision", "recall", "f1", "roc_auc", "average_precision")


def imbalanced(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Scores of each way to train, beside a guesser that always says the common class. Precision, recall and F1 are
    those of the rare class."""
    finished = [run for run in runs if run.status == "FINISHED"]
    plain = next((run for run in finished if not _way(run)), None)
    if plain is None:
        return None
    data = plain.parts().data
    targets = data.examples.targets[data.splits["test"]].numpy()
    rare = data.classes[int(np.bincount(targets, minlength=len(data.classes)).argmin())]
    guesser = _scores(_guesses(targets, data.classes), rare)
    ways = {_way(run) or "plain": _scores(_of_test(run), rare) for run in finished}
    rows = [(name, *scores) for name, scores in {"always the common class": guesser, **ways}.items()]
    return Conclusion(_sentence(guesser, ways, rare), ("trained", *METRICS), rows, [_plot(rows, rare)])


def _way(run: FinishedRun) -> str:
    """What the run does about the rarity; nothing if it is trained as usual."""
    trainer = run.cfg.trainer
    done = {"class weights": trainer.class_weights is not None, "balanced sampler": trainer.sampler is not None}
    return " and ".join(name for name, is_used in done.items() if is_used)


def _guesses(targets: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    """Scores of one answer for all N examples: each class's share among them."""
    shares = np.bincount(targets, minlength=len(classes)) / len(targets)
    return classification.scores(targets, np.tile(shares, (len(targets), 1)), classes)


def _of_test(run: FinishedRun) -> dict[str, float]:
    return {name.removeprefix("test/"): value for name, value in run.metrics.items() if name.startswith("test/")}


def _scores(metrics: Mapping[str, float], rare: str) -> list[float]:
    """In the order of `METRICS`."""
    return [metrics[name] if name in metrics else metrics[f"{name}/{rare}"] for name in METRICS]


def _plot(rows: Sequence[tuple[Any, ...]], rare: str) -> Plot:
    scores = {name: own for name, *own in rows}
    title = f"Accuracy hides who finds the {rare}"
    note = f"test split; precision, recall and F1 of {rare}"
    names = [name.replace("_", " ") for name in METRICS]
    return bars("scores", title, note, names, scores)


def _sentence(guesser: Sequence[float], ways: Mapping[str, Sequence[float]], rare: str) -> str:
    accuracy, recall = METRICS.index("accuracy"), METRICS.index("recall")
    plain = ways["plain"]
    finder, found = max(ways.items(), key=lambda way: way[1][recall])
    verdict = "misleads" if found[accuracy] < guesser[accuracy] else "does not mislead here"
    return (
        f"Accuracy {verdict}: whoever always guesses the common class is right {guesser[accuracy]:.1%} of the time "
        f"and finds {guesser[recall]:.0%} of {rare}; the network is right {plain[accuracy]:.1%} of the time and "
        f"finds {plain[recall]:.0%} (average precision {plain[-1]:.2f} against {guesser[-1]:.3f}); with {finder} it "
        f"finds {found[recall]:.0%} and is right {found[accuracy]:.1%}."
    )
