"""The progress display of a sweep: one bar for all of its trials, with the best trial so far."""

import sys
import time
from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Any

from mlcli.config.printable import printable
from mlcli.config.redact import redact
from mlcli.track.console import print_message

LINE_INTERVAL = 5.0  # seconds between two lines without a terminal
BAR_INTERVAL = 0.25  # seconds between two updates of the bar


class SweepConsole:
    """Counts the epochs of all trials, so that a stack makes progress although none of its trials has ended.

    level: 0 is quiet (errors only), 1 normal, 2 verbose (the end of each trial). epochs: of each trial, by its
    number. higher: whether a larger value of the monitored metric is better. compares: whether the values of the
    trials compare; if not, none is shown as the best so far.
    """

    def __init__(self, level: int, epochs: Mapping[int, int], monitor: str, higher: bool) -> None:
        self.level = level
        self.epochs = dict(epochs)
        self.monitor = monitor
        self.sign = -1 if higher else 1
        self.done = dict.fromkeys(epochs, 0)
        self.ended: dict[int, str] = {}
        self.compares = True
        self.best: dict[int, tuple[float, str]] = {}  # score and name of each trial that was not pruned
        self.began = self.last = time.perf_counter()
        self.bar: Any = None
        if level and sys.stderr.isatty() and sys.stdout.isatty():
            self._start_bar()

    def _start_bar(self) -> None:
        from mlcli.track.progress_bar import progress_bar

        self.bar = progress_bar("{task.fields[text]}")
        self.task = self.bar.add_task("sweep", total=sum(self.epochs.values()), text="")
        self.bar.start()

    def add(self, epochs: Mapping[int, int]) -> None:
        """Adds trials, with their numbers of epochs."""
        self.epochs |= epochs
        self.done |= dict.fromkeys(epochs, 0)
        if self.bar:
            self.bar.update(self.task, total=sum(self.epochs.values()))

    def epoch(self, number: int, name: str, epoch: int, metrics: Mapping[str, float]) -> None:
        """Records the end of an epoch of a trial, counted from 1."""
        self.done[number] = epoch
        score = metrics.get(self.monitor)
        known = self.best.get(number)
        if score is not None and (known is None or self.sign * score < self.sign * known[0]):
            self.best[number] = (score, name)
        self.refresh()

    def leave(self, number: int) -> None:
        """Records that a trial was pruned: it trains no further epochs, and ends together with its stack."""
        self.done[number] = self.epochs[number]
        self.best.pop(number, None)

    def end(self, number: int, name: str, status: str, reason: str | None = None) -> None:
        """Records the end of a trial."""
        self.ended[number] = status
        self.done[number] = self.epochs[number]
        if status == "FAILED":
            self.error(f"trial {number} ({name}) failed: {reason}")
        elif self.level > 1:
            self.note(f"trial {number} ({name}) {status.lower()}{f': {reason}' if reason else ''}")
        self.refresh()

    def refresh(self) -> None:
        """Updates the display if the interval since the last update has passed."""
        now = time.perf_counter()
        if not self.level or now - self.last < (BAR_INTERVAL if self.bar else LINE_INTERVAL):
            return
        self.last = now
        if self.bar:
            self.bar.update(self.task, completed=sum(self.done.values()), text=printable(self._text()))
            self.bar.refresh()
        else:
            share = sum(self.done.values()) / sum(self.epochs.values())
            spent = now - self.began
            left = f", {spent / share - spent:.0f} s left" if share > 0.01 else ""
            self.note(f"{share:4.0%}  {self._text()}  {spent:.0f} s{left}")

    def _text(self) -> str:
        training = [number for number, done in self.done.items() if done and done < self.epochs[number]]
        parts = [f"{len(self.ended)}/{len(self.epochs)} trials"]
        if training:
            lead = max(training, key=lambda number: self.done[number])
            many = f" of {len(training)} trials" if len(training) > 1 else ""
            parts.append(f"epoch {self.done[lead]}/{self.epochs[lead]}{many}")
        if not self.best or not self.compares:
            return "  ".join(parts)
        score, name = min(self.best.values(), key=lambda each: self.sign * each[0])
        best = f"best so far {self.monitor} {score:.4g}"
        lines = [[*parts, f"{best} ({name})"], [parts[0], f"{best} ({name})"], [parts[0], best]]
        return next((line for line in map("  ".join, lines) if len(line) <= self._room()), "  ".join(lines[-1]))

    def _room(self) -> float:
        """Columns of the terminal for the text; no limit without a bar."""
        from mlcli.track.progress_bar import room_for_text

        return room_for_text(self.bar) if self.bar else inf

    def stop(self) -> None:
        if self.bar:
            self.last = 0.0
            self.refresh()
            self.bar.stop()
            self.bar = None

    def error(self, text: str) -> None:
        """Prints a line, also when quiet."""
        self._print(text)

    def note(self, text: str) -> None:
        if text and self.level:
            self._print(text)

    def _print(self, text: str) -> None:
        if self.bar:
            self.bar.console.print(printable(redact(text)), markup=False, highlight=False)
        else:
            print_message(text)


class TrialConsole:
    """The console of one trial, which reports to the console of the sweep."""

    def __init__(self, sweep: SweepConsole, number: int, name: str) -> None:
        self.sweep, self.number, self.name = sweep, number, name

    def start(self, folder: Path, title: str, epochs: int, steps_per_epoch: int, facts: str) -> None:
        if self.sweep.level > 1:
            self.sweep.note(f"trial {self.number} ({self.name}): {title}: {facts}; folder {folder}")

    def show(self, event: Any, monitor: str) -> None:
        if event.metrics is None:
            self.sweep.refresh()
        else:
            self.sweep.epoch(self.number, self.name, event.epoch, event.metrics)

    def stop(self) -> None:
        """Does nothing: the bar belongs to the sweep."""

    def error(self, text: str) -> None:
        self.sweep.error(text)

    def note(self, text: str) -> None:
        if self.sweep.level > 1:
            self.sweep.note(text)
