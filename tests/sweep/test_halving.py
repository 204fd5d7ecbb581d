"""Successive halving of configurations: what is ranked, what is pruned, and what is left alone."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mlcli.config.settings import settings
from mlcli.run.job import Job
from mlcli.run.member import StackMember
from mlcli.sweep.halving import Halving, count_seeds, in_stacks, seeds_together
from mlcli.sweep.trial import Trial
from mlcli.train.epoch_values import Diverged
from mlcli.train.loop import Epoch

Scores = dict[tuple[float, int], float | None]  # learning rate and seed → loss, None for a failure


def config(rungs: list[int], data: str = "iris", keep: float = 0.5) -> Any:
    return settings(
        {
            "task": {"_target_": "mlcli.task.classification.Classification"},
            "data": {"_target_": f"mlcli.data.{data}.{data}"},
            "sweep": {"halving": True, "rungs": rungs, "keep": keep, "metric": None},
            "trainer": {"monitor": "val/loss", "epochs": 8},
        }
    )


def member(lr: float, seed: int, cfg: Any) -> StackMember:
    job = Job(cfg, [], Path("x"), "", f"{lr}-{seed}", swept={"trainer.seed": seed, "optimizer.lr": lr})
    return StackMember(job, SimpleNamespace())  # type: ignore[arg-type]  # parts are not used


def halving(members: list[StackMember], seeds: int, notes: list[str]) -> Halving:
    counts = Counter({f"optimizer.lr={each.job.swept['optimizer.lr']}": seeds for each in members})
    return Halving(members[0].job.cfg, members, counts, notes.append)


def epoch(found: Halving, members: list[StackMember], number: int, scores: Scores) -> list[str]:
    """One epoch of those that still train; returns the ids of the pruned ones."""
    for each in members:
        score = scores[each.job.swept["optimizer.lr"], each.job.swept["trainer.seed"]]
        if each.progress.failure or each.progress.stopped:
            continue
        each.progress.epoch = number
        if score is None:
            each.progress.failure = Diverged("nan")
        else:
            found.on_epoch(each, Epoch(number, number, {"val/loss": score}, True))
    return sorted(each.job.id for each in found.on_boundary())


@pytest.fixture
def members() -> list[StackMember]:
    cfg = config([2])
    return [member(lr, seed, cfg) for seed in (0, 1) for lr in (0.1, 0.2, 0.3, 0.4)]


# The best single seed is of 0.4, and the best means are of 0.1 and 0.2.
SCORES: Scores = {
    (0.1, 0): 0.30, (0.1, 1): 0.32, (0.2, 0): 0.35, (0.2, 1): 0.31,
    (0.3, 0): 0.50, (0.3, 1): 0.60, (0.4, 0): 0.01, (0.4, 1): 1.50,
}  # fmt: skip


def test_the_mean_over_the_seeds_decides(members: list[StackMember]) -> None:
    notes: list[str] = []
    found = halving(members, 2, notes)
    assert epoch(found, members, 1, SCORES) == []
    assert epoch(found, members, 2, SCORES) == ["0.3-0", "0.3-1", "0.4-0", "0.4-1"]
    assert members[2].progress.stopped == "3 of 4 by the mean val/loss of 2 seeds at the rung of epoch 2"
    assert epoch(found, members, 3, SCORES) == [] and notes == []


def test_a_failed_seed_counts_as_the_worst(members: list[StackMember]) -> None:
    found = halving(members, 2, [])
    epoch(found, members, 1, SCORES | {(0.1, 0): None})
    assert epoch(found, members, 2, SCORES) == ["0.1-1", "0.4-0", "0.4-1"]
    assert not members[4 + 1].progress.stopped and members[0].status == "RUNNING"


def test_a_seed_that_ended_by_itself_counts_with_its_last_score(members: list[StackMember]) -> None:
    found = halving(members, 2, [])
    epoch(found, members, 1, SCORES | {(0.1, 0): 3.0})
    members[0].progress.stopped = "no better val/loss for 1 epochs"
    assert epoch(found, members, 2, SCORES) == ["0.1-1", "0.4-0", "0.4-1"]
    assert members[0].status == "RUNNING" and members[0].progress.stopped.startswith("no better")


def test_a_configuration_that_is_not_whole_is_left_alone(members: list[StackMember]) -> None:
    """Of 0.4 a third seed trains in another stack: of the other three the worse ones are pruned."""
    notes: list[str] = []
    found = halving(members, 2, notes)
    found.seeds["optimizer.lr=0.4"] = 3
    epoch(found, members, 1, SCORES)
    assert epoch(found, members, 2, SCORES) == ["0.3-0", "0.3-1"]  # round(0.5 · 3) = 2 are kept
    assert notes == ["sweep.halving: the 3 seeds of optimizer.lr=0.4 are not in one stack, so it is not pruned"]


def test_the_halves_of_a_stack_that_ran_out_of_memory_prune_only_what_they_hold_whole(
    members: list[StackMember],
) -> None:
    """The first half has one seed of each rate, and trains to its end before the second begins."""
    notes: list[str] = []
    found = halving(members, 2, notes)
    first, second = members[:4], members[4:]
    for number in range(1, 9):
        assert epoch(found, first, number, SCORES) == []
    assert epoch(found, second, 1, SCORES) == [] and epoch(found, second, 2, SCORES) == []
    assert len(notes) == 8


def test_data_sets_are_ranked_apart() -> None:
    iris, wine = config([1]), config([1], "wine")
    members = [member(lr, 0, cfg) for lr, cfg in ((0.1, iris), (0.2, iris), (0.3, wine), (0.4, wine))]
    found = halving(members, 1, [])
    scores = {(lr, 0): lr for lr in (0.1, 0.2, 0.3, 0.4)}
    assert epoch(found, members, 1, scores) == ["0.2-0", "0.4-0"]
    assert members[1].progress.stopped == "2 of 2 by val/loss at the rung of epoch 1"


def test_stacks_hold_whole_configurations_as_far_as_they_fit() -> None:
    cfg = config([1])
    trials = [
        Trial(i, member(lr, seed, cfg).job) for i, (seed, lr) in enumerate((s, r) for s in range(3) for r in (1, 2))
    ]
    assert set(count_seeds(trials).values()) == {3}
    group = seeds_together(trials)

    def numbers(size: int) -> list[list[int]]:
        return [[trial.number for trial in stack] for stack in in_stacks(group, size)]

    assert numbers(6) == [[0, 2, 4, 1, 3, 5]]
    assert numbers(5) == numbers(4) == numbers(3) == [[0, 2, 4], [1, 3, 5]]
    assert numbers(2) == [[0, 2], [4], [1, 3], [5]]
    cfg.sweep.halving = False
    assert seeds_together(trials) == trials and in_stacks(trials, 4) == [trials[:4], trials[4:]]
