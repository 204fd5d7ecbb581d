"""What an estimator of scikit-learn has learnt, as bytes that are read without running code that came with them."""

import io
import zipfile
from importlib import import_module
from inspect import isclass
from typing import Any

UNPACKED = 50  # times as large as the bytes: what estimators pack into at most
SMALL = 256 * 2**20  # bytes that may be unpacked in any case

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


def write(estimator: Any) -> bytes:
    """In the format of skops."""
    import skops.io

    written: bytes = skops.io.dumps(estimator, compression=zipfile.ZIP_DEFLATED)
    return written


def read(written: bytes, expected: type) -> Any:
    """An estimator of the expected class from skops bytes. Classes of its package are trusted where that is not
    scikit-learn: the run's config names it, and that was checked before. Raises ValueError for another estimator, and
    for types not known to be harmless."""
    import skops.io

    _check_size(written)
    package = expected.__module__.partition(".")[0]
    found = skops.io.get_untrusted_types(data=written)
    unknown = [name for name in found if name not in SAFE and not _is_own(name, package)]
    if unknown:
        raise ValueError(f"The estimator's weights hold {', '.join(unknown)}, not known to be harmless.")
    estimator = skops.io.loads(written, trusted=found)
    if type(estimator) is not expected:
        raise ValueError(f"The weights hold {type(estimator).__name__}, and the config {expected.__name__}.")
    return estimator


def _is_own(name: str, package: str) -> bool:
    """Whether it is a class that the package of an estimator outside scikit-learn defines."""
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
    if size > max(SMALL, UNPACKED * len(written)):
        raise ValueError(f"The estimator's weights would unpack to {size:,} bytes.")
