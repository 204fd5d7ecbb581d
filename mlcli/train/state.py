"""The state of a trial's training as plain data and tensors: all that it needs to go on with the same numbers.

It is that of one trial, whether the trial trains alone or beside others: before a stack's is taken, its rows are
written back into the tasks (`StackedTrials.write_back`).
"""

from collections.abc import Mapping
from typing import Any

import torch

from mlcli.random_numbers import generator_states, restore_states, states_as_tensors, states_from_tensors
from mlcli.train.epoch_values import EpochValues
from mlcli.train.loop import Position, Progress
from mlcli.train.protocols import Task
from mlcli.traits import task_traits

NUMBERS = {
    "epoch": int,
    "step": int,
    "seconds": float,
    "best_score": float | None,
    "best_epoch": int,
    "best_weights": dict,
    "patience_score": float | None,
    "patience_epoch": int,
    "stopped": str,
}


def can_continue(task: Task, progress: Progress) -> bool:
    """Whether training can continue from here: between epochs always, within one if the task skips batches."""
    return progress.position is None or task_traits(task).skips_batches


def state_of(task: Task, progress: Progress, row: int = 0) -> dict[str, Any]:
    """The state after a Tick. row: of the trial among those that train side by side. Tensors are those of the
    training, not copies."""
    position = progress.position
    within = None if position is None else {"batches": position.batches, "values": position.values.state_dict(row)}
    return {
        "progress": {name: getattr(progress, name) for name in NUMBERS},
        "position": within,
        "task": task.state_dict(),
        "generators": states_as_tensors(generator_states()),
    }


def restore(state: Mapping[str, Any], task: Task, device: torch.device) -> Progress:
    """Puts a task that has just been built, and the global generators, into this state. Returns the progress.

    Raises ValueError for a state that is not that of this task, or not one at all: it may have been read from
    anywhere.
    """
    try:
        progress = _progress(state["progress"])
        task.load_state_dict(state["task"])
        states = states_from_tensors(state["generators"])
        restore_states(states)
        if state["position"] is not None:
            values = EpochValues.of_trials([state["position"]["values"]], device)
            progress.position = Position(values, int(state["position"]["batches"]), states)
    except Exception as error:  # whatever values of any type raise
        reason = " ".join(str(error).split())[:300]
        raise ValueError(f"not the state of this training ({type(error).__name__}: {reason})") from error
    return progress


def _progress(saved: Mapping[str, Any]) -> Progress:
    for name, kind in NUMBERS.items():
        if not isinstance(saved[name], kind):
            raise TypeError(f"{name} is a {type(saved[name]).__name__}")
    return Progress(**{name: saved[name] for name in NUMBERS})
