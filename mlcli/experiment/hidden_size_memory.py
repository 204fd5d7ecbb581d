"""How far back a recurrent network remembers, by the number of its units."""

from collections.abc import Sequence
from statistics import fmean

from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

REMEMBERS = 0.9  # accuracy from which on a delay counts as remembered


def hidden_size_memory(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Test accuracy of each hidden size at each delay (means over seeds), and the longest delay it remembers: what it
    has learnt in the epochs that it had, which is not all that it could ever hold."""
    scores: dict[tuple[int, int], list[float]] = {}
    for run in (run for run in runs if run.status == "FINISHED"):
        at = int(run.cfg.model.hidden_size), int(run.cfg.data.delay)
        scores.setdefault(at, []).append(run.metrics["test/accuracy"])
    sizes, delays = (sorted({at[i] for at in scores}) for i in (0, 1))
    if len(sizes) < 2:
        return None
    means = {at: fmean(each) for at, each in scores.items()}
    reach = {size: _reach({delay: means[at] for delay in delays if (at := (size, delay)) in means}) for size in sizes}
    rows = [(size, *(means.get((size, delay)) for delay in delays), reach[size]) for size in sizes]
    told = ", ".join(f"{size} units {_steps(reach[size])}" for size in sizes)
    guessing = 1 / int(runs[0].cfg.data.symbols)
    sentence = (
        f"How far back a network remembers after {runs[0].cfg.trainer.epochs} epochs (right {REMEMBERS:.0%} of the "
        f"time, where guessing is right {guessing:.0%}): {told}; {_trend(list(reach.values()))}."
    )
    return Conclusion(sentence, ("hidden size", *(f"delay {delay}" for delay in delays), "remembers"), rows)


def _reach(accuracy: dict[int, float]) -> int:
    """The longest delay up to which every delay is remembered; 0 if not even the shortest is."""
    reach = 0
    for delay, score in accuracy.items():
        if score < REMEMBERS:
            break
        reach = delay
    return reach


def _steps(reach: int) -> str:
    return f"{reach} step{'s' if reach > 1 else ''}" if reach else "no step"


def _trend(reach: list[int]) -> str:
    """Of the reaches by growing size."""
    if reach != sorted(reach):
        return "more units do not always remember further back"
    return "more units remember further back" if reach[-1] > reach[0] else "the number of units makes no difference"
