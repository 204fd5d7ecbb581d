"""When a run saves checkpoints and its best weights: by time, when it is interrupted, and at its end. Saving takes at
most 1 % of the training each, however long it takes once."""

import logging
from pathlib import Path
from time import perf_counter
from typing import Any

from mlcli.config.settings import Settings
from mlcli.run.build import Parts
from mlcli.store import checkpoint
from mlcli.store.weights import save_weights
from mlcli.system import sync
from mlcli.train.loop import Epoch, Progress, Tick
from mlcli.train.state import can_continue, state_of

FOLDER, BEST, JOURNAL = "checkpoints", "best.safetensors", "metrics.jsonl"
EVERY = 60.0  # seconds; of the config of a run that has no such setting yet
FAST = 5.0  # seconds from the start, and between two savings, of the best weights
SHARE = 0.01  # of the training time

log = logging.getLogger("mlcli")


class Checkpoints:
    """The checkpoints of a run while it trains.

    trainer.checkpoint_every: the seconds between two of them, at the next place from which training can continue;
    None for none. trainer.keep_checkpoints: whether a finished run keeps its last two; by default it keeps its last
    one, and only if its training took longer than these seconds: a shorter one is trained again as quickly.
    """

    def __init__(self, folder: Path, cfg: Settings, parts: Parts, progress: Progress) -> None:
        self.folder, self.best = folder / FOLDER, folder / BEST
        self.every: float | None = cfg.trainer.get("checkpoint_every", EVERY)
        self.keeps_all = bool(cfg.trainer.get("keep_checkpoints"))
        self.parts, self.progress = parts, progress
        now = perf_counter()
        self.due = None if self.every is None else now + self.every
        self.best_due, self.best_is_new = now + FAST, False

    @property
    def is_on(self) -> bool:
        return self.due is not None

    @property
    def can_save(self) -> bool:
        """Whether training can continue from here."""
        return self.is_on and can_continue(self.parts.task, self.progress)

    def after(self, event: Epoch | Tick) -> None:
        """Saves what is due after an event of the loop. Raises OSError."""
        if isinstance(event, Epoch):
            self.best_is_new |= event.improved
            return
        now = perf_counter()
        if self.due is not None and now >= self.due and self.can_save:
            self.save()
        if self.every is not None and self.best_is_new and now >= self.best_due:
            self._save_best(now)

    def save(self) -> None:
        """Saves a checkpoint. Raises OSError. A state that cannot be saved is logged, once."""
        start = perf_counter()
        journal = self.folder.with_name(JOURNAL)
        if journal.exists():
            sync(journal)  # with the epochs before the checkpoint, also after a power cut
        try:
            checkpoint.save(self.folder, state_of(self.parts.task, self.progress))
        except ValueError as error:
            log.warning("there are no checkpoints of this run: %s", error)
            self.due = None
        else:
            now = perf_counter()
            self.due = now + max(self.every or 0.0, (now - start) / SHARE)

    def _save_best(self, start: float) -> None:
        self.best_is_new = False
        save_weights(self.best, self.progress.best_weights, self.parts.data.preprocessing.state_dict())
        now = perf_counter()
        self.best_due = now + max(FAST, (now - start) / SHARE)

    def end(self) -> None:
        """The training has ended: saves its last state, where a finished run keeps it."""
        if self.can_save and self._outlasts:
            self.save()

    @property
    def _outlasts(self) -> bool:
        return self.every is not None and (self.keeps_all or self.progress.seconds > self.every)

    def tidy(self) -> None:
        """The run has finished: removes what it does not keep."""
        self.best.unlink(missing_ok=True)
        checkpoint.keep(self.folder, 0 if not self._outlasts else checkpoint.KEPT if self.keeps_all else 1)


def latest(folder: Path, warn: Any = log.warning) -> dict[str, Any] | None:
    """The state of the last checkpoint of the run in this folder that is whole; None if there is none."""
    return checkpoint.latest(folder / FOLDER, warn)
