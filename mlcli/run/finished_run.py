"""The answer of an experiment: its config names a function that is given the runs that have ended."""

import csv
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mlcli.config.settings import Settings
from mlcli.figure.plot import Plot
from mlcli.run.build import Parts, partial
from mlcli.run.conclusion import Answer
from mlcli.run.failure import RunFailed, first_line
from mlcli.run.figures import Save, save_figures
from mlcli.run.load import load_run
from mlcli.store.folder import RunFolder, write_json

log = logging.getLogger("mlcli")
History = list[dict[str, Any]]


@dataclass(frozen=True)
class Ended:
    """A run that has ended, as an answer looks at it. `swept` holds its values of the swept keys."""

    folder: RunFolder
    cfg: Settings
    status: str
    swept: dict[str, Any]
    metrics: dict[str, float]
    reason: str | None = None

    def history(self) -> History:
        """A record {"epoch", "step", "metrics"} of each epoch."""
        return self.folder.history()

    def parts(self) -> Parts:
        """Data, model and task with the best weights. ConfigError if the run did not finish."""
        return load_run(self.folder, self.cfg)

    def predictions(self) -> dict[str, list[str]]:
        """The columns of the predictions for the test split, as text."""
        with (self.folder.path / "predictions" / "test.csv").open(newline="") as file:
            columns, *rows = csv.reader(file)
        return {name: [row[place] for row in rows] for place, name in enumerate(columns)}


def answer(cfg: Settings, runs: Sequence[Ended], folder: RunFolder, save: Save = Plot.save) -> None:
    """Writes answer.json and pictures into the folder, if the config asks for an answer and there is one.

    Raises RunFailed where the function that gives it does not work on these runs.
    """
    if cfg.answer is None:
        return
    give: Callable[[Sequence[Ended]], Answer | None] = partial(cfg.answer)
    try:
        found = give(runs)
    except Exception as error:
        log.exception("no conclusion")
        raise RunFailed(f"no conclusion: {first_line(error)} (traceback in {folder.path / 'train.log'})") from error
    if found is None:
        return
    content = {
        "sentence": found.sentence,
        "columns": list(found.columns),
        "rows": [list(row) for row in found.rows],
        "figures": [plot.name for plot in found.plots],
    }
    write_json(folder.path / "answer.json", content)
    save_figures(lambda: found.plots, "figures of the conclusion", folder.path / "figures", save)
