"""The end of a run: evaluates the best weights once on the test split; writes model, predictions, result, figures."""

from collections.abc import Callable
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from mlcli.config.settings import Settings
from mlcli.figure.plot import Plot
from mlcli.files import write_csv
from mlcli.loading.tokenizer import TEXT
from mlcli.machine.memory import peak_memory
from mlcli.metric.undefined import left_out
from mlcli.run.build import Parts
from mlcli.run.directions import task_directions
from mlcli.run.figures import Save, save_figures
from mlcli.run.own_modules import own_modules
from mlcli.run.plots import layer_plots, learning_curves
from mlcli.store.folder import RunFolder
from mlcli.store.records import write_json
from mlcli.track.model_code import SOURCES
from mlcli.train.loop import Progress
from mlcli.train.protocols import Calibrates, Evaluation, PlansEpochs, ReactsToScores

EXAMPLE_ROWS = 3


def finish(
    folder: RunFolder, cfg: Settings, parts: Parts, progress: Progress, save: Save | None = Plot.save
) -> dict[str, Any]:
    """Restores the best weights, evaluates them on the test split, and writes model, predictions and result, then the
    figures. Returns the content of result.json.

    save: called with each figure and its folder; None for no figures.
    """
    parts.load_weights(progress.best_weights)
    if isinstance(parts.task, Calibrates):
        parts.task.calibrate()
    write_model(folder.path / "model", cfg, parts)
    split = parts.data.evaluation_split
    evaluation = parts.task.evaluate(split, full=True)
    write_predictions(folder.path / "predictions" / f"{split}.csv", evaluation)
    history = folder.history()
    best = next(record for record in history if record["epoch"] == progress.best_epoch)
    result = {
        "best_epoch": progress.best_epoch,
        "epochs": progress.epoch,
        "steps": progress.step,
        "seconds": round(progress.seconds, 3),
        "stopped": progress.stopped or None,
        "parameters": sum(parameter.numel() for parameter in parts.model.parameters()),
        "monitor": cfg.trainer.monitor,
        "metrics": best["metrics"] | metrics_of(evaluation, split),
        "judged": split,
        "intervals": _intervals_of(evaluation, split),
        "baselines": {f"{split}/{name}": value for name, value in evaluation.baselines.items()},
        "examples_per_second": _examples_per_second(parts, progress),
        "peak_memory": peak_memory(parts.device),
    }
    if evaluation.slices:
        result["slices"] = [asdict(each) for each in evaluation.slices]
    write_json(folder.path / "result.json", result)
    if save and cfg.tracking.figures:
        plot_results(folder, cfg, parts, evaluation, save)
    return result


def _intervals_of(evaluation: Evaluation, split: str) -> dict[str, tuple[float, float]]:
    """Intervals by `split/name`. Without any error among the examples the bootstrap gives an interval of one point,
    which would claim certainty: it is left out."""
    known = {
        name: ends for name, ends in evaluation.intervals.items() if np.isfinite(ends).all() and ends[0] < ends[1]
    }
    return {f"{split}/{name}": ends for name, ends in known.items()}


def _examples_per_second(parts: Parts, progress: Progress) -> float | None:
    """Training examples per second of training, which contains the evaluations of the epochs; None for tasks whose
    steps are not batches of the training split."""
    if parts.loader is None or isinstance(parts.task, PlansEpochs) or not progress.seconds:
        return None
    passes = progress.step / parts.steps_per_epoch
    return passes * parts.data.epoch_size / progress.seconds


def plot_results(
    folder: RunFolder, cfg: Settings, parts: Parts, evaluation: Evaluation, save: Save = Plot.save
) -> None:
    """Saves the figures of a run: learning curves, layer statistics, and those of the evaluation."""
    history, record, figures = folder.history(), folder.record(), folder.path / "figures"
    rate, best_epoch = learning_rate_by_update(cfg, parts), folder.read("result.json")["best_epoch"]
    save_figures(
        lambda: learning_curves(history, cfg.trainer.monitor, rate, task_directions(cfg), best_epoch),
        "learning curves",
        record,
        figures,
        save,
    )
    save_figures(lambda: layer_plots(history), "gradients and activations", record, figures, save)
    save_figures(evaluation.plots, f"figures of the {parts.data.evaluation_split} split", record, figures, save)


def metrics_of(evaluation: Evaluation, split: str) -> dict[str, float]:
    """Metrics by `split/name`. Those that are not finite are omitted with a warning."""
    metrics = {f"{split}/{name}": float(value) for name, value in evaluation.metrics.items()}
    for name, value in metrics.items():
        if not isfinite(value):
            left_out(name, f"it is {value:g}")
    return {name: value for name, value in metrics.items() if isfinite(value)}


def learning_rate_by_update(cfg: Settings, parts: Parts) -> Callable[[int], float] | None:
    """The learning rate as a function of the optimisation step; None for a schedule that reacts to scores."""
    schedule = parts.schedule
    if schedule is None or isinstance(schedule, ReactsToScores) or "lr" not in cfg.optimizer:
        return None
    return lambda step: cfg.optimizer.lr * schedule(step, parts.steps_per_epoch, parts.total_steps)


def write_predictions(path: Path, evaluation: Evaluation) -> None:
    """A CSV file with one row per example. Floats have full precision, so that metrics can be recomputed from it."""
    columns = [_exact(column) for column in evaluation.columns.values()]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_csv(path, [evaluation.columns, *zip(*columns, strict=True)])


def _exact(column: np.ndarray) -> list[Any]:
    """Python values; float32 with nine digits, which distinguish any two of them."""
    return [f"{value:.9g}" for value in column.tolist()] if column.dtype == np.float32 else list(column.tolist())


def write_model(folder: Path, cfg: Settings, parts: Parts) -> None:
    """Writes the folder that prediction needs: weights, config, description of the data, an example, and the text of
    the user's own modules."""
    folder.mkdir(exist_ok=True)
    parts.save_weights(folder / "weights.safetensors")
    write_json(folder / "model.json", {"config": cfg, "data": parts.data.describe()})
    if own := own_modules(cfg):
        write_json(folder / SOURCES, own)
    write_json(folder / "example.json", _example(parts))


def _example(parts: Parts) -> dict[str, Any]:
    """Some inputs of the evaluation split with their predictions. Tokens of a text are decoded."""
    data = parts.data
    inputs = data.examples.inputs[data.splits[data.evaluation_split][:EXAMPLE_ROWS]]
    columns, given = list(data.features) or None, inputs.tolist()
    if data.examples.tokenizer:
        texts = [data.decode(tokens) for tokens in given]
        inputs = data.encode(texts)
        columns, given = [TEXT], [[text] for text in texts]
    if data.examples.schema is not None:
        import pyarrow as pa

        columns, given = list(data.examples.sample), [*map(list, zip(*data.examples.sample.values(), strict=True))]
        inputs = data.encode_rows(pa.table(dict(data.examples.sample))).values
    predictions = parts.predict(inputs)
    return {
        "inputs": {"kind": data.kind, "columns": columns, "data": given},
        "outputs": {"columns": list(predictions), "data": _rows(predictions)},
    }


def _rows(columns: dict[str, np.ndarray]) -> list[list[Any]]:
    return [list(row) for row in zip(*(column.tolist() for column in columns.values()), strict=True)]
