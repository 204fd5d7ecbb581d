from dataclasses import dataclass, field
from typing import Any, cast

from mlcli.experiment.analysis.convergence import epochs_to, fastest, first_reaching, format_all, in_order
from mlcli.experiment.analysis.runs import group_by, mean_metric, std_metric
from mlcli.figure.panels import Curve
from mlcli.run.finished_run import FinishedRun


@dataclass
class Run:
    """What grouping and convergence read of a FinishedRun."""

    name: str
    losses: list[float]
    status: str = "FINISHED"
    metrics: dict[str, float] = field(default_factory=dict)

    def history(self) -> list[dict[str, Any]]:
        return [{"epoch": i + 1, "metrics": {"val/loss": loss}} for i, loss in enumerate(self.losses)]


def finished_run(*values: Any, **named: Any) -> FinishedRun:
    return cast(FinishedRun, Run(*values, **named))


def test_a_level_is_reached_from_the_metric_s_own_side() -> None:
    curve = Curve([1, 2, 3, 4], [0.5, None, 0.3, 0.7])
    assert first_reaching(curve, "val/loss", 0.4) == 3
    assert first_reaching(curve, "val/accuracy", 0.6) == 4
    assert first_reaching(curve, "val/loss", 0.2) is None


def test_epochs_are_those_of_the_mean_over_repeats() -> None:
    runs = [finished_run("a", [3.0, 1.0, 0.0]), finished_run("a", [3.0, 2.0, 0.0])]
    assert epochs_to(runs, "val/loss", 1.5) == 2
    assert epochs_to(runs, "val/loss", 1.4) == 3


def test_ties_are_ranked_by_the_second_criterion() -> None:
    slow, fast, equal, never = ([finished_run(str(i), x)] for i, x in enumerate(([2, 2, 1], [1, 3], [1, 2], [4, 5])))
    last = lambda runs: runs[0].history()[-1]["metrics"]["val/loss"]  # noqa: E731
    assert fastest([slow, fast, equal, never], "val/loss", 1, last) is equal
    assert fastest([never, slow], "val/loss", 0.5, last) is slow


def test_settings_that_never_reach_the_level_come_last() -> None:
    epochs = {"a": None, "b": 12.0, "c": 3.0}
    assert in_order(epochs) == ["c", "b", "a"]
    assert format_all(epochs) == "a never · b 12 · c 3"


def test_groups_hold_finished_runs_with_mean_and_deviation() -> None:
    runs = [
        finished_run("a", [], metrics={"x": 1.0}),
        finished_run("b", [], metrics={"x": 5.0}),
        finished_run("a", [], status="FAILED"),
        finished_run("a", [], metrics={"x": 3.0}),
    ]
    groups = group_by(runs, lambda run: cast(Run, run).name)
    assert {name: len(group) for name, group in groups.items()} == {"a": 2, "b": 1}
    assert mean_metric(groups["a"], "x") == 2 and std_metric(groups["a"], "x") == 2**0.5
    assert std_metric(groups["b"], "x") is None
