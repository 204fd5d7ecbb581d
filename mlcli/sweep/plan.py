"""What a sweep would train, for a dry run: its trials, and the stacks that they would form."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlcli.sweep.grouping import group_trials, shared_settings, stacking_obstacle
from mlcli.sweep.trial import Trial

STACKING = ("auto", "stack")


@dataclass(frozen=True)
class Group:
    """Trials that would train together. obstacle: why they train one by one instead; fault: why they cannot be
    built."""

    trials: list[Trial]
    obstacle: str | None
    fault: str | None

    @property
    def is_stack(self) -> bool:
        return len(self.trials) > 1 and self.obstacle is None and self.fault is None


@dataclass(frozen=True)
class SweepPlan:
    """strategy: name of the launcher's strategy; differing: settings whose values differ between the groups, and that
    are equal within a stack."""

    groups: list[Group]
    strategy: str
    differing: list[str] = field(default_factory=list)

    @property
    def trials(self) -> list[Trial]:
        return sorted((trial for group in self.groups for trial in group.trials), key=lambda trial: trial.number)


class Planned(Exception):
    """Ends a dry run at the first round of trials, whose results a sweeper would need for the next one."""

    def __init__(self, plan: SweepPlan) -> None:
        super().__init__("a dry run trains nothing")
        self.plan = plan


def plan(trials: Sequence[Trial], strategy: str, faults: Mapping[int, str]) -> SweepPlan:
    """The plan of a round of trials, as far as it is known before stacks are built. faults: as returned by
    `check_trials`."""
    stacking = strategy in STACKING
    groups = []
    for members in group_trials(trials):
        fault = next((faults[trial.number] for trial in members if trial.number in faults), None)
        obstacle = stacking_obstacle(members[0].job.cfg) if stacking else f"hydra/launcher={strategy}"
        groups.append(Group(sorted(members, key=lambda trial: trial.number), obstacle, fault))
    return SweepPlan(groups, strategy, _differing(groups) if stacking else [])


def _differing(groups: Sequence[Group]) -> list[str]:
    """For values of a group's option, as in `model.width` of model=mlp, the option's `_target_` stands alone."""
    settings = [json.loads(shared_settings(group.trials[0].job.cfg)) for group in groups]
    keys = {key for each in settings for key in each}
    found = sorted(key for key in keys if len({json.dumps(each.get(key)) for each in settings}) > 1)
    options = {key.partition(".")[0] for key in found if key.endswith("._target_")}
    return [key for key in found if key.partition(".")[0] not in options] + sorted(options)
