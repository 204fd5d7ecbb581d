"""What an estimator of scikit-learn has learnt, as bytes that are read without running code that came with them."""

import zipfile
from typing import Any

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


def read(written: bytes, package: str) -> Any:
    """An estimator from skops bytes. Of a package that is not scikit-learn all types are trusted: the run's config
    names it, which is held against $MLCLI_TRUST before. Raises ValueError for types not known to be harmless."""
    import skops.io

    found = skops.io.get_untrusted_types(data=written)
    own = [name for name in found if package != "sklearn" and name.startswith(f"{package}.")]
    unknown = [name for name in found if name not in SAFE and name not in own]
    if unknown:
        raise ValueError(f"The estimator's weights hold {', '.join(unknown)}, not known to be harmless.")
    return skops.io.loads(written, trusted=found)
