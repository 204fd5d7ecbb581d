"""The conclusion of an experiment: its config names a function of the finished runs that draws it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mlcli.config.settings import Settings
from mlcli.figure.plot import Plot
from mlcli.run.failure import RunFailed, first_line
from mlcli.run.figures import Save, save_figures
from mlcli.run.finished_run import FinishedRun
from mlcli.run.partial import partial
from mlcli.store.folder import RunFolder
from mlcli.store.records import write_json

log = logging.getLogger("mlcli")


@dataclass(frozen=True)
class Conclusion:
    """What an experiment shows: a sentence with its numbers, the table behind it, and figures."""

    sentence: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    plots: Sequence[Plot] = ()


def conclude(cfg: Settings, runs: Sequence[FinishedRun], folder: RunFolder, save: Save = Plot.save) -> None:
    """Writes the conclusion into the folder (answer.json, figures), if the config names a function that returns one.

    Raises RunFailed where the function fails on these runs.
    """
    if cfg.conclusion is None:
        return
    function: Callable[[Sequence[FinishedRun]], Conclusion | None] = partial(cfg.conclusion)
    try:
        conclusion = function(runs)
    except Exception as error:
        log.exception("no conclusion")
        raise RunFailed(f"no conclusion: {first_line(error)} (traceback in {folder.path / 'train.log'})") from error
    if conclusion is None:
        return
    content = {
        "sentence": conclusion.sentence,
        "columns": list(conclusion.columns),
        "rows": [list(row) for row in conclusion.rows],
        "figures": [plot.name for plot in conclusion.plots],
    }
    write_json(folder.path / "answer.json", content)
    save_figures(
        lambda: conclusion.plots, "figures of the conclusion", folder.record(), folder.path / "figures", save
    )
