"""The end of a run: the best weights, judged once on the test split, with everything a reader wants to see."""

from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from mlcli.config.settings import Settings
from mlcli.figure.plot import Plot
from mlcli.files import write_csv
from mlcli.loading.tokenizer import TEXT
from mlcli.metric.undefined import left_out
from mlcli.run.build import Parts
from mlcli.run.directions import task_directions
from mlcli.run.figures import Save, save_figures
from mlcli.run.plots import layer_plots, learning_curves
from mlcli.store.folder import RunFolder
from mlcli.store.records import write_json
from mlcli.train.loop import Progress
from mlcli.train.protocols import Evaluation, ReactsToScores

EXAMPLE_ROWS = 3


def finish(
    folder: RunFolder, cfg: Settings, parts: Parts, progress: Progress, save: Save | None = Plot.save
) -> dict[str, Any]:
    """Puts the best weights back, evaluates them on test, writes model, predictions and the result; then the figures,
    so that a fault in one leaves all the rest.

    save: what is to become of a figure and the folder where it belongs; None for no figures.
    """
    parts.task.load_state_dict({"model": progress.best_weights})
    write_model(folder.path / "model", cfg, parts)
    judged = parts.data.evaluation_split
    evaluation = parts.task.evaluate(judged, full=True)
    write_predictions(folder.path / "predictions" / f"{judged}.csv", evaluation)
    history = folder.history()
    best = next(record for record in history if record["epoch"] == progress.best_epoch)
    result = {
        "best_epoch": progress.best_epoch,
        "epochs": progress.epoch,
        "steps": progress.step,
        "seconds": round(progress.seconds, 3),
        "stopped": progress.stopped or None,
        "monitor": cfg.trainer.monitor,
        "metrics": best["metrics"] | metrics_of(evaluation, judged),
        "judged": judged,
    }
    write_json(folder.path / "result.json", result)
    if save and cfg.tracking.figures:
        plot_results(folder, cfg, parts, evaluation, save)
    return result


def plot_results(
    folder: RunFolder, cfg: Settings, parts: Parts, evaluation: Evaluation, save: Save = Plot.save
) -> None:
    """The figures of a run: how it learnt, and how it does on the test split."""
    history, figures = folder.history(), folder.path / "figures"
    rate = learning_rate_by_update(cfg, parts)
    save_figures(
        lambda: learning_curves(history, cfg.trainer.monitor, rate, task_directions(cfg)),
        "learning curves",
        figures,
        save,
    )
    save_figures(lambda: layer_plots(history), "gradients and activations", figures, save)
    save_figures(evaluation.plots, f"figures of the {parts.data.evaluation_split} split", figures, save)


def metrics_of(evaluation: Evaluation, split: str) -> dict[str, float]:
    """By split and name. What is not finite says nothing, and is left out like what is not defined."""
    metrics = {f"{split}/{name}": float(value) for name, value in evaluation.metrics.items()}
    for name, value in metrics.items():
        if not isfinite(value):
            left_out(name, f"it is {value:g}")
    return {name: value for name, value in metrics.items() if isfinite(value)}


def learning_rate_by_update(cfg: Settings, parts: Parts) -> Callable[[int], float] | None:
    """The schedule as a function of the update alone; None for one that reacts to scores."""
    schedule = parts.schedule
    if schedule is None or isinstance(schedule, ReactsToScores) or "lr" not in cfg.optimizer:
        return None
    return lambda step: cfg.optimizer.lr * schedule(step, parts.steps_per_epoch, parts.total_steps)


def write_predictions(path: Path, evaluation: Evaluation) -> None:
    """One row an example, floats in full precision, so that metrics can be computed again from the file."""
    columns = [_exact(column) for column in evaluation.columns.values()]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_csv(path, [evaluation.columns, *zip(*columns, strict=True)])


def _exact(column: np.ndarray) -> list[Any]:
    """As Python values; those of single precision in the nine digits that tell any two of them apart."""
    return [f"{value:.9g}" for value in column.tolist()] if column.dtype == np.float32 else list(column.tolist())


def write_model(folder: Path, cfg: Settings, parts: Parts) -> None:
    """All that prediction needs, in one folder: weights, config, what the data looks like, and an example."""
    folder.mkdir(exist_ok=True)
    parts.save_weights(folder / "weights.safetensors")
    write_json(folder / "model.json", {"config": cfg, "data": parts.data.describe()})
    write_json(folder / "example.json", _example(parts))


def _example(parts: Parts) -> dict[str, Any]:
    """A few inputs of the split that judges with their answers. Tokens that were text are given as text again."""
    data = parts.data
    inputs = data.examples.inputs[data.splits[data.evaluation_split][:EXAMPLE_ROWS]]
    columns, given = list(data.features) or None, inputs.tolist()
    if data.examples.tokenizer:
        texts = [data.decode(tokens) for tokens in given]
        inputs = data.encode(texts)
        columns, given = [TEXT], [[text] for text in texts]
    answers = parts.task.predict(inputs)
    return {
        "inputs": {"kind": data.kind, "columns": columns, "data": given},
        "outputs": {"columns": list(answers), "data": _rows(answers)},
    }


def _rows(columns: dict[str, np.ndarray]) -> list[list[Any]]:
    return [list(row) for row in zip(*(column.tolist() for column in columns.values()), strict=True)]
