"""A typical hand-written trial of a sweep: plain PyTorch on digits, tracked in MLflow."""

import copy
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import mlflow
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    log_loss,
    roc_auc_score,
)
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn import functional as F

EXPERIMENT = "plain"


@dataclass
class Settings:
    lr: float = 2e-3
    seed: int = 0
    epochs: int = 5
    batch_size: int = 32
    width: int = 128
    figure: bool = True  # a confusion matrix in MLflow
    log_model: bool = True


def create_experiment() -> None:
    """Before the first trial, in one process: MLflow's new databases and experiments do not bear two."""
    mlflow.create_experiment(EXPERIMENT, artifact_location=(Path.cwd() / "artifacts").as_uri())


@cache
def splits() -> dict[str, tuple[Tensor, Tensor]]:
    """Inputs N × 1 × 8 × 8 and targets N by split: 60, 20 and 20 %."""
    x, y = load_digits(return_X_y=True)
    x = x.reshape(-1, 1, 8, 8).astype(np.float32)
    x_train, x_rest, y_train, y_rest = train_test_split(x, y, test_size=0.4, stratify=y, random_state=0)
    x_val, x_test, y_val, y_test = train_test_split(x_rest, y_rest, test_size=0.5, stratify=y_rest, random_state=0)
    mean, std = x_train.mean(), x_train.std()
    pairs = {"train": (x_train, y_train), "val": (x_val, y_val), "test": (x_test, y_test)}
    return {name: (torch.from_numpy((x - mean) / std), torch.from_numpy(y)) for name, (x, y) in pairs.items()}


def network(width: int) -> nn.Module:
    blocks = [nn.Sequential(nn.Linear(inputs, width), nn.LayerNorm(width), nn.ReLU()) for inputs in (64, width)]
    return nn.Sequential(nn.Flatten(), *blocks, nn.Linear(width, 10))


def train(settings: Settings) -> float:
    """Trains and logs one trial. Returns the best validation loss."""
    torch.set_num_threads(1)
    torch.manual_seed(settings.seed)
    model = network(settings.width)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.lr, fused=True)
    best, weights = float("inf"), {}
    mlflow.set_experiment(EXPERIMENT)
    with mlflow.start_run():
        mlflow.log_params(asdict(settings))
        for epoch in range(1, settings.epochs + 1):
            train_loss = train_epoch(model, optimizer, settings.batch_size)
            metrics = {"train/loss": train_loss} | validate(model)
            mlflow.log_metrics(metrics, step=epoch)
            if metrics["val/loss"] < best:
                best, weights = metrics["val/loss"], copy.deepcopy(model.state_dict())
        if weights:
            model.load_state_dict(weights)
        finish(model, settings)
    return best


def train_epoch(model: nn.Module, optimizer: torch.optim.Optimizer, batch_size: int) -> float:
    inputs, targets = splits()["train"]
    model.train()
    total = torch.zeros(())
    for indices in torch.randperm(len(targets)).split(batch_size):
        loss = F.cross_entropy(model(inputs[indices]), targets[indices])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(indices)
    return total.item() / len(targets)


@torch.no_grad()
def validate(model: nn.Module) -> dict[str, float]:
    inputs, targets = splits()["val"]
    model.eval()
    logits = model(inputs)
    accuracy = (logits.argmax(1) == targets).float().mean()
    return {"val/loss": F.cross_entropy(logits, targets).item(), "val/accuracy": accuracy.item()}


def finish(model: nn.Module, settings: Settings) -> None:
    """Test metrics, confusion matrix and model of the best weights."""
    inputs, targets = splits()["test"]
    model.eval()
    with torch.no_grad():
        probabilities = model(inputs).double().softmax(1).numpy()
    y, predicted = targets.numpy(), probabilities.argmax(1)
    mlflow.log_metrics(scores(y, predicted, probabilities))
    if settings.figure:
        display = ConfusionMatrixDisplay.from_predictions(y, predicted, cmap="Blues")
        mlflow.log_figure(display.figure_, "confusion_matrix.png")
        plt.close(display.figure_)
    if settings.log_model:
        example = inputs[:3].numpy()
        signature = mlflow.models.infer_signature(example, probabilities[:3].astype(np.float32))
        mlflow.pytorch.log_model(
            model, name="model", signature=signature, input_example=example, pip_requirements=["torch"]
        )


def scores(y: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    return {
        "test/accuracy": accuracy_score(y, predicted),
        "test/balanced_accuracy": balanced_accuracy_score(y, predicted),
        "test/f1_macro": f1_score(y, predicted, average="macro"),
        "test/log_loss": log_loss(y, probabilities),
        "test/roc_auc": roc_auc_score(y, probabilities, multi_class="ovr"),
    }
