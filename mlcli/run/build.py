"""From a config to the objects of a run, in the order in which they need each other: data first, so that its
shape and classes reach the model and no size is written twice. The only caller of `instantiate`."""

import copy
import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import nn

from mlcli.batch_sizes import batch_sizes
from mlcli.config.check import EXTRA_KEYS, locate
from mlcli.config.compose import shipped_conf
from mlcli.config.errors import ConfigError, refused
from mlcli.config.settings import Settings
from mlcli.loading.adapter import Adapter, adapt
from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader, seed_device
from mlcli.loading.make_dataset import make_dataset
from mlcli.machine import device as devices
from mlcli.run import transfer
from mlcli.run.batch_norm import require_batches
from mlcli.run.directions import is_higher_better
from mlcli.run.update import update_of
from mlcli.store.weights import save_weights
from mlcli.train.estimator_update import EstimatorUpdate
from mlcli.train.model_protocols import ChecksExamples, ExtractsFeatures, Fitted
from mlcli.train.protocols import (
    ChecksData,
    ExtendsModel,
    FitsEstimators,
    HasLoader,
    HasLoss,
    PlansEpochs,
    SizesOutputs,
    Task,
)
from mlcli.train.update import Schedule, Update
from mlcli.traits import model_traits, task_traits


@dataclass
class Parts:
    """A run's objects, ready to train."""

    data: DataSet
    adapter: Adapter
    model: nn.Module
    task: Task
    device: torch.device
    threads: int
    schedule: Schedule | None  # None: of a task without optimizer
    steps_per_epoch: int
    total_steps: int
    transferred: transfer.Report | None = None

    @property
    def loader(self) -> Loader | None:
        """What another trial with the same data need not prepare again; None where the task has none."""
        return self.task.loader if isinstance(self.task, HasLoader) else None

    def save_weights(self, path: Path) -> None:
        """Saves the weights that the task has now, with the statistics of the inputs. Whole or not at all."""
        save_weights(path, self.task.state_dict()["model"], mean=self.data.mean, std=self.data.std)


def build(
    cfg: Settings,
    data: DataSet | None = None,
    loader: Loader | None = None,
    trained: bool = False,
    set_up: bool = True,
) -> Parts:
    """Everything that the config names. Raises ConfigError.

    data: where it is known already; loader: where another trial has prepared the same data for the same model.
    trained: the network's weights are at hand and put in afterwards, so those of model.init_from are not read.
    set_up: sets threads, determinism and memory of this process as the config says.
    """
    device = devices.choose(cfg.device.name)
    if set_up:
        devices.set_up(cfg.device, device)
    with refused():
        data = build_data(cfg) if data is None else data
        if is_fitted(cfg.model):
            data = replace(data, samples_per_epoch=None)  # no example twice: what is fitted need not stack
        adapter = fit_data_to_model(cfg, data)
        # Not torch.manual_seed, which notes down for every other device where it was called, in half a millisecond.
        torch.default_generator.manual_seed(cfg.trainer.seed)
        seed_device(cfg.trainer.seed, device)
        model = build_model(cfg, data, adapter)
        transferred = transfer.prepare(model, cfg, data.classes, load=not trained)
        _extend(model, cfg)
        model = model.to(device)
        threads = devices.choose_threads(cfg.device.threads, sum(p.numel() for p in model.parameters()))
        if set_up:
            torch.set_num_threads(threads)
        loader = loader.for_seed(cfg.trainer.seed) if loader else _loader(cfg, data, adapter, device, model)
        parts = _assemble(cfg, data, adapter, model, device, loader, threads)
        if not trained and isinstance(parts.task, ChecksData):
            parts.task.check_data()
        if not trained and isinstance(model, ChecksExamples):
            model.check_examples(len(data.splits["train"]))
        return replace(parts, transferred=transferred)


def build_data(cfg: Settings) -> DataSet:
    """The data set, split and measured. Raises ConfigError."""
    by_feature = model_traits(locate(cfg.model._target_)).normalise_per_feature
    with refused():
        return make_dataset(partial(cfg.data)(), **cfg.split, by_feature=by_feature)


