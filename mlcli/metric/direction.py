"""Whether a metric is better when it is small or when it is large; no imports, so that any command can ask."""

SMALLER_IS_BETTER = {"loss", "error", "rmse", "mae", "mse", "perplexity"}
SPLITS = {"train", "val", "test"}


def direction(metric_name: str) -> str:
    """ "min" for losses and errors ("val/loss", "rmse", "test/log_loss"), else "max"."""
    first, _, rest = metric_name.partition("/")
    metric = rest if first in SPLITS and rest else metric_name
    smaller = (
        metric in SMALLER_IS_BETTER or metric.endswith(("_loss", "_error", "_mse")) or metric.startswith("bits_per_")
    )
    return "min" if smaller else "max"
