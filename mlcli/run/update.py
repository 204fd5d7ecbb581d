"""The gradient update that a run's config describes."""

import fnmatch
import json
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from mlcli.config.errors import ConfigError
from mlcli.config.settings import Settings
from mlcli.train.averaging import Averaging
from mlcli.train.model_protocols import ScalesRates
from mlcli.train.optimizers import MakeOptimizer
from mlcli.train.update import Schedule, Update

Partial = Callable[[Settings], Callable[..., Any]]  # a config's constructor with its arguments


def update_of(cfg: Settings, partial: Partial, model: nn.Module, schedule: Schedule, **how: Any) -> Update:
    """how: arguments of Update that are not in the config. Raises ConfigError, and ValueError for an unsupported
    optimizer."""
    trainer = cfg.trainer
    return Update(
        _make_optimizer(_without_fused(cfg.optimizer, model), partial),
        _groups(cfg, model),
        schedule,
        precision=cfg.device.precision,
        accumulate=trainer.accumulate,
        clip_norm=trainer.clip_norm,
        clip_value=trainer.clip_value,
        l1=trainer.l1,
        averaging=_averaging(trainer),
        model=model,
        **how,
    )


def _without_fused(node: Settings, model: nn.Module) -> Settings:
    """The optimizer's settings without `fused=true` for parameters or gradients that torch's fused kernels reject;
    the step is the same."""
    sparse = any(isinstance(each, nn.Embedding | nn.EmbeddingBag) and each.sparse for each in model.modules())
    if node.get("fused") and (sparse or any(parameter.is_complex() for parameter in model.parameters())):
        return Settings(node, fused=None)
    return node


def _make_optimizer(node: Settings, partial: Partial) -> MakeOptimizer:
    """Nested objects of the config are built for each optimizer: no two optimizers share state."""
    settings = {name: value for name, value in node.items() if name != "lr"}
    config = json.dumps(settings, sort_keys=True, default=repr)
    name = str(node["_target_"]).rpartition(".")[2]

    def construct(groups: list[dict[str, Any]], **given: Any) -> torch.optim.Optimizer:
        try:
            made: torch.optim.Optimizer = partial(node)(groups, **given)
        except ConfigError:
            raise
        except Exception as error:  # the constructor of any package
            raise ConfigError(f"optimizer: {name} cannot be built ({' '.join(str(error).split())}).") from error
        if not isinstance(made, torch.optim.Optimizer):
            raise ConfigError(f"optimizer._target_={node['_target_']}: not a torch.optim.Optimizer.")
        return made

    return MakeOptimizer(construct, config)


def _averaging(trainer: Settings) -> Averaging | None:
    if trainer.average is None:
        return None
    return Averaging(trainer.average, trainer.average_decay, trainer.average_start)


def _groups(cfg: Settings, model: nn.Module) -> list[dict[str, Any]]:
    """Parameter groups by learning rate: one for each pattern of trainer.lr_scale, one for each of the model's own
    patterns that matches others, and first one for the rest."""
    scales: dict[str, float] = dict(cfg.trainer.lr_scale or {})
    own = dict(model.lr_scale) if isinstance(model, ScalesRates) else {}
    left = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    groups = []
    if (scales or own) and "lr" not in cfg.optimizer:
        what = "trainer.lr_scale" if scales else "this model"
        raise ConfigError(f"{what} scales optimizer.lr: use optimizer.lr=… too.")
    rest = {"lr": cfg.optimizer.lr * own.pop("*")} if "*" in own else {}
    for pattern, scale in {**scales, **{name: own[name] for name in own if name not in scales}}.items():
        names = fnmatch.filter(left, pattern)
        if names:
            groups.append({"params": [left.pop(name) for name in names], "lr": cfg.optimizer.lr * scale})
        elif pattern in scales:
            known = ", ".join(name for name, _ in model.named_parameters())
            raise ConfigError(f"trainer.lr_scale: no parameter matches {pattern}. Choices: {known}.")
    return [{"params": list(left.values()), **rest}, *groups] if left else groups
