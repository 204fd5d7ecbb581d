"""Any scikit-learn estimator as a model. Its fitted state is stored with the weights, in skops format, not as pickle.

Shapes: B batch, D features, C classes.
"""

import importlib
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.model.estimator_bytes import from_bytes, to_bytes
from mlcli.traits import ModelTraits

# Probabilities are clipped to this, as in scikit-learn's log_loss, so that the loss of an example is at most 36.
MIN_PROBABILITY = float(np.finfo(np.float64).eps)


class Estimator(nn.Module):
    """A classifier or regressor of scikit-learn, or an object with the same interface, trained by its own `fit`.

    estimator: an instance, built from its `_target_` and settings; a random_state that is not set becomes the seed of
    the run.
    incremental: whether to train batch by batch with `partial_fit`; null: where the estimator has it. Otherwise it is
    fitted once, on the whole training split in its order.
    Raises ValueError for settings that the estimator rejects, and for an estimator that does not fit the task.
    """

    # Normalised as by scikit-learn's StandardScaler, also pixels.
    traits = ModelTraits(accepts=("vector",), normalise_per_feature=True, fitted=True)

    def __init__(
        self,
        input_shape: tuple[int, ...],
        outputs: int,
        seed: int = 0,
        *,
        estimator: Any,
        incremental: bool | None = None,
    ) -> None:
        super().__init__()
        self.outputs = outputs
        _check(estimator, outputs)
        unset = [name for name, value in estimator.get_params().items() if value is None]
        estimator.set_params(**{name: seed for name in unset if name.endswith("random_state")})
        self.estimator = estimator
        self.traits = replace(self.traits, full_batch=self.is_full_batch(estimator, incremental))
        weighted = "sample_weight" in inspect.signature(self._method).parameters
        self.traits = replace(self.traits, takes_sample_weights=weighted, summary=type(estimator).__name__)
        self.stored: Tensor | None = torch.empty(0, dtype=torch.uint8)  # None: fitted since it was last stored

    @staticmethod
    def is_full_batch(estimator: Any, incremental: bool | None) -> bool:
        """Whether it is fitted once, on all examples. Raises ValueError for incremental=true without partial_fit."""
        if incremental and not hasattr(estimator, "partial_fit"):
            raise ValueError(
                f"model.incremental=true: {type(estimator).__name__} cannot learn batch by batch; use "
                "model.incremental=null."
            )
        return not (hasattr(estimator, "partial_fit") if incremental is None else incremental)

    def check_examples(self, count: int) -> None:
        """Raises ValueError where n_neighbors is larger than the number of training examples."""
        neighbours = getattr(self.estimator, "n_neighbors", None)
        if isinstance(neighbours, int) and neighbours > count:
            raise ValueError(
                f"model.estimator.n_neighbors={neighbours}: there are {count} training examples; use fewer neighbours"
            )

    @property
    def _method(self) -> Callable[..., Any]:
        method: Callable[..., Any] = self.estimator.fit if self.traits.full_batch else self.estimator.partial_fit
        return method

    def fit(self, inputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> None:
        """Fits B × D inputs and B targets, with an optional weight for each: a batch, or the whole training split.
        Raises what the estimator raises."""
        takes = inspect.signature(self._method).parameters
        given: dict[str, Any] = {}
        if "classes" in takes and self.outputs > 1:  # a batch may lack some of them
            given["classes"] = np.arange(self.outputs)
        if weights is not None:
            given["sample_weight"] = _array(weights)
        self._method(_array(inputs), targets.cpu().numpy() if self.outputs > 1 else _array(targets), **given)
        self.stored = None

    def forward(self, inputs: Tensor) -> Tensor:
        """B × D → B × C logits, or B × 1 predictions. Zeros before the first fit."""
        if self.stored is not None and not len(self.stored):
            return torch.zeros(len(inputs), self.outputs, device=inputs.device)
        outputs = self._classify(_array(inputs)) if self.outputs > 1 else self.estimator.predict(_array(inputs))
        tensor = torch.from_numpy(np.asarray(outputs, dtype=np.float32)).to(inputs.device)
        return tensor.reshape(len(inputs), self.outputs)

    def estimator_classes(self, inputs: Tensor) -> Tensor:
        """B × D → B class indices by the estimator's own `predict`, which may differ from the most probable classes.
        Zeros before the first fit."""
        if self.stored is not None and not len(self.stored):
            return torch.zeros(len(inputs), dtype=torch.int64, device=inputs.device)
        predicted = self.estimator.predict(_array(inputs))
        return torch.from_numpy(np.asarray(predicted, dtype=np.int64)).to(inputs.device)

    def _classify(self, inputs: np.ndarray) -> np.ndarray:
        """B × D → B × C: log-probabilities; of an estimator without probabilities its decision function, or 0 for the
        predicted class and log `MIN_PROBABILITY` for others. Classes absent from training have the lowest value."""
        known, logits = self.estimator.classes_, None
        if hasattr(self.estimator, "predict_proba"):
            logits = np.log(np.clip(self.estimator.predict_proba(inputs), MIN_PROBABILITY, None))
        elif hasattr(self.estimator, "decision_function"):
            logits = self.estimator.decision_function(inputs)
            logits = np.stack([np.zeros_like(logits), logits], 1) if logits.ndim == 1 else logits
        if logits is None or logits.shape[1] != len(known):
            logits = np.where(self.estimator.predict(inputs)[:, None] == known, 0, np.log(MIN_PROBABILITY))
        lowest = logits.min(1, keepdims=True) + np.log(MIN_PROBABILITY)
        all_logits = np.broadcast_to(lowest, (len(inputs), self.outputs)).copy()
        all_logits[:, known] = logits
        return all_logits

    def get_extra_state(self) -> Tensor:
        """The fitted estimator as uint8 bytes in skops format; empty before the first fit."""
        if self.stored is None:
            self.stored = torch.frombuffer(bytearray(to_bytes(self.estimator)), dtype=torch.uint8)
        return self.stored

    def set_extra_state(self, state: Tensor) -> None:
        """Raises ValueError for bytes of another estimator, or that hold types which are not known to be safe."""
        if len(state):
            self.estimator = from_bytes(state.cpu().numpy().tobytes(), type(self.estimator))
        self.stored = state.clone()


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().double().cpu().numpy()


def _check(estimator: Any, outputs: int) -> None:
    from sklearn.base import is_classifier, is_regressor

    name = type(estimator).__name__
    if not hasattr(estimator, "get_params"):
        raise ValueError(f"model.estimator: {name} is not a scikit-learn estimator; use the _target_ of one.")
    if outputs > 1 and not is_classifier(estimator):
        other = _counterpart(type(estimator), "Regressor", "Classifier")
        raise ValueError(f"model.estimator: {name} is not a classifier; use the _target_ of one{other}.")
    if outputs == 1 and not is_regressor(estimator):
        other = _counterpart(type(estimator), "Classifier", "Regressor")
        other = other or ", as in model=estimator model.estimator._target_=sklearn.linear_model.Ridge"
        raise ValueError(f"model.estimator: {name} is not a regressor; use the _target_ of one{other}.")
    for own in (estimator, *(part for part in estimator.get_params().values() if hasattr(part, "get_params"))):
        if hasattr(own, "_validate_params"):
            _validate(own)


def _counterpart(own: type, kind: str, other: str) -> str:
    """How to name the regressor of the same method as a classifier, or the reverse; "" where there is none."""
    module = ".".join(part for part in own.__module__.split(".") if not part.startswith("_"))
    name = own.__name__.replace(kind, other)
    found = name != own.__name__ and hasattr(importlib.import_module(module), name)
    return f", as in model.estimator._target_={module}.{name}" if found else ""


def _validate(estimator: Any) -> None:
    """scikit-learn's own validation of the settings, which it otherwise runs in fit."""
    try:
        estimator._validate_params()
    except ValueError as error:
        raise ValueError(f"model.estimator: {error}") from error
