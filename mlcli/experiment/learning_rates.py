"""How does the learning rate decide whether gradient descent converges?

Method: one linear regression trained with learning rates from too small to divergent (convergence needs a rate below
2 / λ_max of the Hessian: Goodfellow, Bengio & Courville, Deep Learning, 2016, section 4.3).
"""

from collections.abc import Mapping, Sequence

from mlcli.experiment.analysis.convergence import epochs_to
from mlcli.experiment.analysis.runs import finished, learning_rate
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

METRIC = "val/loss"
CONVERGED = 1.1  # times the best loss
HIGHEST = 100.0  # loss in the figure: a diverging run would compress all others
SLOW, CONVERGES, DIVERGES = "converges too slowly", "converges", "diverges"
IN_TITLE = {SLOW: "too slow", DIVERGES: "divergent"}
COLUMNS = ("learning rate", "outcome", "epochs to 110% of best", METRIC, "reason")
Rates = Mapping[str, Sequence[str]]  # by outcome


def learning_rates(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Each learning rate with its outcome, and the epochs until its loss is within 10% of the best one of all."""
    complete = finished(runs)
    if len(runs) < 2 or not complete:
        return None
    best = min(run.metrics[METRIC] for run in complete)
    epochs = {learning_rate(run): epochs_to([run], METRIC, best * CONVERGED) for run in runs}
    rows = []
    for run in sorted(runs, key=learning_rate):
        rate = learning_rate(run)
        outcome = DIVERGES if run.status == "FAILED" else CONVERGES if epochs[rate] else SLOW
        rows.append((rate, outcome, epochs[rate], run.metrics.get(METRIC), run.reason))
    rates: dict[str, list[str]] = {}
    for rate, outcome, *_ in rows:
        rates.setdefault(outcome, []).append(f"{rate:g}")
    reached = {learning_rate(run): run.metrics[METRIC] for run in complete}
    epoch, _, fastest = min((epoch, reached[rate], rate) for rate, epoch in epochs.items() if epoch)
    sentence = (
        f"Learning rates: {_outcomes(rates)}. {fastest:g} is the fastest: within 10% of the best loss, {best:.4g}, "
        f"after {epoch:g} epoch{'s' if epoch > 1 else ''}."
    )
    return Conclusion(sentence, COLUMNS, rows, [_plot(runs, rates)])


def _outcomes(rates: Rates) -> str:
    return "; ".join(
        f"{', '.join(own)} {outcome if len(own) == 1 else outcome.replace('verges', 'verge')}"
        for outcome, own in rates.items()
    )


def _plot(runs: Sequence[FinishedRun], rates: Rates) -> Plot:
    curves = {}
    for run in sorted(runs, key=learning_rate):
        losses = [(record["epoch"], record["metrics"][METRIC]) for record in run.history()]
        shown = [pair for pair in losses if pair[1] is not None and pair[1] < HIGHEST]
        if shown:
            curves[f"{learning_rate(run):g}"] = Curve(*map(list, zip(*shown, strict=True)))
    note = f"loss on the validation split by epoch; losses above {HIGHEST:g} are not shown"
    failed = [f"{word}: {', '.join(rates[outcome])}" for outcome, word in IN_TITLE.items() if outcome in rates]
    title = " · ".join(["Learning rates", *(failed or ["all converge"])])
    return panels("learning_rates", title, note, [Panel("epoch", METRIC, curves, "y")], "learning rate")
