"""How does the memory span of a recurrent network depend on its number of hidden units?

Method: classification of the symbol seen some time steps ago, for several delays and hidden sizes (vanishing
gradients: Bengio, Simard & Frasconi, IEEE Transactions on Neural Networks 5, 1994).
"""

from collections.abc import Sequence

from mlcli.experiment.analysis.runs import group_by, mean_metric
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

RECALLED = 0.9  # accuracy from which on a delay counts as recalled


def hidden_size_memory(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Test accuracy of each hidden size at each delay (means over seeds), and the memory span, which depends on the
    length of training."""
    groups = group_by(runs, lambda run: (int(run.cfg.model.hidden_size), int(run.cfg.data.delay)))
    means = {setting: mean_metric(group, "test/accuracy") for setting, group in groups.items()}
    sizes, delays = (sorted({setting[i] for setting in means}) for i in (0, 1))
    if len(sizes) < 2:
        return None
    spans = {
        size: _memory_span({delay: means[size, delay] for delay in delays if (size, delay) in means})
        for size in sizes
    }
    rows = [(size, *(means.get((size, delay)) for delay in delays), spans[size]) for size in sizes]
    each = ", ".join(f"{size} units {_steps(spans[size])}" for size in sizes)
    chance = 1 / int(runs[0].cfg.data.symbols)
    sentence = (
        f"Memory span (longest delay with {RECALLED:.0%} test accuracy; chance level {chance:.0%}) after "
        f"{runs[0].cfg.trainer.epochs} epochs: {each}; {_trend(list(spans.values()))}."
    )
    return Conclusion(sentence, ("hidden size", *(f"delay {delay}" for delay in delays), "memory span"), rows)


def _memory_span(accuracy: dict[int, float]) -> int:
    """The longest delay up to which every delay is recalled; 0 if not even the shortest is."""
    longest = 0
    for delay, score in accuracy.items():
        if score < RECALLED:
            break
        longest = delay
    return longest


def _steps(delay: int) -> str:
    return f"{delay} step{'s' if delay > 1 else ''}" if delay else "none"


def _trend(spans: list[int]) -> str:
    """Of the memory spans by growing size."""
    if spans != sorted(spans):
        return "it does not always grow with the number of units"
    verb = "grows with" if spans[-1] > spans[0] else "does not depend on"
    return f"it {verb} the number of units"
