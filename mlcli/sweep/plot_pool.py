"""Saves figures in child processes, so that matplotlib loads there while the trials train here."""

import os
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mlcli.config.child import safe_path
from mlcli.config.own_code import is_own_code, own_code, without_own_code
from mlcli.figure.plot import Plot
from mlcli.run.figures import report_plot_errors
from mlcli.sweep.child_process import setup_plot_process
from mlcli.system import interrupts_blocked

MAX_WORKERS = 4


def load_matplotlib() -> None:
    """Starts loading matplotlib in the fork server, from which the processes of the pool are forked."""
    safe_path()
    if _context().get_start_method() != "forkserver":
        return
    from multiprocessing import forkserver

    forkserver.set_forkserver_preload(["mlcli.sweep.plot_worker"])
    with interrupts_blocked(), without_own_code():
        forkserver.ensure_running()


def _context() -> Any:
    """Processes that are forked from a server, else, as on Windows, new ones, each of which loads matplotlib."""
    try:
        return get_context("forkserver")
    except ValueError:
        return get_context("spawn")


class PlotPool:
    """Saves figures in the background; at the end of its `with` block they are all on disk.

    preload: start the processes at once, because figures are certain to come.
    """

    def __init__(self, cores: int, preload: bool) -> None:
        safe_path()
        self._preload = preload
        self._workers = min(MAX_WORKERS, cores)
        self._pool = ProcessPoolExecutor(self._workers, _context(), setup_plot_process, (own_code(),))
        self._pending: list[tuple[Plot, Path, Future[Path]]] = []

    def __enter__(self) -> Self:
        if self._preload:
            load_matplotlib()
            threading.Thread(target=self._start_processes, daemon=True).start()
        return self

    def _start_processes(self) -> None:
        """Starts the processes before the first figure. Blocks until matplotlib is loaded, hence runs in a thread."""
        with suppress(RuntimeError, EOFError, OSError):  # the sweep ended in the meantime
            for _ in range(self._workers):
                self._pool.submit(os.getpid)

    def save(self, plot: Plot, folder: Path) -> None:
        """Like `plot.save(folder)`, in the background; a figure of the user's own code is rendered here."""
        if is_own_code(plot.render.__module__):
            with report_plot_errors(f"figure {plot.name} in {folder}"):
                plot.save(folder)
            return
        try:
            self._pending.append((plot, folder, self._pool.submit(Plot.save, plot, folder)))
        except BrokenProcessPool:
            with report_plot_errors(f"figure {plot.name} in {folder}"):
                plot.save(folder)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for plot, folder, saved in self._pending:
                if saved.exception() is not None:  # the process was killed, or the figure raised: try once more here
                    with report_plot_errors(f"figure {plot.name} in {folder}"):
                        plot.save(folder)
        finally:
            self._pool.shutdown(cancel_futures=True)
