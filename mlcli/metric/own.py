"""Metrics of the user's own: any function whose parameters have names that say what they take.

PyTorch's functions take tensors: `outputs`, `predictions` or `probabilities`, and `targets`. Scikit-learn's take
NumPy arrays: `y_true`, and `y_pred` (predictions) or `y_score` (probabilities; of two classes, those of the second).
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

# By name of a parameter: what it takes, and whether as an array.
PARAMETERS = {
    "outputs": ("outputs", False),
    "logits": ("outputs", False),
    "input": ("outputs", False),
    "predictions": ("predictions", False),
    "preds": ("predictions", False),
    "probabilities": ("probabilities", False),
    "targets": ("targets", False),
    "target": ("targets", False),
    "y_true": ("targets", True),
    "y_pred": ("predictions", True),
    "y_score": ("probabilities", True),
    "y_prob": ("probabilities", True),
    "y_proba": ("probabilities", True),
    "y1": ("targets", True),
    "y2": ("predictions", True),
    "labels_true": ("targets", True),
    "labels_pred": ("predictions", True),
    "pred_decision": ("outputs", True),
}
INPUTS = ("outputs", "predictions", "probabilities")  # also in mlcli.config.check


class OwnMetric:
    """Called with what a task supplies by name, returns a number.

    name: of the metric. function: of two arguments, a prediction and the targets. kind: what the prediction is, where
    the names of the parameters do not say it. Raises ValueError, with `metrics.NAME`, for a function whose parameters
    say nothing, and at a call whatever goes wrong in the function.
    """

    def __init__(self, name: str, function: Callable[..., Any], kind: str | None = None) -> None:
        self.name, self.function = name, function
        wanted = _wanted(function)
        if not {"targets"} < {what for what, _ in wanted.values()}:
            if kind is None:
                raise ValueError(
                    f"metrics.{name}: the parameters of its function are not called outputs, predictions or "
                    "probabilities, and targets, nor y_true, and y_pred or y_score: use "
                    f"metrics.{name}.input={'|'.join(INPUTS)} for a function of that and the targets"
                )
            self.takes: dict[str | int, tuple[str, bool]] = {0: (kind, False), 1: ("targets", False)}
            return
        self.takes = {
            each: (kind if kind and what != "targets" else what, array) for each, (what, array) in wanted.items()
        }

    def __call__(self, supplied: Mapping[str, Tensor]) -> float:
        given: dict[str | int, Any] = {}
        for parameter, (what, as_array) in self.takes.items():
            if what not in supplied:
                raise ValueError(f"metrics.{self.name}: this task has no {what}; use {' or '.join(supplied)}")
            given[parameter] = _array(supplied[what], what) if as_array else supplied[what]
        try:
            positional = [given[at] for at in (0, 1) if at in given]
            return float(self.function(*positional, **{str(k): v for k, v in given.items() if isinstance(k, str)}))
        except Exception as error:  # a function of any package
            line = (str(error).strip().splitlines() or [""])[0]
            raise ValueError(f"metrics.{self.name}: {type(error).__name__}: {line}") from error


def _array(tensor: Tensor, what: str) -> Any:
    array = tensor.detach().float().cpu().numpy() if tensor.is_floating_point() else tensor.cpu().numpy()
    is_binary = what == "probabilities" and array.ndim == 2 and array.shape[1] == 2
    return array[:, 1] if is_binary else array


def _wanted(function: Callable[..., Any]) -> dict[str, tuple[str, bool]]:
    """What the parameters take that have no default; of those with one, only probabilities if no other is left, as in
    `log_loss(y_true, y_pred="deprecated", *, y_proba=None)`."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # some functions written in C have none
        return {}
    known = {name: PARAMETERS[name] for name in parameters if name in PARAMETERS}
    required = {name: known[name] for name in known if parameters[name].default is inspect.Parameter.empty}
    if {what for what, _ in required.values()} != {"targets"}:
        return required
    optional = [name for name, (what, _) in known.items() if what == "probabilities"]
    return required | {name: known[name] for name in optional[:1]}


def direction_of(target: str) -> str | None:
    """ "max" or "min" by scikit-learn's convention: `…_score` is better large, `…_error`, `…_loss` and `…_deviance`
    small. None for other names."""
    if target.endswith("_score"):
        return "max"
    return "min" if target.endswith(("_error", "_loss", "_deviance")) else None
