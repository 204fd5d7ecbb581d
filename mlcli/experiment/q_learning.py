"""Does Q-learning find an optimal policy in a gridworld, and after how many episodes?

Method: tabular Q-learning with ε-greedy exploration (Watkins & Dayan 1992; Sutton & Barto, Reinforcement Learning,
2018, section 6.5), with several seeds, against value iteration.
"""

from collections.abc import Sequence
from statistics import median

from mlcli.experiment.analysis.convergence import epochs_to
from mlcli.experiment.analysis.policies import GreedyPolicy, learned_policy, optimal_policy
from mlcli.experiment.analysis.runs import finished
from mlcli.figure.control import maps
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

COLUMNS = ("seed", "return", "steps", "optimal", "episodes to optimal policy")


def q_learning(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """The greedy policy of each seed against that of value iteration."""
    complete = finished(runs)
    if not complete:
        return None
    learned = [learned_policy(run) for run in complete]
    optimal = optimal_policy(learned[0].data, float(complete[0].cfg.task.gamma))
    episodes = [_episodes_to_optimal(run, optimal) for run in complete]
    rows = [
        (int(run.cfg.trainer.seed), each.returned, each.steps, each.is_as_good_as(optimal), needed)
        for run, each, needed in zip(complete, learned, episodes, strict=True)
    ]
    plots = [_online(complete, optimal), _policies(learned[0], optimal)]
    return Conclusion(_sentence(learned, optimal, episodes), COLUMNS, rows, plots)


def _episodes_to_optimal(run: FinishedRun, optimal: GreedyPolicy) -> int | None:
    """Episodes until the greedy policy was optimal for the first time."""
    epoch = epochs_to([run], "train/return", optimal.acceptable_return)
    return None if epoch is None else _episodes(run, int(epoch))


def _episodes(run: FinishedRun, epoch: int) -> int:
    return epoch * int(run.cfg.task.episodes)


def _sentence(learned: Sequence[GreedyPolicy], optimal: GreedyPolicy, episodes: Sequence[int | None]) -> str:
    count = sum(each.is_as_good_as(optimal) for each in learned)
    known = [needed for needed in episodes if needed]
    when = f", first after {median(known):g} episodes (median)" if known else ""
    return (
        f"Q-learning finds an optimal policy with {count} of {len(learned)} seeds{when}. Value iteration, which "
        f"knows the transition model, has an expected return of {optimal.returned:.4g} in {optimal.steps:.4g} steps."
    )


def _online(runs: Sequence[FinishedRun], optimal: GreedyPolicy) -> Plot:
    """Return and steps of the training episodes, with a band over seeds."""
    x = [_episodes(runs[0], record["epoch"]) for record in runs[0].history()]
    of = []
    for name, metric, level in (
        ("return", "train/online_return", optimal.returned),
        ("steps", "train/online_episode_length", optimal.steps),
    ):
        repeats = [[record["metrics"][metric] for record in run.history()] for run in runs]
        of.append(Panel("episodes", name, {"Q-learning": Curve.mean(x, repeats)}, level=level))
    title = f"Training episodes: steps decrease to {of[1].curves['Q-learning'].y[-1]:.3g}"
    note = f"mean and standard deviation of {len(runs)} seeds, with exploration; dashed: optimal policy"
    return panels("online_return", title, note, of)


def _policies(learned: GreedyPolicy, optimal: GreedyPolicy) -> Plot:
    verdict = "optimal" if learned.is_as_good_as(optimal) else "not optimal"
    title = f"The policy of Q-learning is {verdict}: {learned.steps:.4g} steps"
    note = "arrows: greedy actions; colour: estimated state value; orange: an episode"
    own = [learned.map("Q-learning, one seed"), optimal.map("value iteration")]
    return maps("policy", title, note, learned.data.examples.world.grid, own, "value")
