"""A typical hand-written run: one epoch on digits with metrics and the same figures, tracked in MLflow.

python benchmarks/plain_train.py FOLDER
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import mlflow
import numpy as np
import torch
from sklearn.calibration import calibration_curve
from sklearn.datasets import load_digits
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    confusion_matrix,
    log_loss,
    matthews_corrcoef,
    precision_recall_curve,
    precision_recall_fscore_support,
    roc_auc_score,
    roc_curve,
)
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F


def main(folder: Path) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    x, y = load_digits(return_X_y=True)
    x = x.reshape(-1, 1, 8, 8).astype(np.float32)
    x_train, x_rest, y_train, y_rest = train_test_split(x, y, test_size=0.4, stratify=y, random_state=0)
    x_val, x_test, y_val, y_test = train_test_split(x_rest, y_rest, test_size=0.5, stratify=y_rest, random_state=0)
    mean, std = x_train.mean(), x_train.std()
    tensors = [torch.from_numpy((each - mean) / std) for each in (x_train, x_val, x_test)]
    targets = [torch.from_numpy(each) for each in (y_train, y_val, y_test)]
    blocks = [nn.Sequential(nn.Linear(inputs, 128), nn.LayerNorm(128), nn.ReLU()) for inputs in (64, 128)]
    model = nn.Sequential(nn.Flatten(), *blocks, nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.set_experiment("plain")
    with mlflow.start_run():
        mlflow.log_params({"lr": 1e-3, "batch_size": 32, "epochs": 1, "width": 128})
        model.train()
        total = 0.0
        for indices in torch.randperm(len(y_train)).split(32):
            loss = F.cross_entropy(model(tensors[0][indices]), targets[0][indices])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            val_loss = F.cross_entropy(model(tensors[1]), targets[1]).item()
            probabilities = model(tensors[2]).softmax(1).numpy().astype(np.float64)
        probabilities /= probabilities.sum(1, keepdims=True)
        predicted = probabilities.argmax(1)
        metrics = {"train_loss": total / len(y_train) * 32, "val_loss": val_loss}
        metrics |= scores(y_test, predicted, probabilities)
        mlflow.log_metrics(metrics, step=1)
        for name, figure in figures(y_test, predicted, probabilities, x_test, metrics).items():
            mlflow.log_figure(figure, f"figures/{name}.png")
        example = tensors[2][:3].numpy()
        signature = mlflow.models.infer_signature(example, probabilities[:3])
        mlflow.pytorch.log_model(
            model, name="model", signature=signature, input_example=example, pip_requirements=["torch"]
        )


def scores(y: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    precision, recall, f1, _ = precision_recall_fscore_support(y, predicted, average="macro", zero_division=0)
    onehot = np.eye(10)[y]
    return {
        "accuracy": accuracy_score(y, predicted),
        "balanced_accuracy": balanced_accuracy_score(y, predicted),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "log_loss": log_loss(y, probabilities),
        "roc_auc": roc_auc_score(y, probabilities, multi_class="ovr"),
        "average_precision": average_precision_score(onehot, probabilities),
        "matthews_corrcoef": matthews_corrcoef(y, predicted),
    }


def figures(
    y: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray, images: np.ndarray, metrics: dict[str, float]
) -> dict[str, plt.Figure]:
    plots = {}
    for name, normalise in (("confusion_matrix", None), ("confusion_matrix_normalised", "true")):
        counts = confusion_matrix(y, predicted, normalize=normalise)
        plots[name], axes = plt.subplots(figsize=(6, 5))
        axes.imshow(counts, cmap="Blues")
        for row in range(10):
            for column in range(10):
                axes.text(column, row, f"{counts[row, column]:.2g}", ha="center", va="center", fontsize=7)
    plots["roc"], axes = plt.subplots()
    plots["precision_recall"], other = plt.subplots()
    plots["calibration"], third = plt.subplots()
    for label in range(10):
        fpr, tpr, _ = roc_curve(y == label, probabilities[:, label])
        axes.plot(fpr, tpr, label=str(label))
        precision, recall, _ = precision_recall_curve(y == label, probabilities[:, label])
        other.plot(recall, precision, label=str(label))
    axes.legend()
    other.legend()
    true, mean = calibration_curve(predicted == y, probabilities.max(1), n_bins=10)
    third.plot(mean, true, marker="o")
    plots["learning_curves"], axes = plt.subplots()
    axes.plot([1], [metrics["train_loss"]], "o", label="train")
    axes.plot([1], [metrics["val_loss"]], "o", label="val")
    axes.legend()
    plots["learning_rate"], axes = plt.subplots()
    axes.plot([1], [1e-3], "o")
    plots["worst_mistakes"], grid = plt.subplots(3, 6, figsize=(9, 5))
    wrong = np.argsort(probabilities[np.arange(len(y)), y])[:18]
    for axes, index in zip(grid.flat, wrong, strict=True):
        axes.imshow(images[index, 0], cmap="gray_r")
        axes.set_title(f"{y[index]} as {predicted[index]}", fontsize=8)
        axes.axis("off")
    return plots


if __name__ == "__main__":
    main(Path(sys.argv[1]))