def build_model(cfg: Settings, data: DataSet, adapter: Adapter) -> nn.Module:
    """The network, with the sizes that the data decides."""
    task = locate(cfg.task._target_)
    if not cfg.split.test and not task_traits(task).test_split_optional:
        raise ConfigError("split.test=0: nothing would be left to judge the run by; use split.test=0.2.")
    _check_trained_by(cfg)
    outputs = _call(task.outputs, data=data, cfg=cfg) if isinstance(task, SizesOutputs) else None
    per_step = task_traits(task).per_step
    constructor = partial(cfg.model)
    if per_step and not _takes_steps(cfg.model):
        fitting = [name for name, node in _networks() if _takes_steps(node)]
        raise ConfigError(f"This task needs an answer for each step of a sequence: use model={'|'.join(fitting)}.")
    if model_traits(locate(cfg.model._target_)).reconstructs and not task_traits(task).reconstructs:
        raise ConfigError(
            "This model gives its inputs again and no answers: use task=reconstruction, or another model."
        )
    model: nn.Module = _call(
        constructor,
        input_shape=adapter.shape,
        outputs=outputs,
        vocabulary=len(data.vocabulary) or None,
        words=data.vocabulary,
        padded=data.examples.padded,
        per_step=per_step,
        seed=cfg.trainer.seed,
    )
    if cfg.device.compile:
        model.compile()
    return model


def _check_trained_by(cfg: Settings) -> None:
    """Some models are not trained by gradients but by a task of their own, and such tasks train no others."""
    if is_fitted(cfg.model) and not isinstance(locate(cfg.task._target_), FitsEstimators):
        raise ConfigError("This model is fitted and not trained by gradients: use task=classification|regression.")
    own = model_traits(locate(cfg.model._target_)).trained_by
    task = locate(cfg.task._target_).__module__.rpartition(".")[2]
    if own is not None and own != task:
        raise ConfigError(f"This model is not trained by gradients: use task={own}, or another model.")
    if own is None and not _takes(cfg.task, "update"):
        fitting = [name for name, node in _models() if model_traits(locate(node["_target_"])).trained_by == task]
        raise ConfigError(f"This task trains no model by gradients: use model={'|'.join(fitting)}.")


def _extend(model: nn.Module, cfg: Settings) -> None:
    """A task whose class has `extend(model, settings)` gives the network parameters of its own."""
    task = locate(cfg.task._target_)
    if isinstance(task, ExtendsModel):
        task.extend(model, cfg.task)


def fit_data_to_model(cfg: Settings, data: DataSet) -> Adapter:
    """How examples reach the model. ConfigError with the models that can take them when this one can't."""
    accepts = accepted_kinds(cfg.model) or (data.kind,)
    try:
        return adapt(data.kind, data.shape, accepts)
    except ValueError as error:
        able = [(name, node) for name, node in _networks() if _can(data, accepted_kinds(node))]
        reconstructs = task_traits(locate(cfg.task._target_)).reconstructs
        fitting = [
            name for name, node in able if reconstructs or not model_traits(locate(node["_target_"])).reconstructs
        ]
        raise ConfigError(
            f"This model takes {' or '.join(accepts)} and data={data.name} is {data.kind}: "
            f"use model={'|'.join(fitting)}."
        ) from error


def accepted_kinds(node: Mapping[str, Any]) -> tuple[str, ...]:
    """The kinds of input a model takes, by its YAML's `accepts` or its class; () where neither says."""
    stated: Any = node.get("accepts") or model_traits(locate(node["_target_"])).accepts
    return (stated,) if isinstance(stated, str) else tuple(stated)


def is_fitted(node: Mapping[str, Any]) -> bool:
    """Whether a model has a `fit` of its own, which takes the place of gradient updates."""
    return isinstance(locate(node["_target_"]), Fitted)


def _takes_steps(node: Mapping[str, Any]) -> bool:
    """Whether a model can answer for each step."""
    return "per_step" in inspect.signature(locate(node["_target_"])).parameters


def _models() -> list[tuple[str, Any]]:
    """What ships, by name."""
    return [(file.stem, OmegaConf.load(file)) for file in sorted((shipped_conf() / "model").glob("*.yaml"))]


def _networks() -> list[tuple[str, Any]]:
    """Those that gradients train."""
    return [
        (name, node)
        for name, node in _models()
        if model_traits(locate(node["_target_"])).trained_by is None and not is_fitted(node)
    ]


def _can(data: DataSet, kinds: tuple[str, ...]) -> bool:
    try:
        adapt(data.kind, data.shape, kinds)
    except ValueError:
        return False
    return True


