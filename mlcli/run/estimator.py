"""Settings of a run whose model is an estimator, which is fitted and not trained by gradient descent."""

from collections.abc import Sequence

from mlcli.config.errors import ConfigError
from mlcli.config.locate import locate
from mlcli.config.schema import Trainer
from mlcli.config.settings import Settings
from mlcli.run.compatible import is_fitted
from mlcli.run.partial import partial
from mlcli.train.model_protocols import ChoosesFullBatch

# Settings of gradient descent and of networks, without effect on an estimator.
GRADIENT = (
    "optimizer", "scheduler", "task.", "trainer.accumulate", "trainer.average", "trainer.clip_", "trainer.l1",
    "trainer.lr_scale", "trainer.layer_statistics", "device.precision", "device.compile", "model.freeze",
)  # fmt: skip
EPOCHS = ("trainer.batch_size", "trainer.max_steps", "trainer.max_time", "trainer.min_delta", "trainer.patience")


def resolve_epochs(cfg: Settings) -> str:
    """Sets trainer.epochs=1 for an estimator that one call fits.

    Returns a note for the user if another number was configured, else "". Raises ConfigError if the estimator cannot
    be built.
    """
    if not is_fitted(cfg.model) or not is_full_batch(cfg):
        return ""
    epochs, cfg.trainer.epochs = cfg.trainer.epochs, 1
    is_default = epochs in (1, Trainer.epochs)
    return "" if is_default else f"trainer.epochs={epochs}: this model is fitted in one epoch"


def is_full_batch(cfg: Settings) -> bool:
    """Whether the model is fitted by one call on all examples."""
    model = locate(cfg.model._target_)
    if not isinstance(model, ChoosesFullBatch):
        return False
    settings = partial(cfg.model).keywords  # type: ignore[attr-defined]  # of a partial
    try:
        return model.is_full_batch(settings["estimator"], settings.get("incremental"))
    except ValueError as error:
        raise ConfigError(str(error)) from error


def check_overrides(cfg: Settings, overrides: Sequence[str]) -> None:
    """Raises ConfigError for an override that has no effect on an estimator."""
    if not is_fitted(cfg.model):
        return
    unused = (*GRADIENT, *EPOCHS) if is_full_batch(cfg) else GRADIENT
    for override in overrides:
        if override.lstrip("+~").startswith(unused):
            raise ConfigError(
                f"{override} has no effect: this model is fitted and not trained by gradient descent. Remove it, and "
                "use settings of model."
            )
