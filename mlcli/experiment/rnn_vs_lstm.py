"""Do gated recurrent networks make better use of longer texts than a plain RNN?

Method: text classification from the last hidden state of an RNN (Elman 1990), a GRU (Cho et al., EMNLP 2014) and an
LSTM (Hochreiter & Schmidhuber 1997), with texts cut to several lengths.
"""

from collections import Counter
from collections.abc import Sequence

from mlcli.experiment.analysis.runs import finished, model_name
from mlcli.figure.sequence_length import accuracy_by_length
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

METRIC = "test/accuracy"
BASELINE = "majority-class baseline"
Scores = dict[str, dict[int, float]]  # model → words → accuracy


def rnn_vs_lstm(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Test accuracy of each model by the length of the texts, with the majority-class baseline."""
    complete = finished(runs)
    scores: Scores = {}
    for run in complete:
        scores.setdefault(model_name(run), {})[int(run.cfg.data.length)] = run.metrics[METRIC]
    lengths = sorted({length for own in scores.values() for length in own})
    if len(lengths) < 2:
        return None
    baseline = _majority(complete[0])
    rows = [(length, *(own.get(length) for own in scores.values()), baseline) for length in lengths]
    curves = {name: [own.get(length) for length in lengths] for name, own in scores.items()}
    plot = accuracy_by_length(lengths, curves, baseline)
    return Conclusion(_sentence(scores, baseline), ("words", *scores, BASELINE), rows, [plot])


def _sentence(scores: Scores, baseline: float) -> str:
    changes = []
    for name, own in scores.items():
        short, long = min(own), max(own)
        gain = own[long] - own[short]
        changes.append(f"{name} {gain:+.3f} (from {own[short]:.3f} at {short} words to {own[long]:.3f} at {long})")
    longest = max(length for own in scores.values() for length in own)
    ends = {name: own[longest] for name, own in scores.items() if longest in own}
    best = max(ends, key=ends.__getitem__)
    return (
        f"Change in test accuracy with longer texts: {', '.join(changes)}; {BASELINE} {baseline:.3f}. At {longest} "
        f"words {best} is best with {ends[best]:.3f}."
    )


def _majority(run: FinishedRun) -> float:
    """The frequency of the most frequent class of the test split."""
    targets = run.predictions()["target"]
    return Counter(targets).most_common(1)[0][1] / len(targets)