def _loader(cfg: Settings, data: DataSet, adapter: Adapter, device: torch.device, model: nn.Module) -> Loader | None:
    if not _takes(cfg.task, "loader"):
        return None
    trainer = cfg.trainer
    settings = {"batch_size": trainer.batch_size, "seed": trainer.seed, "sampler": trainer.sampler}
    settings |= {"extract": model.extract if isinstance(model, ExtractsFeatures) else None}
    settings |= {"at_once": model_traits(model).full_batch}
    return Loader(data, adapter, device=device, resident=cfg.device.resident, **settings)


def _assemble(
    cfg: Settings,
    data: DataSet,
    adapter: Adapter,
    model: nn.Module,
    device: torch.device,
    loader: Loader | None,
    threads: int,
) -> Parts:
    """The task, with an optimizer if it is one that takes `update`."""
    trainer = cfg.trainer
    steps_per_epoch = 1 if model_traits(model).full_batch else _steps_per_epoch(cfg, data)
    total_steps = min(trainer.epochs * steps_per_epoch, trainer.max_steps or trainer.epochs * steps_per_epoch)
    if loader is not None and _trains_on_batches(cfg):
        own = isinstance(locate(cfg.task._target_), PlansEpochs)
        require_batches(model, loader, trainer.batch_size if own else data.epoch_size, trainer)
    schedule: Schedule | None = None
    update: Update | EstimatorUpdate | None = None
    if is_fitted(cfg.model):
        if trainer.class_weights is not None and not model_traits(model).takes_sample_weights:
            raise ConfigError("This model takes no class weights: use trainer.class_weights=null.")
        update = EstimatorUpdate(model)
    elif _takes(cfg.task, "update"):
        schedule = _call(partial(cfg.scheduler), higher=is_higher_better(cfg, trainer.monitor))
        how = {"steps_per_epoch": steps_per_epoch, "total_steps": total_steps, "device": device}
        size = trainer.batch_size if _trains_on_batches(cfg) else None
        update = update_of(cfg, partial, model, schedule, batch_size=size, **how)
    weights = trainer.class_weights
    supplied = {"data": data, "model": model, "update": update, "loader": loader, "class_weights": weights}
    task = _call(partial(cfg.task), seed=trainer.seed, batch_size=trainer.batch_size, **supplied)
    if isinstance(update, EstimatorUpdate):
        update.fit_arguments = task.fit_arguments
    layer_statistics = (
        task_traits(task).layer_statistics and isinstance(task, HasLoss) and not isinstance(update, EstimatorUpdate)
    )
    if trainer.layer_statistics and not layer_statistics:
        raise ConfigError(
            "trainer.layer_statistics=true: this task trains no network on plain batches; "
            "use trainer.layer_statistics=false."
        )
    return Parts(data, adapter, model, task, device, threads, schedule, steps_per_epoch, total_steps)


def _takes(node: Settings, name: str) -> bool:
    """Whether what the node builds asks the run for this."""
    return name in inspect.signature(locate(node._target_)).parameters


def _steps_per_epoch(cfg: Settings, data: DataSet) -> int:
    """Updates in one epoch: a task whose batches are not those of the training split says it by `epoch_steps`."""
    task = locate(cfg.task._target_)
    if isinstance(task, PlansEpochs):
        return task.epoch_steps(data, cfg)
    return max(1, len(batch_sizes(data.epoch_size, cfg.trainer.batch_size)))


def _trains_on_batches(cfg: Settings) -> bool:
    """Whether an update is from trainer.batch_size examples."""
    return not isinstance(locate(cfg.task._target_), PlansEpochs) or _takes(cfg.task, "batch_size")


def partial(node: Settings) -> Callable[..., Any]:
    """The node's `_target_` with the node's values, ready to be called with what the run supplies."""
    values = {key: copy.deepcopy(value) for key, value in node.items() if key not in EXTRA_KEYS["model"]}
    target = values.pop("_target_")
    if any(key.startswith("_") for key in values) or "_target_" in str(values):
        return instantiate({"_target_": target, **values}, _partial_=True, _convert_="all")  # type: ignore[no-any-return]
    # What instantiate does where nothing is nested, in a tenth of its time: a sweep builds a thousand of these.
    return functools.partial(locate(target), **values)


def _call(constructor: Callable[..., Any], **supplied: Any) -> Any:
    """Calls with those of the supplied arguments that the constructor takes."""
    takes = inspect.signature(constructor).parameters
    if supplied.get("class_weights") is not None and "class_weights" not in takes:
        raise ConfigError("trainer.class_weights: this task takes no class weights; use trainer.class_weights=null.")
    return constructor(**{name: value for name, value in supplied.items() if name in takes})
