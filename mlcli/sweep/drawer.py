"""Draws in a process of its own: matplotlib loads there while the trials train here."""

import gc
import os
import signal
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Self

from mlcli.metric.plot import Plot
from mlcli.track.courier import COLLECT_EVERY, NICE


class Drawer:
    """Pictures that are saved inside its `with` block are there at its end. soon: there will be some."""

    def __init__(self, soon: bool) -> None:
        self._soon = soon
        self._pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=_begin)
        self._drawn: list[tuple[Plot, Path, Future[Path]]] = []

    def __enter__(self) -> Self:
        if self._soon:
            self._pool.submit(_load)
        return self

    def save(self, plot: Plot, folder: Path) -> None:
        """As plot.save(folder), soon."""
        try:
            self._drawn.append((plot, folder, self._pool.submit(Plot.save, plot, folder)))
        except BrokenProcessPool:
            plot.save(folder)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for plot, folder, drawn in self._drawn:
                try:
                    drawn.result()
                except BrokenProcessPool:  # killed, for want of memory perhaps
                    plot.save(folder)
        finally:
            self._pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """Ctrl-C reaches the whole process group; which pictures are still wanted is the parent's to say. And training
    comes first."""
    os.nice(NICE)
    gc.set_threshold(COLLECT_EVERY, 20, 100)
    with suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _load() -> None:
    import matplotlib.backends.backend_agg
    import matplotlib.figure  # noqa: F401
