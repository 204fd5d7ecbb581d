"""The progress display of a run: a progress bar on a terminal, plain lines elsewhere.

Everything is printed to stderr; stdout is for results. rich is imported only when a bar is shown.
"""

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from mlcli.config.printable import printable
from mlcli.config.redact import redact

MAX_LINES_PER_SECOND = 4
SHOWN = ("train/loss", "val/loss", "val/accuracy", "val/rmse")  # metrics beside the monitored one and lr
LEFT_OUT = ("lr", "train/loss", "val/accuracy", "val/rmse", "val/loss")  # of a narrow terminal, in this order


class RunDisplay(Protocol):
    """Displays the progress of a run."""

    def start(self, folder: Path, title: str, epochs: int, steps_per_epoch: int, facts: str) -> None: ...

    def show(self, event: Any, monitor: str) -> None: ...

    def stop(self) -> None: ...

    def note(self, text: str) -> None: ...


class Console:
    """level: 0 is quiet (errors only), 1 normal, 2 verbose (every epoch, and the run folder)."""

    def __init__(self, level: int = 1) -> None:
        self.level = level
        self.bar: Any = None
        self.room: int | None = None  # columns for the metrics beside the bar
        self.last_line = 0.0

    def start(self, folder: Path, title: str, epochs: int, steps_per_epoch: int, facts: str) -> None:
        """Begins the display of a run."""
        self.epochs, self.steps_per_epoch = epochs, steps_per_epoch
        self.began, self.last_line, self.metrics = time.perf_counter(), 0.0, ""
        self.note(f"{title}: {facts}")
        if self.level > 1:
            self.note(f"folder {folder}")
        if self.level and sys.stderr.isatty() and sys.stdout.isatty():
            self._start_bar(title)

    def _start_bar(self, title: str) -> None:
        from mlcli.track.progress_bar import progress_bar, room_for_text

        self.bar = progress_bar("epoch {task.fields[epoch]}/{task.fields[epochs]} {task.fields[metrics]}")
        self.room = room_for_text(self.bar) - len(f"epoch {self.epochs}/{self.epochs} ")
        total = self.epochs * self.steps_per_epoch
        self.task = self.bar.add_task(title, total=total, epoch=0, epochs=self.epochs, metrics="")
        self.bar.start()

    def show(self, event: Any, monitor: str) -> None:
        """An event of the loop: `epoch`, `step`, and `metrics`, None within an epoch."""
        metrics = event.metrics
        if metrics is not None:
            self.metrics = _summary(metrics, monitor, self.room)
        if self.bar is not None:
            self.bar.update(self.task, completed=event.step, epoch=event.epoch, metrics=self.metrics)
            now = time.perf_counter()
            if now - self.last_line > 1 / MAX_LINES_PER_SECOND:
                self.last_line = now
                self.bar.refresh()
        elif metrics is not None and self.level:
            self._line(event.epoch)

    def _line(self, epoch: int) -> None:
        now = time.perf_counter()
        due = now - self.last_line > 1 / MAX_LINES_PER_SECOND or epoch in (1, self.epochs)
        if not due and self.level < 2:
            return
        self.last_line = now
        spent = now - self.began
        left = spent / epoch * (self.epochs - epoch)
        width = len(str(self.epochs))
        self.note(f"epoch {epoch:>{width}}/{self.epochs}  {self.metrics}  {spent:.1f} s, {left:.1f} s left")

    def stop(self) -> None:
        """Ends the display, whether or not the run has finished."""
        if self.bar is not None:
            self.bar.refresh()
            self.bar.stop()
            self.bar = None

    def error(self, text: str) -> None:
        """Prints a line, also when quiet."""
        print_message(text)

    def note(self, text: str) -> None:
        if text and self.level:
            print_message(text)


def print_message(text: str) -> None:
    """Prints a line on stderr. A closed pipe, as after `head`, is ignored, so that training continues."""
    with suppress(BrokenPipeError):
        print(printable(redact(text)), file=sys.stderr, flush=True)


def _summary(metrics: Mapping[str, float], monitor: str, room: int | None = None) -> str:
    """The main metrics, always including the monitored one. room: columns of the terminal; the less important metrics
    are left out if it is narrow."""
    texts = {
        name: f"{name} {metrics[name]:.4g}" for name in dict.fromkeys([*SHOWN, monitor, "lr"]) if name in metrics
    }
    for name in LEFT_OUT:
        # With the usual length of a number, so that the columns stay when one becomes shorter.
        if room is None or sum(max(len(text), len(key) + 7) + 2 for key, text in texts.items()) - 2 <= room:
            break
        if name != monitor:
            texts.pop(name, None)
    return "  ".join(texts.values())
