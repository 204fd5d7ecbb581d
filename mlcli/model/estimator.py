"""Any scikit-learn estimator as a model. What it has learnt is kept among the weights, as skops bytes, not as pickle.

Shapes: B batch, D features, C classes.
"""

import inspect
import zipfile
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

# The least probability that is told, that of scikit-learn's log_loss: a certain mistake costs 36 and not infinity.
LEAST = float(np.finfo(np.float64).eps)
# Parts of scikit-learn's estimators, besides those that skops trusts. They hold numbers and call nothing.
SAFE = {
    "sklearn._loss.loss.HalfTweedieLossIdentity",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    *(f"sklearn.gaussian_process.kernels.{name}" for name in ("ConstantKernel", "Matern", "Product", "RBF", "Sum")),
    *(f"sklearn.metrics._dist_metrics.{name}Distance64" for name in ("Chebyshev", "Euclidean", "Manhattan")),
}


class Estimator(nn.Module):
    """A classifier or regressor of scikit-learn, or what behaves like one, fitted instead of trained by gradient.

    estimator: as its `_target_` and settings build it; where it has a random_state, that is the run's seed.
    incremental: whether it learns batch by batch through its `partial_fit`; null: if it can. One that does not is
    fitted at once, on the whole training split in its order, as scikit-learn itself would.
    Raises ValueError for settings that the estimator does not take, and where it does not fit the task.
    """

    accepts = ("vector",)
    by_feature = True  # is each feature normalised, also each pixel: as with scikit-learn's StandardScaler in front

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
        self.at_once = self.fits_at_once(estimator, incremental)
        self.stored: Tensor | None = torch.empty(0, dtype=torch.uint8)  # None: has learnt since it was last stored

    @staticmethod
    def fits_at_once(estimator: Any, incremental: bool | None) -> bool:
        """Whether one fit on all examples is all there is to it. Raises ValueError if it cannot learn by batches."""
        if incremental and not hasattr(estimator, "partial_fit"):
            raise ValueError(
                f"model.incremental=true: {type(estimator).__name__} cannot learn batch by batch; type "
                "model.incremental=null."
            )
        return not (hasattr(estimator, "partial_fit") if incremental is None else incremental)

    @property
    def summary(self) -> str:
        """What it is, in a word."""
        return type(self.estimator).__name__

    def fit(self, inputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> None:
        """Learns from B × D inputs and B targets, of which each may count with a weight: all that there are, or a
        batch. Raises ValueError for weights that the estimator does not take, and what the estimator raises."""
        method = self.estimator.fit if self.at_once else self.estimator.partial_fit
        takes = inspect.signature(method).parameters
        given: dict[str, Any] = {}
        if "classes" in takes and self.outputs > 1:  # a batch need not have them all
            given["classes"] = np.arange(self.outputs)
        if weights is not None:
            if "sample_weight" not in takes:
                raise ValueError(f"{self.summary} takes no class weights; type trainer.class_weights=null.")
            given["sample_weight"] = _array(weights)
        method(_array(inputs), targets.cpu().numpy() if self.outputs > 1 else _array(targets), **given)
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
            import skops.io

            written = skops.io.dumps(self.estimator, compression=zipfile.ZIP_DEFLATED)
            self.stored = torch.frombuffer(bytearray(written), dtype=torch.uint8)
        return self.stored

    def set_extra_state(self, state: Tensor) -> None:
        """Raises ValueError for bytes with types in them that are not known to be harmless."""
        if len(state):
            self.estimator = _read(state.cpu().numpy().tobytes(), type(self.estimator).__module__.partition(".")[0])
        self.stored = state.clone()


def _read(written: bytes, package: str) -> Any:
    """An estimator from skops bytes. Of a package that is not scikit-learn all types are trusted: the run's config
    names it, which is held against $MLCLI_TRUST before."""
    import skops.io

    found = skops.io.get_untrusted_types(data=written)
    own = [name for name in found if package != "sklearn" and name.startswith(f"{package}.")]
    unknown = [name for name in found if name not in SAFE and name not in own]
    if unknown:
        raise ValueError(f"The estimator's weights hold {', '.join(unknown)}, not known to be harmless.")
    return skops.io.loads(written, trusted=found)


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().double().cpu().numpy()


def _check(estimator: Any, outputs: int) -> None:
    from sklearn.base import is_classifier, is_regressor

    name = type(estimator).__name__
    if not hasattr(estimator, "get_params"):
        raise ValueError(f"model.estimator: {name} is no estimator of scikit-learn; type the _target_ of one.")
    if outputs > 1 and not is_classifier(estimator):
        raise ValueError(f"model.estimator: {name} tells no classes apart; type the _target_ of a classifier.")
    if outputs == 1 and not is_regressor(estimator):
        raise ValueError(
            f"model.estimator: {name} gives no numbers; type the _target_ of a regressor, as in "
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
