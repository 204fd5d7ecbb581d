"""What the learning rate does: which rates crawl, which converge, and which diverge."""

from collections.abc import Sequence

from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

NEAR = 1.1  # times the best loss: as good as converged
HIGHEST = 100.0  # loss that is drawn; one that diverges would press all others onto the axis


def learning_rates(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Each rate with the loss that it reached, and the epoch at which it came near the best of all."""
    finished = [run for run in runs if run.status == "FINISHED"]
    if len(runs) < 2 or not finished:
        return None
    best = min(run.metrics["val/loss"] for run in finished)
    arrivals = {float(run.cfg.optimizer.lr): _arrival(run, best * NEAR) for run in runs}
    rows = []
    for run in sorted(runs, key=lambda run: float(run.cfg.optimizer.lr)):
        rate = float(run.cfg.optimizer.lr)
        verdict = "diverges" if run.status == "FAILED" else "converges" if arrivals[rate] else "crawls"
        rows.append((rate, verdict, arrivals[rate], run.metrics.get("val/loss"), run.reason))
    told: dict[str, list[str]] = {}
    for rate, verdict, *_ in rows:
        told.setdefault(verdict, []).append(f"{rate:g}")
    parts = "; ".join(f"{', '.join(rates)} {_verb(verdict, rates)}" for verdict, rates in told.items())
    reached = {float(run.cfg.optimizer.lr): run.metrics["val/loss"] for run in finished}
    epoch, _, fastest = min((epoch, reached[rate], rate) for rate, epoch in arrivals.items() if epoch)
    sentence = (
        f"Of the rates {parts}. {fastest:g} is the fastest: within 10 % of the best loss, {best:.4g}, after {epoch} "
        f"epoch{'s' if epoch > 1 else ''}."
    )
    return Conclusion(sentence, ("rate", "it", "near best by epoch", "val/loss", "reason"), rows, [_plot(runs, told)])


def _plot(runs: Sequence[FinishedRun], told: dict[str, list[str]]) -> Plot:
    curves = {}
    for run in sorted(runs, key=lambda run: float(run.cfg.optimizer.lr)):
        losses = [(each["epoch"], each["metrics"]["val/loss"]) for each in run.history()]
        shown = [pair for pair in losses if pair[1] is not None and pair[1] < HIGHEST]
        if shown:
            curves[f"{float(run.cfg.optimizer.lr):g}"] = Curve(*map(list, zip(*shown, strict=True)))
    title = "; ".join(f"{', '.join(rates)} {_verb(verdict, rates)}" for verdict, rates in told.items())
    note = f"loss on the validation split by epoch; losses above {HIGHEST:g} are not drawn"
    return panels("learning_rates", title, note, [Panel("epoch", "val/loss", curves, "y")], "learning rate")


def _arrival(run: FinishedRun, loss: float) -> int | None:
    """The first epoch with at most this loss."""
    return next((each["epoch"] for each in run.history() if each["metrics"]["val/loss"] <= loss), None)


def _verb(verdict: str, rates: list[str]) -> str:
    return verdict if len(rates) == 1 else verdict[:-1]
