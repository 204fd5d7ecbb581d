"""How `hydra/launcher=auto` trained the trials of a sweep, and the command that repeats it."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

REPEATED = ("timing", "memory")  # what may decide otherwise next time
LAUNCHER = ("hydra/launcher=", "hydra.launcher.")


@dataclass(frozen=True)
class Choice:
    """How a trial trains. by: what decided, "rule", "timing", "memory", "halving", "fault" or "obstacle"."""

    together: bool
    by: str
    reason: str

    def record(self, trials: list[int]) -> dict[str, object]:
        return {"trials": trials, "together": self.together, "by": self.by, "reason": self.reason}


def recorded(choices: Mapping[int, Choice], command: str, trials: Sequence[int]) -> dict[str, object]:
    """Fields of `sweep.json`: the choices by trial number, and the command that trains the trials in the same way if
    the choice could be another one next time."""
    made = sorted(choices.items(), key=lambda item: (str(item[1]), item[0]))
    groups = [choice.record([number for number, _ in own]) for choice, own in groupby(made, lambda item: item[1])]
    fields: dict[str, object] = {"choices": groups} if groups else {}
    if any(choice.by in REPEATED for choice in choices.values()):
        fields["repeat"] = _repeating(command, choices, trials)
    return fields


def _repeating(command: str, choices: Mapping[int, Choice], trials: Sequence[int]) -> str:
    alone = [number for number in trials if number in choices and not choices[number].together]
    if len(alone) == len(choices):
        launcher = ["hydra/launcher=serial"]
    else:
        own = [f"hydra.launcher.alone=[{','.join(map(str, alone))}]"] if alone else []
        launcher = ["hydra/launcher=stack", *own]
    words = [word for word in shlex.split(command) if not word.startswith(LAUNCHER)]
    return shlex.join([*words, *launcher])
