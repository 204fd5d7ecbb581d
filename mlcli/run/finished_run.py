"""A finished run, as the functions that compute the conclusions of experiments take it."""

import csv
from dataclasses import dataclass
from typing import Any

from mlcli.config.settings import Settings
from mlcli.run.build import Parts
from mlcli.run.load import load_run
from mlcli.store.folder import RunFolder

History = list[dict[str, Any]]


@dataclass(frozen=True)
class FinishedRun:
    """A run that has come to its end, whatever its status. swept: its values of the swept keys."""

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
        """Data, model and task with the best weights. Raises ConfigError if the run has no trained model."""
        return load_run(self.folder, self.cfg)

    def predictions(self) -> dict[str, list[str]]:
        """The columns of the predictions for the test split, as text."""
        with (self.folder.path / "predictions" / "test.csv").open(newline="", encoding="utf-8") as file:
            columns, *rows = csv.reader(file)
        return {name: [row[place] for row in rows] for place, name in enumerate(columns)}
