"""Whether a metric is better small or large. Imports neither torch nor numpy: commands use it too."""

from collections.abc import Mapping
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
    "mae": "min",
    "r2": "max",
    "explained_variance": "max",
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
    name = _without_split(metric)
    return next((way for pattern, way in _all(stated) if fnmatchcase(name, pattern)), None)


def check_directed(metric: str, stated: Directions | None, key: str, task: str) -> None:
    """Raises ValueError if the setting `key` names a metric without a direction. task: the class that may state
    directions."""
    if direction(metric, stated) in ("min", "max"):
        return
    name = _without_split(metric)
    if any(fnmatchcase(name, pattern) for pattern, _ in _all(stated)):
        raise ValueError(f"{key}={metric}: neither a small nor a large value is better; use another metric")
    raise ValueError(
        f"{key}={metric}: it is not known whether a small or a large value is better; state it in the class {task}, "
        f'as in directions = {{"{name}": "max"}}'
    )


def _all(stated: Directions | None) -> list[tuple[str, str | None]]:
    return [*(stated or {}).items(), *DIRECTIONS.items()]


def _without_split(metric: str) -> str:
    first, _, rest = metric.partition("/")
    return rest if first in SPLITS and rest else metric
