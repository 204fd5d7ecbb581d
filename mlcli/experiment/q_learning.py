"""Whether Q-learning finds the best way through a gridworld, and how soon."""

from collections.abc import Sequence
from statistics import median

from mlcli.experiment.analysis.tabular_policy import WORSE, Greedy, best, learnt
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.metric.control import maps
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun


def q_learning(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """What each seed has found, beside what value iteration says is possible."""
    finished = [run for run in runs if run.status == "FINISHED"]
    if not finished:
        return None
    found = [learnt(run) for run in finished]
    exact = best(found[0].data, float(finished[0].cfg.task.gamma))
    soon = [_episodes(run, exact) for run in finished]
    rows = [
        (int(run.cfg.trainer.seed), each.returned, each.steps, each.as_good_as(exact), episodes)
        for run, each, episodes in zip(finished, found, soon, strict=True)
    ]
    columns = ("seed", "return", "steps", "best", "first best after episodes")
    plots = [_online(finished, exact), _policies(found[0], exact)]
    return Conclusion(_sentence(found, exact, soon), columns, rows, plots)


def _episodes(run: FinishedRun, exact: Greedy) -> int | None:
    """After how many the greedy policy was the best for the first time."""
    least = exact.returned - WORSE * abs(exact.returned)
    history = run.history()
    return next((_at(run, each["epoch"]) for each in history if each["metrics"]["train/return"] >= least), None)


def _at(run: FinishedRun, epoch: int) -> int:
    return epoch * int(run.cfg.task.episodes)


def _sentence(found: Sequence[Greedy], exact: Greedy, soon: Sequence[int | None]) -> str:
    good = sum(each.as_good_as(exact) for each in found)
    known = [episodes for episodes in soon if episodes]
    when = f", for the first time after {median(known):g} episodes (median)" if known else ""
    return (
        f"Q-learning has found a best way on {good} of {len(found)} seeds{when}. Value iteration, which is told the "
        f"world, expects a return of {exact.returned:.4g} in {exact.steps:.4g} steps."
    )


def _online(runs: Sequence[FinishedRun], exact: Greedy) -> Plot:
    """Return and steps of the episodes in which the agents learnt, with a band over seeds."""
    x = [_at(runs[0], each["epoch"]) for each in runs[0].history()]
    of = []
    for name, level in (("return", exact.returned), ("steps", exact.steps)):
        repeats = [[each["metrics"][f"train/online_{name}"] for each in run.history()] for run in runs]
        of.append(Panel("episodes", name, {"Q-learning": Curve.mean(x, repeats)}, level=level))
    title = f"Episodes while learning: steps fall to {of[1].curves['Q-learning'].y[-1]:.3g}"
    note = f"mean and standard deviation of {len(runs)} seeds; dashed: the best possible, without exploring"
    return panels("online_return", title, note, of)


def _policies(own: Greedy, exact: Greedy) -> Plot:
    told = "as good as" if own.as_good_as(exact) else "not as good as"
    title = f"What Q-learning has found is {told} the best: {own.steps:.4g} steps"
    note = "arrows: best actions; colour: what a state is thought to be worth; orange: an episode"
    panels = [own.map("Q-learning, one seed"), exact.map("value iteration")]
    return maps("policy", title, note, own.data.examples.world.grid, panels, "value")
