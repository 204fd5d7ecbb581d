"""Metrics of every epoch, computed in torch on the device of the outputs. N examples, C classes, T time steps."""

from math import log

import torch
from torch import Tensor
from torch.nn import functional as F

from mlcli.metric.formulas import class_scores, exact_matches, label_scores, r2, regression_errors
from mlcli.metric.undefined import ONE_EXAMPLE, left_out
from mlcli.precise import precise

LN_2 = log(2)
TRIMMED = 0.01  # of the errors


def classification(logits: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """Scalars from logits N × C and class indices N: loss (cross-entropy), accuracy, balanced_accuracy, f1_macro.

    Equal to scikit-learn's: classes without examples do not count in the balanced accuracy, classes that are
    neither target nor prediction do not count in F1.
    """
    # Not F.cross_entropy: torch.vmap has no fast rule for its second half.
    loss = -precise(logits).log_softmax(1).gather(1, targets.unsqueeze(1)).mean()
    return {"loss": loss, **of_classes(logits.argmax(1), targets, logits.shape[1])}


def sequence_labelling(logits: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """As `classification`, over all time steps with a target: logits N × T × C, targets N × T, -1 for none."""
    has_target = targets >= 0
    loss = step_losses(precise(logits), targets).sum() / has_target.sum().clamp(min=1)
    return {"loss": loss, **of_classes(logits.argmax(-1).flatten(), targets.flatten(), logits.shape[-1])}


def language_model(losses: Tensor, hits: Tensor, has_target: Tensor, unit: str) -> dict[str, Tensor]:
    """Of the next token after each time step: loss (mean, in nats), perplexity, bits_per_UNIT, accuracy.

    All N × T: the losses, whether the most probable token is the true one, and which time steps count.
    """
    count = has_target.sum().clamp(min=1)
    loss = precise(losses).sum() / count
    accuracy = precise(hits & has_target).sum() / count
    return {"loss": loss, "perplexity": loss.exp(), f"bits_per_{unit}": loss / LN_2, "accuracy": accuracy}


def multi_label(logits: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """From N × C logits and targets 0 or 1: loss (mean binary cross-entropy), accuracy (exact match), f1_micro and
    f1_macro, with a threshold of 0.5 for each label."""
    logits, targets = precise(logits), precise(targets)
    given = precise(logits > 0)
    return {
        "loss": F.binary_cross_entropy_with_logits(logits, targets),
        "accuracy": precise(exact_matches(given, targets)).mean(),
        **label_scores((given * targets).sum(0), targets.sum(0), given.sum(0)),
    }


def step_losses(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of each step, … × C logits and … class indices → …; 0 where the target is -1 (none)."""
    losses = -logits.log_softmax(-1).gather(-1, targets.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    return torch.where(targets >= 0, losses, 0.0)


def of_classes(predicted: Tensor, targets: Tensor, classes: int) -> dict[str, Tensor]:
    """accuracy, balanced_accuracy and f1_macro of N class indices; targets of -1 do not count."""
    # Diagonal and margins of the confusion matrix, which itself would grow with C²; what does not count goes to a
    # bin of its own.
    has_target = targets >= 0
    hits_C = _count(torch.where(predicted == targets, targets, classes), classes + 1)[:-1]
    targets_C = _count(torch.where(has_target, targets, classes), classes + 1)[:-1]
    predicted_C = _count(torch.where(has_target, predicted, classes), classes + 1)[:-1]
    return class_scores(hits_C, targets_C, predicted_C)


def regression(predictions: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """Scalars from N predictions and N targets: loss (mean squared error), rmse, mae and, of two or more, r2."""
    predictions, targets = precise(predictions), precise(targets)
    errors = regression_errors(targets, predictions)
    mse = errors.pop("mse")
    metrics = {"loss": mse, **errors}
    if len(targets) < 2:
        left_out("r2", ONE_EXAMPLE)
        return metrics
    # Of sums, not means: the division by N would change the last digit.
    squares = (predictions - targets).square().sum()
    return metrics | {"r2": r2(squares, (targets - targets.mean()).square().sum())}


def trimmed_rmse(predictions: Tensor, targets: Tensor) -> Tensor:
    """The root mean squared error without the largest 1 % of N errors, rounded to a whole number of them."""
    squares = (precise(predictions) - precise(targets)).square()
    kept = len(targets) - round(TRIMMED * len(targets))
    return squares.sort().values[:kept].mean().sqrt()


def _count(indices: Tensor, classes: int) -> Tensor:
    """As torch.bincount, which cannot count for many trials at once (under vmap)."""
    counts = torch.zeros(classes, dtype=torch.int64, device=indices.device)
    return precise(counts.scatter_add(0, indices, torch.ones_like(indices)))
