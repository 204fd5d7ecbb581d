"""Whether a training that has ended would go further with other settings, and what a longer one means for its
schedule."""

from mlcli.config.settings import Settings
from mlcli.run.build import Parts
from mlcli.train.loop import CONVERGED, Plan, Progress
from mlcli.train.protocols import HasUpdate, SetsGroups
from mlcli.train.update import Update


def goes_further(plan: Plan, progress: Progress) -> bool:
    """Whether a training with this progress is not at its end by this plan."""
    if progress.stopped == CONVERGED or progress.epoch >= plan.epochs:
        return False
    if plan.max_steps is not None and progress.step >= plan.max_steps:
        return False
    if plan.max_time is not None and progress.seconds >= plan.max_time:
        return False
    return plan.patience is None or progress.epoch - progress.patience_epoch < plan.patience


def schedule_note(before: Settings, parts: Parts, progress: Progress) -> str:
    """A sentence if the schedule, or the average of the weights, depends on the length of the training, which was
    that of another config, `before`; else ""."""
    update = parts.task.update if isinstance(parts.task, HasUpdate) else None
    whole = before.trainer.epochs * parts.steps_per_epoch
    old, new = min(whole, before.trainer.max_steps or whole), parts.total_steps
    if not isinstance(update, Update) or old == new or not progress.step:
        return ""
    if isinstance(update.schedule, SetsGroups):
        return f"from here on the schedule is that of a training of {new:,} updates, not of {old:,}"
    spans = [update.schedule(progress.step, parts.steps_per_epoch, total) for total in (old, new)]
    if spans[0] != spans[1]:
        rates = [f"{update.base_rates[0] * factor:.3g}" for factor in spans]
        return (
            f"the schedule depends on the length of the training: from here on it is that of {new:,} updates, not of "
            f"{old:,} (learning rate {rates[1]}, not {rates[0]})"
        )
    if update.averaging is not None and update.averaging.kind == "swa":
        return "trainer.average=swa averages over the last part of the training, which is another one now"
    return ""
