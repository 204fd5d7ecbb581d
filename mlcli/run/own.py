"""Functions of the user's own that the config names by `_target_`: the loss, further metrics, class weights."""

import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mlcli.config.errors import ConfigError
from mlcli.config.locate import locate
from mlcli.config.settings import Settings
from mlcli.metric.direction import Directions
from mlcli.metric.own import OwnMetric, direction_of
from mlcli.random_numbers import keep_states
from mlcli.train.estimator_update import EstimatorUpdate
from mlcli.train.protocols import HasUpdate, TakesLoss, TakesMetrics, Task

TARGET = "_target_"
Partial = Callable[[Settings], Callable[..., Any]]  # a config's constructor with its arguments
RESERVED = ("direction", "input", "_partial_", "_target_")  # keys of a metric that are not arguments of its function


def metric_directions(cfg: Settings) -> Directions:
    """The direction of each metric of the config's `metrics`: the stated one, or by the name of its function."""
    return {
        name: node["direction"] if "direction" in node else direction_of(str(node["_target_"]))
        for name, node in (cfg.get("metrics") or {}).items()
    }


def add_metrics(cfg: Settings, task: Any, partial: Partial) -> None:
    """Gives the task the metrics of the config. Raises ConfigError."""
    nodes = cfg.get("metrics") or {}
    if nodes and not isinstance(task, TakesMetrics):
        raise ConfigError(
            f"metrics: {type(task).__name__} takes no metrics of your own: leave {next(iter(nodes))} out."
        )
    if nodes:
        task.own_metrics = {name: _metric(name, node, partial) for name, node in nodes.items()}


def _metric(name: str, node: Settings, partial: Partial) -> OwnMetric:
    settings = {key: value for key, value in node.items() if key not in RESERVED}
    return OwnMetric(name, _function(node, settings, partial), node.get("input"))


def add_loss(cfg: Settings, built: Task, device: torch.device, partial: Partial) -> None:
    """Gives the task the loss of the config, `task.loss`, with trainer.class_weights as its `weight`. Raises
    ConfigError."""
    node = cfg.task.get("loss")
    if node is None:
        return
    task: Any = built
    if not isinstance(built, TakesLoss):
        raise ConfigError(f"task.loss: {type(task).__name__} has a loss of its own: use task.loss=null.")
    if isinstance(built, HasUpdate) and isinstance(task.update, EstimatorUpdate):
        raise ConfigError("task.loss: this model is not trained by gradient descent: use task.loss=null.")
    if cfg.task.get("label_smoothing"):
        raise ConfigError("task.label_smoothing is for the task's own loss: use task.loss.label_smoothing.")
    settings = {key: _tensors(value, device) for key, value in node.items() if key not in ("_target_", "_partial_")}
    if cfg.trainer.class_weights is not None:
        if "weight" not in inspect.signature(locate(node["_target_"])).parameters or "weight" in settings:
            raise ConfigError("trainer.class_weights: this loss takes no weight: use trainer.class_weights=null.")
        settings["weight"] = task.weights
    loss = _function(node, settings, partial)
    if isinstance(loss, nn.Module):
        loss = loss.to(device)
        if any(True for _ in loss.parameters()):
            raise ConfigError("task.loss has parameters, which are not trained: make them parameters of the model.")
    task.own_loss = OwnLoss(loss)
    if task.update is not None:
        _try_loss(task, str(node["_target_"]))
    if cfg.trainer.accumulate > 1 and task.update is not None:
        _require_mean(task)


class OwnLoss(nn.Module):
    """Called with outputs and targets, returns the loss as a scalar: the mean of a loss with several values."""

    def __init__(self, loss: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self.loss(outputs, targets).mean()


def _some_targets(task: Any) -> tuple[Tensor, Tensor]:
    """Random outputs for a few training targets, and these."""
    targets = task.loader.all_targets("train")
    targets = targets[:: max(1, len(targets) // 16)]  # of several classes, where they are sorted
    sizes = [len(targets), *([len(task.data.classes)] if task.data.classes else [])]
    return torch.randn(sizes, generator=torch.Generator().manual_seed(0)).to(targets.device), targets


def _try_loss(task: Any, name: str) -> None:
    """Raises ConfigError for a loss that cannot take the outputs and targets of this task, or does not depend on the
    outputs. Random numbers are taken from the global generators, which are restored."""
    outputs, targets = _some_targets(task)
    shapes = f"outputs {tuple(outputs.shape)} and {str(targets.dtype).removeprefix('torch.')} targets"
    shapes += f" {tuple(targets.shape)}"
    try:
        with keep_states(), warnings.catch_warnings():
            warnings.filterwarnings("ignore")  # the training shows them
            warnings.filterwarnings("error", message="Using a target size")  # of torch, before it broadcasts
            loss = task.own_loss(outputs.requires_grad_(), targets)
    except Exception as error:  # a loss of any package
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ConfigError(f"task.loss: {name} does not take {shapes} ({reason}); use another loss.") from error
    if loss.ndim or not loss.requires_grad:
        raise ConfigError(f"task.loss: {name} returns a value that does not depend on the outputs; use another loss.")


def _require_mean(task: Any) -> None:
    """Raises ConfigError for a loss that is not a mean over examples, which gradient accumulation assumes: it is
    computed on a few training targets, and on those before and after a quarter."""
    outputs, targets = _some_targets(task)
    quarter = max(1, len(targets) // 4)
    first, rest = (task.own_loss(outputs[part], targets[part]) for part in (slice(quarter), slice(quarter, None)))
    mean = (first * quarter + rest * (len(targets) - quarter)) / len(targets)
    if len(targets) > 1 and not torch.allclose(mean, task.own_loss(outputs, targets), rtol=1e-4, atol=1e-6):
        raise ConfigError("task.loss is not a mean over examples, which trainer.accumulate needs: use 1.")


def class_weights(node: Any, partial: Partial) -> Any:
    """trainer.class_weights as a task takes them: a function of the class counts for a node with a `_target_`."""
    return partial(Settings({**node, "_partial_": True})) if isinstance(node, Mapping) else node


def _function(node: Settings, settings: dict[str, Any], partial: Partial) -> Callable[..., Any]:
    """An instance of a class, or a function with these settings."""
    if TARGET in str(settings):
        raise ConfigError(f"{node[TARGET]}: its settings are numbers and text, without a {TARGET} in them.")
    made = partial(Settings({**settings, TARGET: node[TARGET]}))
    if not inspect.isclass(locate(node[TARGET])):
        return made if settings else locate(node[TARGET])
    try:
        instance: Callable[..., Any] = made()
    except Exception as error:  # the constructor of any package
        raise ConfigError(f"{node[TARGET]} cannot be built ({' '.join(str(error).split())}).") from error
    return instance


def _tensors(value: Any, device: torch.device) -> Any:
    """A list of numbers, as of class weights, as a tensor."""
    is_numbers = isinstance(value, list) and all(isinstance(each, int | float) for each in value)
    return torch.tensor(value, dtype=torch.float32, device=device) if is_numbers else value
