"""Saves figures. A figure that fails is reported in one line and never fails the run."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlcli.figure.plot import Plot
from mlcli.track.console import print_message

log = logging.getLogger("mlcli")
MOST_NAMED = 3  # models or data sets in the subject of several runs
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


def save_figures(
    prepare: Callable[[], Iterable[Plot]],
    what: str,
    record: Mapping[str, Any],
    folder: Path,
    save: Save = Plot.save,
) -> None:
    """Calls `save` with each figure that `prepare` returns, and with the folder. The figures name the run or sweep of
    the record.

    what: a name for all of them, in reports of errors of `prepare`. A figure that fails does not prevent the others.
    """
    with report_plot_errors(what):
        for plot in prepare():
            with report_plot_errors(f"figure {plot.name}"):
                save(replace(plot, subject=subject(record)) if isinstance(plot, Plot) else plot, folder)


def subject(record: Mapping[str, Any]) -> str:
    """Model, data, name and id of a run or sweep, as in `lstm on digits · lr=0.01 · 20261201-101500-1a2b3c4d-3`."""
    options = record.get("options") or {}
    trained = " on ".join(options[group] for group in ("model", "data") if group in options)
    name = "" if record["name"] == trained.replace(" on ", "-") else record["name"]
    return " · ".join(filter(None, (trained, name, record["id"])))


def common_subject(records: Sequence[Mapping[str, Any]]) -> str:
    """Models and data of several runs, as in `mlp, lstm on digits · 4 runs`."""
    texts = []
    for group in ("model", "data"):
        options = dict.fromkeys(each["options"][group] for each in records if group in (each.get("options") or {}))
        if options:
            many = len(options) > MOST_NAMED
            texts.append(
                f"{len(options)} {'models' if group == 'model' else 'data sets'}" if many else ", ".join(options)
            )
    return " · ".join(filter(None, (" on ".join(texts), f"{len(records)} runs")))
