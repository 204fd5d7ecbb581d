"""A fitted scikit-learn estimator as bytes, which are loaded without executing code from them."""

import io
import zipfile
from importlib import import_module
from inspect import isclass
from typing import Any

MAX_RATIO = 50  # of unpacked to packed size; estimators stay below
ALWAYS_ALLOWED = 256 * 2**20  # unpacked bytes, whatever the ratio

# Parts of scikit-learn's estimators that skops does not trust by itself. They hold numbers and call nothing.
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


def to_bytes(estimator: Any) -> bytes:
    """The estimator in skops format."""
    import skops.io

    written: bytes = skops.io.dumps(estimator, compression=zipfile.ZIP_DEFLATED)
    return written


def from_bytes(written: bytes, expected: type) -> Any:
    """An estimator of the expected class from skops bytes. Raises ValueError for another estimator, and for types
    that are not known to be safe.

    Classes of the estimator's own package are trusted where that is not scikit-learn: the config of the run names it,
    and was checked before.
    """
    import skops.io

    _check_size(written)
    package = expected.__module__.partition(".")[0]
    found = skops.io.get_untrusted_types(data=written)
    unknown = [name for name in found if name not in SAFE and not _is_own(name, package)]
    if unknown:
        raise ValueError(f"The estimator's weights hold {', '.join(unknown)}, which is not known to be safe.")
    estimator = skops.io.loads(written, trusted=found)
    if type(estimator) is not expected:
        raise ValueError(f"The weights hold {type(estimator).__name__}, and the config names {expected.__name__}.")
    return estimator


def _is_own(name: str, package: str) -> bool:
    """Whether this names a class that the package, which is not scikit-learn, defines itself."""
    if package == "sklearn" or not name.startswith(f"{package}."):
        return False
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(import_module(module), attribute, None)
    except ImportError:
        return False
    return isclass(found) and found.__module__.partition(".")[0] == package


def _check_size(written: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(written)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise ValueError("The estimator's weights are damaged.") from error
    if size > max(ALWAYS_ALLOWED, MAX_RATIO * len(written)):
        raise ValueError(f"The estimator's weights would unpack to {size:,} bytes.")
