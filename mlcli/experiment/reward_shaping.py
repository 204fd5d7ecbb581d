"""What an agent does for other rewards: the same world, and the ways that it learns through it."""

from collections.abc import Sequence
from statistics import median

from mlcli.experiment.analysis.tabular_policy import Greedy, best, learnt
from mlcli.figure.plot import Plot
from mlcli.metric.control import maps
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

REACHED = 0.5  # of the episodes: it goes for the goal
Found = dict[str, list[Greedy]]  # by the name of the rewards, a policy of each seed


def reward_shaping(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Length and success of the ways under each of the rewards, beside those of the best policy for the same."""
    found: Found = {}
    for run in runs:
        if run.status == "FINISHED" and run.cfg.variant:
            found.setdefault(str(run.cfg.variant).replace("_", " "), []).append(learnt(run))
    if len(found) < 2:
        return None
    gamma = float(runs[0].cfg.task.gamma)
    exact = {name: best(own[0].data, gamma) for name, own in found.items()}
    rows = []
    for name, own in found.items():
        as_good = f"{sum(each.as_good_as(exact[name]) for each in own)} of {len(own)}"
        rows.append((name, *_typical(own), exact[name].steps, exact[name].success, as_good))
    columns = ("rewards", "steps", "success", "best: steps", "best: success", "seeds as good")
    return Conclusion(_sentence(found), columns, rows, [_policies(found)])


def _typical(own: Sequence[Greedy]) -> tuple[float, float]:
    """Steps and success, medians over seeds."""
    return median(each.steps for each in own), median(each.success for each in own)


def _sentence(found: Found) -> str:
    typical = {name: _typical(own) for name, own in found.items()}
    told = ", ".join(f"{name} {steps:.3g} ({success:.0%})" for name, (steps, success) in typical.items())
    missed = [name for name, (_, success) in typical.items() if success < REACHED]
    end = f" With {', '.join(missed)} the agent does not go for the goal." if missed else " All lead to the goal."
    return f"Expected steps (and success) of the greedy policy by rewards: {told}.{end}"


def _policies(found: Found) -> Plot:
    """Of each of the rewards the policy of the seed with the median number of steps."""
    panels = []
    for rewards, own in found.items():
        middle = sorted(own, key=lambda each: each.steps)[len(own) // 2]
        panels.append(middle.map(f"{rewards}: {middle.steps:.3g} steps, {middle.success:.0%} succeed"))
    lengths = [_typical(own)[0] for own in found.values()]
    title = f"What the agent learns to do: from {min(lengths):.3g} to {max(lengths):.3g} steps, by rewards alone"
    note = "arrows: best actions; colour: a state's value, each map with its own scale; orange: an episode"
    first = next(iter(found.values()))[0]
    return maps("policies", title, note, first.data.examples.world.grid, panels, "")
