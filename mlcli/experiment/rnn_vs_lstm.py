"""What gates are good for: the accuracy of recurrent networks on shorter and longer texts."""

from collections import Counter
from collections.abc import Sequence

from mlcli.figure import length as figures_length
from mlcli.figure.plot import Plot
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

NAMES = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}
SAME = 0.005  # of accuracy
Scores = dict[str, dict[int, float]]  # model → words → accuracy


def rnn_vs_lstm(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Test accuracy of each model by how many words it reads, beside guessing the most frequent class."""
    finished = [run for run in runs if run.status == "FINISHED"]
    scores: Scores = {}
    for run in finished:
        kind = run.cfg.model._target_.rpartition(".")[2].lower()
        scores.setdefault(NAMES.get(kind, kind), {})[int(run.cfg.data.length)] = run.metrics["test/accuracy"]
    lengths = sorted({length for own in scores.values() for length in own})
    if len(lengths) < 2:
        return None
    guess = _guess(finished[0])
    rows = [(length, *(own.get(length) for own in scores.values()), guess) for length in lengths]
    data = {"lengths": lengths, "curves": {name: [own.get(n) for n in lengths] for name, own in scores.items()}}
    plot = Plot("accuracy_by_length", figures_length.accuracy_by_length, data | {"guess": guess})
    return Conclusion(_sentence(scores, guess), ("words", *scores, "guessing"), rows, [plot])


def _sentence(scores: Scores, guess: float) -> str:
    told = []
    for name, own in scores.items():
        short, long = min(own), max(own)
        gained = own[long] - own[short]
        way = "stays" if abs(gained) < SAME else f"{'gains' if gained > 0 else 'loses'} {abs(gained):.3f}"
        told.append(f"{name} {way} (from {own[short]:.3f} at {short} words to {own[long]:.3f} at {long})")
    longest = max(length for own in scores.values() for length in own)
    ends = {name: own[longest] for name, own in scores.items() if longest in own}
    best = max(ends, key=ends.__getitem__)
    return (
        f"With more words to read, {', '.join(told)}; guessing has {guess:.3f}. Of {longest} words {best} makes the "
        f"most: {ends[best]:.3f}."
    )


def _guess(run: FinishedRun) -> float:
    """The share of the test split's most frequent class."""
    targets = run.predictions()["target"]
    return Counter(targets).most_common(1)[0][1] / len(targets)
