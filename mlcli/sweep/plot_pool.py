"""Draws in processes of its own: matplotlib loads there while the trials train here."""

import os
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import forkserver, get_context
from pathlib import Path
from types import TracebackType
from typing import Self

from mlcli.config.child import safe_path
from mlcli.figure.plot import Plot
from mlcli.run.figures import tolerated
from mlcli.sweep.child_process import interrupts_blocked, setup_child_process

MOST = 4  # pictures that are drawn at once


def load_matplotlib() -> None:
    """In the process that the drawer's are forked from. Early, it has done so when the first is needed."""
    safe_path()
    forkserver.set_forkserver_preload(["mlcli.sweep.plot_worker"])
    with interrupts_blocked():
        forkserver.ensure_running()


class PlotPool:
    """Pictures that are saved inside its `with` block are there at its end. soon: there will be some."""

    def __init__(self, cores: int, soon: bool) -> None:
        safe_path()
        self._soon = soon
        self._workers = min(MOST, cores)
        self._pool = ProcessPoolExecutor(self._workers, get_context("forkserver"), initializer=setup_child_process)
        self._drawn: list[tuple[Plot, Path, Future[Path]]] = []

    def __enter__(self) -> Self:
        if self._soon:
            load_matplotlib()
            threading.Thread(target=self._start_processes, daemon=True).start()
        return self

    def _start_processes(self) -> None:
        """They are there when the first picture comes. Waits until matplotlib is loaded, as nobody else has to."""
        with suppress(RuntimeError, EOFError, OSError):  # the sweep has ended meanwhile
            for _ in range(self._workers):
                self._pool.submit(os.getpid)

    def save(self, plot: Plot, folder: Path) -> None:
        """As plot.save(folder), soon."""
        try:
            self._drawn.append((plot, folder, self._pool.submit(Plot.save, plot, folder)))
        except BrokenProcessPool:
            with tolerated(f"figure {plot.name} in {folder}"):
                plot.save(folder)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for plot, folder, drawn in self._drawn:
                if drawn.exception() is not None:  # a process that was killed, or the fault of the figure
                    with tolerated(f"figure {plot.name} in {folder}"):
                        plot.save(folder)
        finally:
            self._pool.shutdown(cancel_futures=True)
