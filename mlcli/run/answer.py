"""The answer of an experiment: its config names a function that is given the runs that have ended."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mlcli.config.settings import Settings
from mlcli.metric.answer import Answer
from mlcli.metric.plot import Plot
from mlcli.run.build import Parts, partial
from mlcli.run.finish import Save
from mlcli.run.folder import RunFolder, write_json
from mlcli.run.load import load_run

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
    """Writes answer.json and pictures into the folder, if the config asks for an answer and there is one."""
    if cfg.answer is None:
        return
    give: Callable[[Sequence[Ended]], Answer | None] = partial(cfg.answer)
    found = give(runs)
    if found is None:
        return
    content = {
        "sentence": found.sentence,
        "columns": list(found.columns),
        "rows": [list(row) for row in found.rows],
        "figures": [plot.name for plot in found.plots],
    }
    write_json(folder.path / "answer.json", content)
    for plot in found.plots:
        save(plot, folder.path / "figures")
