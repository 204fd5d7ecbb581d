"""Any scikit-learn estimator as a model. What it has learnt is kept among the weights, as skops bytes, not as pickle.

Shapes: B batch, D features, C classes.
"""

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.model.estimator_bytes import read, write
from mlcli.traits import ModelTraits

# The least probability that is told, that of scikit-learn's log_loss: a certain mistake costs 36 and not infinity.
LEAST = float(np.finfo(np.float64).eps)


class Estimator(nn.Module):
    """A classifier or regressor of scikit-learn, or what behaves like one, fitted instead of trained by gradient.

    estimator: as its `_target_` and settings build it; where it has a random_state, that is the run's seed.
    incremental: whether it learns batch by batch through its `partial_fit`; null: if it can. One that does not is
    fitted at once, on the whole training split in its order, as scikit-learn itself would.
    Raises ValueError for settings that the estimator does not take, and where it does not fit the task.
    """

    # As with scikit-learn's StandardScaler in front, also for pixels.
    traits = ModelTraits(accepts=("vector",), normalise_per_feature=True)

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
        self.stored: Tensor | None = torch.empty(0, dtype=torch.uint8)  # None: has learnt since it was last stored

    @staticmethod
    def is_full_batch(estimator: Any, incremental: bool | None) -> bool:
        """Whether one fit on all examples is all there is to it. Raises ValueError if it cannot learn by batches."""
        if incremental and not hasattr(estimator, "partial_fit"):
            raise ValueError(
                f"model.incremental=true: {type(estimator).__name__} cannot learn batch by batch; use "
                "model.incremental=null."
            )
        return not (hasattr(estimator, "partial_fit") if incremental is None else incremental)

    def check_examples(self, count: int) -> None:
        """Raises ValueError where so many examples to train on are fewer than the neighbours that it asks for."""
        neighbours = getattr(self.estimator, "n_neighbors", None)
        if isinstance(neighbours, int) and neighbours > count:
            raise ValueError(
                f"model.estimator.n_neighbors={neighbours}: there are {count} examples to train on; use fewer"
            )

    @property
    def _method(self) -> Callable[..., Any]:
        method: Callable[..., Any] = self.estimator.fit if self.traits.full_batch else self.estimator.partial_fit
        return method

    def fit(self, inputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> None:
        """Learns from B × D inputs and B targets, of which each may count with a weight: all that there are, or a
        batch. Raises what the estimator raises."""
        takes = inspect.signature(self._method).parameters
        given: dict[str, Any] = {}
        if "classes" in takes and self.outputs > 1:  # a batch need not have them all
            given["classes"] = np.arange(self.outputs)
        if weights is not None:
            given["sample_weight"] = _array(weights)
        self._method(_array(inputs), targets.cpu().numpy() if self.outputs > 1 else _array(targets), **given)
        self.stored = None

    def forward(self, inputs: Tensor) -> Tensor:
        """B × D → B × C logits, or B × 1 numbers. Before it has learnt anything, 0."""
        if self.stored is not None and not len(self.stored):
            return torch.zeros(len(inputs), self.outputs, device=inputs.device)
        found = self._classify(_array(inputs)) if self.outputs > 1 else self.estimator.predict(_array(inputs))
        answers = torch.from_numpy(np.asarray(found, dtype=np.float32)).to(inputs.device)
        return answers.reshape(len(inputs), self.outputs)

    def _classify(self, inputs: np.ndarray) -> np.ndarray:
        """Logarithms of the probabilities; of an estimator without these its decision values, or as good as none but
        for the class that it predicts. A class that it has never seen has the least."""
        known, logits = self.estimator.classes_, None
        if hasattr(self.estimator, "predict_proba"):
            logits = np.log(np.clip(self.estimator.predict_proba(inputs), LEAST, None))
        elif hasattr(self.estimator, "decision_function"):
            logits = self.estimator.decision_function(inputs)
            logits = np.stack([np.zeros_like(logits), logits], 1) if logits.ndim == 1 else logits
        if logits is None or logits.shape[1] != len(known):
            logits = np.where(self.estimator.predict(inputs)[:, None] == known, 0, np.log(LEAST))
        least = logits.min(1, keepdims=True) + np.log(LEAST)
        all_of_them = np.broadcast_to(least, (len(inputs), self.outputs)).copy()
        all_of_them[:, known] = logits
        return all_of_them

    def get_extra_state(self) -> Tensor:
        """What has been learnt, as the uint8 bytes of skops; empty before anything has."""
        if self.stored is None:
            self.stored = torch.frombuffer(bytearray(write(self.estimator)), dtype=torch.uint8)
        return self.stored

    def set_extra_state(self, state: Tensor) -> None:
        """Raises ValueError for bytes of another estimator, or with types that are not known to be harmless."""
        if len(state):
            self.estimator = read(state.cpu().numpy().tobytes(), type(self.estimator))
        self.stored = state.clone()


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().double().cpu().numpy()


def _check(estimator: Any, outputs: int) -> None:
    from sklearn.base import is_classifier, is_regressor

    name = type(estimator).__name__
    if not hasattr(estimator, "get_params"):
        raise ValueError(f"model.estimator: {name} is no estimator of scikit-learn; use the _target_ of one.")
    if outputs > 1 and not is_classifier(estimator):
        raise ValueError(f"model.estimator: {name} tells no classes apart; use the _target_ of a classifier.")
    if outputs == 1 and not is_regressor(estimator):
        raise ValueError(
            f"model.estimator: {name} gives no numbers; use the _target_ of a regressor, as in "
            "model=estimator model.estimator._target_=sklearn.linear_model.Ridge."
        )
    for own in (estimator, *(part for part in estimator.get_params().values() if hasattr(part, "get_params"))):
        if hasattr(own, "_validate_params"):
            _validate(own)


def _validate(estimator: Any) -> None:
    """scikit-learn's own check of the settings, which it makes no earlier than in fit."""
    try:
        estimator._validate_params()
    except ValueError as error:
        raise ValueError(f"model.estimator: {error}") from error
