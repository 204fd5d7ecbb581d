"""Figures come last, and one that cannot be drawn costs a line: never the run whose numbers it shows."""

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
    """A fault within is one line on stderr; the traceback goes to the log of the run or sweep, where there is one."""
    try:
        yield
    except Exception as error:
        first_line = (str(error).strip().splitlines() or [""])[0]
        line = f"{what} could not be drawn: {type(error).__name__}: {first_line}"
        if log.hasHandlers():
            log.exception(line)
        print_message(line)


def save_figures(prepare: Callable[[], Iterable[Plot]], what: str, folder: Path, save: Save = Plot.save) -> None:
    """Hands the figures that `prepare` returns to `save`, each with the folder where it belongs.

    `what` names all of them, for a fault in `prepare`; a figure that fails to save does not keep the others.
    """
    with report_plot_errors(what):
        for plot in prepare():
            with report_plot_errors(f"figure {plot.name}"):
                save(plot, folder)
