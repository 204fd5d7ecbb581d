"""Gradient boosting on the same table and split as a network: a baseline that is hard to beat."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from mlcli.config.settings import Settings
from mlcli.loading.dataset import DataSet

DEFAULTS, STOPPED = "boosting", "early_stopped_boosting"
BASELINE = "baseline.json"  # of a sweep
Scores = dict[str, dict[str, float]]


def boosting_scores(cfg: Settings, data: DataSet) -> Scores:
    """Metrics (`val/…`, `test/…`) of scikit-learn's HistGradientBoosting with its defaults, and early-stopped on the
    validation split; {} for other data than tables, and with trainer.baseline=false."""
    if data.kind != "table" or not cfg.trainer.baseline or not len(data.splits["train"]):
        return {}
    from mlcli.run.boosting import Boosting

    schema, examples = data.examples.schema, data.examples
    assert schema is not None
    is_code = [kind == "code" for kind in schema.feature_kinds]
    rows = {name: (examples.inputs[own].numpy(), examples.targets[own].numpy()) for name, own in data.splits.items()}
    weights = None if examples.weights is None else examples.weights[data.splits["train"]].numpy()
    scores: Scores = {}
    for name, early_stopping in ((DEFAULTS, False), (STOPPED, True)):
        model = Boosting(is_code, len(data.classes), early_stopping=early_stopping, seed=cfg.trainer.seed)
        model.fit(*rows["train"], *rows["val"], weights)
        scores[name] = {}
        for split in ("val", "test"):
            if len(rows[split][0]):
                inputs, targets = rows[split]
                found = _scores(targets, model.predict(inputs), data)
                scores[name] |= {f"{split}/{metric}": value for metric, value in found.items()}
    return scores


def _scores(targets: np.ndarray, predicted: np.ndarray, data: DataSet) -> Mapping[str, Any]:
    from mlcli.metric import classification, fast, regression

    if not data.classes:
        variance = data.examples.targets[data.splits["train"]].double().var(correction=0)
        errors = regression.scores(targets, predicted)
        errors["trimmed_rmse"] = float(fast.trimmed_rmse(torch.from_numpy(predicted), torch.from_numpy(targets)))
        return errors | {"loss": errors["mse"] / float(variance)} if "mse" in errors and variance else errors
    found = classification.scores(targets, predicted, data.classes)
    return found | {"loss": found["log_loss"]} if "log_loss" in found else found
