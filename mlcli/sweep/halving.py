"""Successive halving within a stack: at each rung the worst half is pruned, and the rest continue, faster.

What competes are configurations: all seeds of one are pruned together, or none. Jamieson & Talwalkar 2016,
Non-stochastic Best Arm Identification, arXiv 1502.07943.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence

from mlcli.config.settings import Settings
from mlcli.metric.comparison import context
from mlcli.metric.suggestion import suggest_metric
from mlcli.run.directions import is_higher_better
from mlcli.run.job import Job
from mlcli.run.member import StackMember
from mlcli.store.records import flatten
from mlcli.sweep.ranking import configuration
from mlcli.sweep.trial import Trial
from mlcli.train.loop import Epoch

RUNGS = (1 / 8, 1 / 4, 1 / 2)  # default, as fractions of all epochs
NO_STACK = "sweep.halving needs a stack, so none is pruned"


class Halving:
    """Prunes configurations of one stack at the rungs that the group `sweep` of the config sets.

    They are ranked by the mean of `sweep.metric` over their seeds at the rung, those of one data set against each
    other. A seed that failed, or whose metric is not finite, counts as the worst: such configurations come last, by
    the number of these seeds and then by the mean of the others. A seed that ended earlier by itself, as by
    `trainer.patience`, counts with its last value. A configuration of which a seed trains outside of this stack is
    neither ranked nor pruned.
    """

    def __init__(
        self, cfg: Settings, members: Sequence[StackMember], seeds: Counter[str], note: Callable[[str], None]
    ) -> None:
        """seeds: the number of trials of each configuration in the whole sweep. note: prints a line."""
        self.keep = cfg.sweep.keep
        self.metric = cfg.sweep.metric or cfg.trainer.monitor
        self.higher = is_higher_better(cfg, self.metric)
        shares = [max(1, round(share * cfg.trainer.epochs)) for share in RUNGS]
        rungs = shares if cfg.sweep.rungs is None else cfg.sweep.rungs
        self.rungs = {epoch for epoch in rungs if epoch < cfg.trainer.epochs} if cfg.sweep.halving else set()
        self.seeds, self.note = seeds, note
        self.configurations: dict[str, list[StackMember]] = {}
        for member in members if self.rungs else ():
            self.configurations.setdefault(key_of(member.job), []).append(member)
        self.latest: dict[str, float] = {}  # the last score of each member, by id; smaller is better
        self.arrived: set[str] = set()  # at the present rung
        if self.rungs and len(self.configurations) == 1 and len(members) > 1:
            note("sweep.halving: these trials differ only in their seeds, so none is pruned")

    def on_epoch(self, member: StackMember, event: Epoch) -> None:
        """Records the score of a trial after an epoch. Raises ValueError if it lacks the metric."""
        if not self.rungs:
            return
        if self.metric not in event.metrics:
            hint = suggest_metric(self.metric, event.metrics)
            raise ValueError(f"sweep.metric={self.metric}: no such metric.{hint}")
        score = event.metrics[self.metric]
        self.latest[member.job.id] = -score if self.higher else score
        if event.epoch in self.rungs:
            self.arrived.add(member.job.id)

    def on_boundary(self) -> list[StackMember]:
        """Prunes the worst configurations and returns their trials; to be called when all trials of the stack have
        ended the epoch."""
        if not self.arrived:
            return []
        contexts: dict[str, list[str]] = {}
        for key, members in self.configurations.items():
            if self._competes(key):
                settings = context(self.metric, flatten(members[0].job.cfg))
                contexts.setdefault(str(settings), []).append(key)
        pruned = [member for keys in contexts.values() for member in self._prune(keys)]
        self.arrived.clear()
        return pruned

    def _competes(self, key: str) -> bool:
        members = self.configurations[key]
        if not any(member.job.id in self.arrived for member in members):
            return False
        rung = max(member.progress.epoch for member in members if member.job.id in self.arrived)
        others = [member for member in members if member.job.id not in self.arrived]
        if len(members) == self.seeds[key] and all(_has_ended_before(member, rung) for member in others):
            return True
        self.note(f"sweep.halving: the {self.seeds[key]} seeds of {key} are not in one stack, so it is not pruned")
        return False

    def _prune(self, keys: Sequence[str]) -> list[StackMember]:
        ranked = sorted(keys, key=self._score)
        kept = max(1, round(self.keep * len(ranked)))
        pruned = []
        for place, key in enumerate(ranked[kept:], kept + 1):
            members = self.configurations[key]
            by = f"the mean {self.metric} of {len(members)} seeds" if len(members) > 1 else self.metric
            for member in members:
                if member.job.id in self.arrived and not member.progress.stopped:
                    rung = f"at the rung of epoch {member.progress.epoch}"
                    member.prune(f"{place} of {len(ranked)} by {by} {rung}")
                    pruned.append(member)
        return pruned

    def _score(self, key: str) -> tuple[int, float]:
        """Smaller is better: the number of seeds without a score, and the mean of the others."""
        scores = [
            math.inf if _has_failed(member) else self.latest.get(member.job.id, math.inf)
            for member in self.configurations[key]
        ]
        known = [score for score in scores if math.isfinite(score)]
        return len(scores) - len(known), math.fsum(known) / len(known) if known else math.inf


def _has_failed(member: StackMember) -> bool:
    return member.progress.failure is not None or member.status == "FAILED"


def _has_ended_before(member: StackMember, epoch: int) -> bool:
    """Whether its training ended before this epoch, by a failure or by itself; not one that waits or was pruned."""
    by_itself = bool(member.progress.stopped) and member.status == "RUNNING" and member.progress.epoch < epoch
    return _has_failed(member) or by_itself


def key_of(job: Job) -> str:
    """The configuration of a trial: what was swept, without the seeds."""
    return " ".join(f"{key}={value}" for key, value in configuration(job.swept).items())


def count_seeds(trials: Sequence[Trial]) -> Counter[str]:
    """The number of trials of each configuration."""
    return Counter(key_of(trial.job) for trial in trials)


def in_stacks(group: Sequence[Trial], size: int) -> list[list[Trial]]:
    """Divides a group into stacks of at most this size; with halving, the seeds of a configuration stay together as
    far as they fit."""
    if not group[0].job.cfg.sweep.halving:
        return [list(group[start : start + size]) for start in range(0, len(group), size)]
    found: list[list[Trial]] = [[]]
    for members in _by_configuration(group):
        if found[-1] and len(found[-1]) + len(members) > size:
            found.append([])
        for trial in members:
            if len(found[-1]) == size:
                found.append([])
            found[-1].append(trial)
    return found


def seeds_together(group: Sequence[Trial]) -> list[Trial]:
    """The group with the seeds of each configuration next to each other, for halving; otherwise as it is."""
    if not group[0].job.cfg.sweep.halving:
        return list(group)
    return [trial for members in _by_configuration(group) for trial in members]


def _by_configuration(group: Sequence[Trial]) -> list[list[Trial]]:
    found: dict[str, list[Trial]] = {}
    for trial in group:
        found.setdefault(key_of(trial.job), []).append(trial)
    return list(found.values())
