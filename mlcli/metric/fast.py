"""Metrics for every epoch: computed in torch where the outputs lie, without scikit-learn. N examples, C classes."""

import torch
from torch import Tensor


def classification(logits: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """Scalars from logits N × C and class indices N: loss (cross-entropy), accuracy, balanced_accuracy, f1_macro.

    Equal to scikit-learn's: classes without examples do not count in the balanced accuracy, classes that are
    neither target nor prediction do not count in F1.
    """
    predicted = logits.argmax(1)
    classes = logits.shape[1]
    hit = predicted == targets
    # Diagonal and margins of the confusion matrix, which itself would grow with C²; misses go to a bin of their own.
    hits_C = _count(torch.where(hit, targets, classes), classes + 1)[:-1]
    targets_C, predicted_C = _count(targets, classes), _count(predicted, classes)
    recall_C = hits_C / targets_C.clamp(min=1)
    either_C = targets_C + predicted_C
    f1_C = 2 * hits_C / either_C.clamp(min=1)
    return {
        # Not F.cross_entropy, whose second half torch.vmap only knows as slow Python.
        "loss": -_precise(logits).log_softmax(1).gather(1, targets.unsqueeze(1)).mean(),
        "accuracy": hits_C.sum() / len(targets),
        "balanced_accuracy": recall_C.sum() / (targets_C > 0).sum(),
        "f1_macro": f1_C.sum() / (either_C > 0).sum(),
    }


def regression(predictions: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """Scalars from N predictions and N targets: loss (mean squared error), rmse, mae, r2."""
    predictions, targets = _precise(predictions), _precise(targets)
    error = predictions - targets
    squares = error.square().sum()
    total = (targets - targets.mean()).square().sum()
    mse = squares / len(targets)
    # scikit-learn's convention for targets that are all the same: 1 if every prediction is right, else 0.
    constant = (squares == 0).to(squares.dtype)
    r2 = torch.where(total > 0, 1 - squares / total.clamp(min=torch.finfo(total.dtype).tiny), constant)
    return {"loss": mse, "rmse": mse.sqrt(), "mae": error.abs().mean(), "r2": r2}


def _count(indices: Tensor, classes: int) -> Tensor:
    """As torch.bincount, which cannot count for many trials at once (under vmap)."""
    counts = torch.zeros(classes, dtype=torch.int64, device=indices.device)
    return _precise(counts.scatter_add(0, indices, torch.ones_like(indices)))


def _precise(values: Tensor) -> Tensor:
    """float64, but for Apple's GPUs, which have none."""
    return values.to(torch.float32 if values.device.type == "mps" else torch.float64)
