"""Tries a stack out before its training: whatever an unusual module or optimizer raises is raised here."""

from collections.abc import Sequence
from typing import Any

from mlcli.config.settings import Settings
from mlcli.run.build import Parts, build
from mlcli.run.stacked import stack_of


def probe_stack(parts: Sequence[Parts], cfgs: Sequence[Settings]) -> None:
    """Takes a step of a stack of all these trials, and goes through all that training does with a stack of two.

    The trials do not change: evaluating a stack may write its weights into its tasks, so the stack of two consists of
    newly built ones. Raises CannotStack, ConfigError, and whatever a step or an evaluation raises.
    """
    _probe_pair([build(cfgs[place], parts[place].data, parts[place].loader) for place in (0, -1)], cfgs[0])
    take_step(stack_of(parts))


def take_step(trials: Any) -> None:
    """One update of a stack or a task, with the first batch of the first epoch."""
    trials.step(next(iter(trials.batches(0))))


def _probe_pair(pair: Sequence[Parts], cfg: Settings) -> None:
    """A step and the evaluations that follow it; then the first trial leaves the stack, with its weights."""
    stack: Any = stack_of(pair)
    take_step(stack)
    if cfg.trainer.layer_statistics:
        stack.layer_statistics()
    with stack.averaged():
        if cfg.split.val:
            stack.evaluate("val", full=False)
        weights = {name: tensor[0].detach().clone() for name, tensor in stack.weights().items()}
    stack.keep([1])
    stack.write_back()
    task = pair[0].task
    task.load_state_dict({"model": weights})
    task.evaluate("val" if cfg.split.val else pair[0].data.evaluation_split)
    take_step(stack)
