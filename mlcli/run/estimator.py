"""What a model that is fitted, and not trained by gradients, makes of the settings of a run."""

from collections.abc import Sequence

from mlcli.config.check import locate
from mlcli.config.errors import ConfigError
from mlcli.config.schema import Trainer
from mlcli.config.settings import Settings
from mlcli.run.build import partial
from mlcli.run.compatible import is_fitted
from mlcli.train.model_protocols import ChoosesFullBatch

# Settings of gradient updates and of networks.
GRADIENT = (
    "optimizer", "scheduler", "task.", "trainer.accumulate", "trainer.average", "trainer.clip_", "trainer.l1",
    "trainer.lr_scale", "trainer.layer_statistics", "device.precision", "device.compile", "model.freeze",
)  # fmt: skip
EPOCHS = ("trainer.batch_size", "trainer.max_steps", "trainer.max_time", "trainer.min_delta", "trainer.patience")


def resolve_epochs(cfg: Settings) -> str:
    """Sets the one epoch that a model takes that is fitted at once, so that the config says it for good.

    Returns a line for the user who asked for another number, else "". Raises ConfigError where the estimator
    cannot be built.
    """
    if not is_fitted(cfg.model) or not is_full_batch(cfg):
        return ""
    asked, cfg.trainer.epochs = cfg.trainer.epochs, 1
    return f"trainer.epochs={asked}: this model is fitted at once, in 1" if asked not in (1, Trainer.epochs) else ""


def is_full_batch(cfg: Settings) -> bool:
    """Whether one fit on all examples is all there is to it."""
    model = locate(cfg.model._target_)
    if not isinstance(model, ChoosesFullBatch):
        return False
    settings = partial(cfg.model).keywords  # type: ignore[attr-defined]  # of a partial
    try:
        return model.is_full_batch(settings["estimator"], settings.get("incremental"))
    except ValueError as error:
        raise ConfigError(str(error)) from error


def check_overrides(cfg: Settings, overrides: Sequence[str]) -> None:
    """Raises ConfigError for an override that would change nothing about a model that is fitted."""
    if not is_fitted(cfg.model):
        return
    idle = (*GRADIENT, *EPOCHS) if is_full_batch(cfg) else GRADIENT
    for override in overrides:
        if override.lstrip("+~").startswith(idle):
            raise ConfigError(
                f"{override} would change nothing: this model is fitted and not trained by gradients. Leave it out; "
                "the settings are those of model."
            )
