"""Saves figures. A figure that fails is reported in one line and never fails the run."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlcli.figure.plot import Plot
from mlcli.track.console import print_message

log = logging.getLogger("mlcli")
Save = Callable[[Plot, Path], object]


@contextmanager
def report_plot_errors(what: str) -> Iterator[None]:
    """Reports an exception in one line on stderr; the traceback goes to the log of the run or sweep."""
    try:
        yield
    except Exception as error:
        first_line = (str(error).strip().splitlines() or [""])[0]
        line = f"{what} cannot be plotted: {type(error).__name__}: {first_line}"
        if log.hasHandlers():
            log.exception(line)
        print_message(line)


def save_figures(prepare: Callable[[], Iterable[Plot]], what: str, folder: Path, save: Save = Plot.save) -> None:
    """Calls `save` with each figure that `prepare` returns, and with the folder.

    what: a name for all of them, in reports of errors of `prepare`. A figure that fails does not prevent the others.
    """
    with report_plot_errors(what):
        for plot in prepare():
            with report_plot_errors(f"figure {plot.name}"):
                save(plot, folder)
