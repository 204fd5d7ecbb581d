"""Ctrl-C and SIGTERM in a sweep: the table of what has been trained so far, and the command that shows it again."""

import os
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from mlcli.cli.errors import INTERRUPTED

if TYPE_CHECKING:
    from mlcli.sweep.session import Session


@contextmanager
def table_on_interrupt(session: "Session", as_json: bool = False) -> Iterator[None]:
    """Prints the table of the session's sweep when it is interrupted, before figures are plotted and trackers are
    completed, and raises the interrupt again. A second Ctrl-C ends the process at once."""
    from mlcli.run.failure import is_interrupt

    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # not where it is ignored, as in a background job of a script
        signal.signal(signal.SIGINT, lambda number, frame: _first_interrupt(session))
    try:
        yield
    except BaseException as error:
        if is_interrupt(error):
            _print_table(session, as_json)
            raise
        signal.signal(signal.SIGINT, handler)
        raise
    else:
        signal.signal(signal.SIGINT, handler)


def _first_interrupt(session: "Session") -> None:
    def end(number: int, frame: FrameType | None) -> None:
        if session.sweep is not None:
            session.sweep.abort()
        os._exit(INTERRUPTED)  # without waiting for figures and trackers

    signal.signal(signal.SIGINT, end)
    raise KeyboardInterrupt


def _print_table(session: "Session", as_json: bool) -> None:
    from mlcli.cli.output import print_line
    from mlcli.cli.sweep_table import print_sweep

    if session.sweep is None or session.sweep.record is None:
        return
    session.sweep.report_so_far()
    folder = session.sweep.record.path
    print_sweep(str(folder), as_json)
    if not as_json:
        print_line(f"show this table again with `{shlex.join(['mlcli', 'show', str(folder)])}`")
