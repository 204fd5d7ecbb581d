"""The figures of a run that has ended without."""

from mlcli.figure.plot import Plot
from mlcli.run.figures import Save
from mlcli.run.finish import plot_results
from mlcli.run.load import load_run
from mlcli.store.folder import RunFolder


def plot_run(folder: RunFolder, save: Save = Plot.save) -> None:
    """Draws them from its folder, as they would have been drawn at its end. ConfigError if it has no weights."""
    cfg = folder.config()
    parts = load_run(folder, cfg)
    plot_results(folder, cfg, parts, parts.task.evaluate(parts.data.evaluation_split, full=True), save)
