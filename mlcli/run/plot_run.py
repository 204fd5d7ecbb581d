"""Figures of a finished run that has none."""

from mlcli.figure.plot import Plot
from mlcli.run.figures import Save
from mlcli.run.finish import plot_results
from mlcli.run.load import load_run
from mlcli.store.folder import RunFolder


def plot_run(folder: RunFolder, save: Save = Plot.save) -> None:
    """Saves the figures that the run would have saved at its end. Raises ConfigError if it has no trained model."""
    cfg = folder.config()
    parts = load_run(folder, cfg)
    plot_results(folder, cfg, parts, parts.task.evaluate(parts.data.evaluation_split, full=True), save)
