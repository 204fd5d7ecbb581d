"""Whether a metric is better small or large. Imports neither torch nor numpy: commands use it too."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

SPLITS = {"train", "val", "test"}
Directions = Mapping[str, str | None]  # name, where * stands for any text → "min", "max", or None for neither

# Every metric of mlcli, by the module that computes it. The first pattern that matches counts.
DIRECTIONS: dict[str, str | None] = {
    # classification, multi_label, positions
    "accuracy": "max",
    "balanced_accuracy": "max",
    "matthews_corrcoef": "max",
    "precision_*": "max",
    "recall_*": "max",
    "f1_*": "max",
    "precision/*": "max",
    "recall/*": "max",
    "f1/*": "max",
    "roc_auc": "max",
    "average_precision": "max",
    # regression
    "mse": "min",
    "rmse": "min",
    "trimmed_rmse": "min",
    "mae": "min",
    "r2": "max",
    "explained_variance": "max",
    "calibration_error": "min",
    "threshold": None,
    "f1_at_threshold": "max",
    "coverage": None,  # as close as possible to the one that was asked for
    # language_model (fast)
    "perplexity": "min",
    "bits_per_*": "min",
    # clustering
    "inertia": "min",
    "silhouette": "max",
    "ari": "max",
    "ami": "max",
    "homogeneity": "max",
    # reconstruction, reduction
    "psnr": "max",
    "explained_variance_ratio": "max",
    "identity_mse": None,  # of the corrupted inputs, whatever the model
    "kl": None,  # a higher KL divergence may pay for a better reconstruction
    "components_*": None,
    # few_shot, meta_learning
    "nearest_neighbour_accuracy": "max",
    "*_margin_of_error": None,
    "after_*_accuracy": "max",
    # rollout, control
    "return": "max",
    "online_return": "max",
    "success_rate": "max",
    "success_rate_without_limit": "max",
    "episode_length": None,  # longer is better in some environments (cartpole), shorter in others (gridworld)
    "online_episode_length": None,
    "epsilon": None,
    # the loop, layer_statistics
    "lr": None,
    "gradient_norm/*": None,
    "activation_*": None,
    # whatever task minimises it
    "loss": "min",
    "error": "min",
    "*_loss": "min",
    "*_error": "min",
}


def direction(metric: str, stated: Directions | None = None) -> str | None:
    """ "min" or "max"; None for a metric without a direction, or an unknown one.

    stated: the directions that the user's own task states, which take precedence.
    """
    return next(_matching(metric, stated or {}, DIRECTIONS), None)


def is_stated(metric: str, stated: Directions | None) -> bool:
    """Whether the user's own task states a direction for the metric, or that it has none."""
    return any(True for _ in _matching(metric, stated or {}))


def check_directed(metric: str, stated: Directions | None, key: str, task: str) -> None:
    """Raises ValueError if the setting `key` names a metric without a direction. task: the class that may state
    directions."""
    if direction(metric, stated) in ("min", "max"):
        return
    if is_stated(metric, stated) or is_stated(metric, DIRECTIONS):
        raise ValueError(f"{key}={metric}: neither a small nor a large value is better; use another metric")
    raise ValueError(
        f"{key}={metric}: it is not known whether a small or a large value is better; state it in the class {task}, "
        f'as in traits = TaskTraits(directions={{"{without_split(metric)}": "max"}})'
    )


def without_split(metric: str) -> str:
    """`accuracy` of `val/accuracy`."""
    first, _, rest = metric.partition("/")
    return rest if first in SPLITS and rest else metric


def _matching(metric: str, *tables: Directions) -> Iterator[str | None]:
    """The directions of all patterns that match, in order."""
    name = without_split(metric)
    return (way for table in tables for pattern, way in table.items() if fnmatchcase(name, pattern))
