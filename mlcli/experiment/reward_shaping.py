"""How do different rewards change the policy that is learned in the same world?

Method: Q-learning with each reward function; potential-based shaping leaves the optimal policy unchanged, other
bonuses need not (Ng, Harada & Russell, ICML 1999).
"""

from collections.abc import Sequence
from statistics import median

from mlcli.experiment.analysis.policies import GreedyPolicy, learned_policy, optimal_policy
from mlcli.experiment.analysis.runs import by_variant
from mlcli.figure.control import maps
from mlcli.figure.plot import Plot
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

REACHED = 0.5  # success rate from which on a policy counts as reaching the goal
COLUMNS = ("rewards", "steps", "success", "optimal: steps", "optimal: success", "optimal seeds")
Policies = dict[str, list[GreedyPolicy]]  # by reward function, one for each seed


def reward_shaping(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Expected steps and success rate of the learned policies (medians over seeds), against the optimal policy for
    the same rewards."""
    groups = by_variant([run for run in runs if run.cfg.variant])
    learned: Policies = {name.replace("_", " "): [*map(learned_policy, group)] for name, group in groups.items()}
    if len(learned) < 2:
        return None
    gamma = float(runs[0].cfg.task.gamma)
    rows = []
    for name, own in learned.items():
        optimal = optimal_policy(own[0].data, gamma)
        count = f"{sum(each.is_as_good_as(optimal) for each in own)} of {len(own)}"
        rows.append((name, *_medians(own), optimal.steps, optimal.success, count))
    return Conclusion(_sentence(learned), COLUMNS, rows, [_policies(learned)])


def _medians(own: Sequence[GreedyPolicy]) -> tuple[float, float]:
    """Steps and success rate, medians over seeds."""
    return median(each.steps for each in own), median(each.success for each in own)


def _sentence(learned: Policies) -> str:
    medians = {name: _medians(own) for name, own in learned.items()}
    each = ", ".join(f"{name} {steps:.3g} ({success:.0%})" for name, (steps, success) in medians.items())
    failed = [name for name, (_, success) in medians.items() if success < REACHED]
    end = f"With {' and '.join(failed)} the policy does not reach the goal." if failed else "All reach the goal."
    return f"Expected steps (and success rate) of the greedy policy by rewards: {each}. {end}"


def _policies(learned: Policies) -> Plot:
    """For each reward function the policy of the seed with the median number of steps."""
    panels = []
    for rewards, own in learned.items():
        middle = sorted(own, key=lambda each: each.steps)[len(own) // 2]
        panels.append(middle.map(f"{rewards}: {middle.steps:.3g} steps, success {middle.success:.0%}"))
    steps = [_medians(own)[0] for own in learned.values()]
    title = f"Learned policy by rewards: {min(steps):.3g} to {max(steps):.3g} steps"
    note = "arrows: greedy actions; colour: state value, scaled per map; orange: an episode"
    first = next(iter(learned.values()))[0]
    return maps("policies", title, note, first.data.examples.world.grid, panels, "")
