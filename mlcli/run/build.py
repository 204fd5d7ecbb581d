"""From a config to the objects of a run, in the order in which they depend on each other: data first, since its shape
and classes decide the sizes of the model."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.batch_sizes import batch_sizes, default_batch_size
from mlcli.config.errors import ConfigError, as_config_error
from mlcli.config.locate import calling, locate
from mlcli.config.settings import Settings
from mlcli.config.supplied import call_with, supply
from mlcli.loading.adapter import Adapter
from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.machine import device as devices
from mlcli.random_numbers import seed_generators
from mlcli.run import transfer
from mlcli.run.batch_norm import require_batches
from mlcli.run.compatible import check_outputs, check_trainable, fit_data_to_model, has_parameter, is_fitted
from mlcli.run.data import build_data
from mlcli.run.directions import is_higher_better
from mlcli.run.fit_inputs import fit_inputs
from mlcli.run.lazy import materialise
from mlcli.run.own import add_loss, add_metrics, class_weights
from mlcli.run.partial import partial
from mlcli.run.schedule import schedule_of
from mlcli.run.try_out import try_out
from mlcli.run.update import update_of
from mlcli.store.weights import check_saveable, save_weights
from mlcli.train.estimator_update import EstimatorUpdate
from mlcli.train.extra_state import decode, encode
from mlcli.train.model_protocols import ChecksExamples, ExtractsFeatures
from mlcli.train.modes import evaluating
from mlcli.train.protocols import ChecksData, ExtendsModel, HasLoader, HasLoss, PlansEpochs, SizesOutputs, Task
from mlcli.train.update import Schedule, Update
from mlcli.traits import model_traits, require_inference, task_traits


@dataclass
class Parts:
    """A run's objects, ready to train."""

    data: DataSet
    adapter: Adapter
    model: nn.Module
    task: Task
    device: torch.device
    threads: int
    schedule: Schedule | None  # None: the task has no optimizer
    steps_per_epoch: int
    total_steps: int
    transferred: transfer.Transfer | None = None

    @property
    def loader(self) -> Loader | None:
        """Prepared data that another trial can share; None where the task has none."""
        return self.task.loader if isinstance(self.task, HasLoader) else None

    @torch.inference_mode()
    def predict(self, inputs: Tensor) -> dict[str, np.ndarray]:
        """Predictions for raw inputs, B × the shape of one example, as columns of length B, in evaluation mode."""
        prepared = inputs.to(self.device) if self.loader is None else self.loader.prepare(inputs)
        with evaluating(self.model):
            return self.task.columns(self.task.inference()(prepared))

    def save_weights(self, path: Path) -> None:
        """Saves the task's current weights with the preprocessing of the inputs, atomically."""
        save_weights(path, encode(self.task.state_dict()["model"]), self.data.preprocessing.state_dict())

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Loads weights that were saved, or kept as the best ones. Raises RuntimeError for another network's."""
        self.task.load_state_dict({"model": decode(weights)})


def build(
    cfg: Settings,
    data: DataSet | None = None,
    loader: Loader | None = None,
    weights_later: bool = False,
    set_up: bool = True,
) -> Parts:
    """Builds everything that the config names; without an optimizer, only what prediction and evaluation need. Raises
    ConfigError.

    data: the data set, where it is already loaded. loader: that of another trial with the same data and model.
    weights_later: the caller loads the model's weights, so model.init_from is not read and settings are not checked
    against the training split.
    set_up: sets threads, determinism and memory of this process as the config says.
    """
    device = devices.choose(cfg.device.name)
    devices.use_one_attention()
    if set_up:
        devices.set_up(cfg.device, device)
    with as_config_error():
        data = build_data(cfg) if data is None else data
        cfg = _with_batch_size(cfg, data)
        if is_fitted(cfg.model):
            data = replace(data, samples_per_epoch=None)  # sampling with replacement is for stacks only
        adapter = fit_data_to_model(cfg, data)
        seed_generators(cfg.trainer.seed, device)
        model = build_model(cfg, data, adapter)
        transferred = transfer.prepare(model, cfg, data, load=not weights_later)
        model = _extended(model, cfg).to(device)
        threads = devices.choose_threads(cfg.device.threads, sum(p.numel() for p in model.parameters()))
        if set_up:
            torch.set_num_threads(threads)
        loader = loader.for_seed(cfg.trainer.seed) if loader else _build_loader(cfg, data, adapter, device, model)
        epoch, total = _count_steps(cfg, data, model)
        schedule, update = _build_update(cfg, data, model, loader, device, (epoch, total))
        task = _build_task(cfg, data, model, update, loader, device)
        if not weights_later:
            fit_inputs(model, loader, transferred)
            _check_examples(task, model, data)
            check_saveable(encode(task.state_dict()["model"]))
            again = functools.partial(_rebuilt, cfg, data, adapter, device)
            try_out(cfg, task, loader, _outputs(cfg, data), again)
        return Parts(data, adapter, model, task, device, threads, schedule, epoch, total, transferred)


def _with_batch_size(cfg: Settings, data: DataSet) -> Settings:
    """The config with the batch size of trainer.batch_size=null. A copy: trials are compared by their own configs."""
    if cfg.trainer.batch_size is not None:
        return cfg
    made = Settings(cfg)
    made["trainer"] = Settings(cfg.trainer, batch_size=default_batch_size(data.epoch_size))
    return made


def build_model(cfg: Settings, data: DataSet, adapter: Adapter) -> nn.Module:
    """The model, with the sizes that the data decides. Raises ConfigError where the task cannot train it."""
    task = locate(cfg.task._target_)
    if not cfg.split.test and not task_traits(task).test_split_optional:
        raise ConfigError("split.test=0 leaves no test split to evaluate the run on: use split.test=0.2.")
    check_trainable(cfg)
    outputs = _outputs(cfg, data)
    check_outputs(cfg)
    supplied = {
        "input_shape": adapter.shape,
        "categories": adapter.categories,
        "outputs": outputs,
        "vocabulary": len(data.tokens) or None,
        "words": data.tokens,
        "padded": data.padded,
        "per_step": task_traits(task).per_step,
        "seed": cfg.trainer.seed,
    }
    with calling(cfg.model._target_, "model._target_"):
        model: nn.Module = supply("model", partial(cfg.model), supplied)
    if not isinstance(model, nn.Module):
        raise ConfigError(f"{cfg.model._target_} makes a {type(model).__name__}: a model is a torch.nn.Module.")
    materialise(model, adapter)
    if cfg.device.compile:
        model.compile()
    return model


def _outputs(cfg: Settings, data: DataSet) -> int | None:
    """The number of outputs that the task needs of the model, where it has one."""
    task = locate(cfg.task._target_)
    return call_with(task.outputs, {"data": data, "cfg": cfg}) if isinstance(task, SizesOutputs) else None


def _extended(model: nn.Module, cfg: Settings) -> nn.Module:
    """The model with the parameters that the task adds to it."""
    task = locate(cfg.task._target_)
    if isinstance(task, ExtendsModel):
        task.extend(model, cfg.task)
    return model


def _rebuilt(cfg: Settings, data: DataSet, adapter: Adapter, device: torch.device) -> nn.Module:
    """The same model, built anew, without transferred weights."""
    seed_generators(cfg.trainer.seed, device)
    return _extended(build_model(cfg, data, adapter), cfg).to(device)


def _build_loader(
    cfg: Settings, data: DataSet, adapter: Adapter, device: torch.device, model: nn.Module
) -> Loader | None:
    """The loader, of a task that takes one."""
    if not has_parameter(cfg.task, "loader"):
        return None
    return Loader(
        data,
        adapter,
        device=device,
        resident=cfg.device.resident,
        batch_size=cfg.trainer.batch_size,
        seed=cfg.trainer.seed,
        sampler=cfg.trainer.sampler,
        extract=model.extract if isinstance(model, ExtractsFeatures) else None,
        full_batch=model_traits(model).full_batch,
    )


def _count_steps(cfg: Settings, data: DataSet, model: nn.Module) -> tuple[int, int]:
    """Updates in one epoch and in the whole run."""
    task = locate(cfg.task._target_)
    if model_traits(model).full_batch:
        epoch = 1
    elif isinstance(task, PlansEpochs):
        epoch = task.epoch_steps(data, cfg)
    else:
        epoch = max(1, len(batch_sizes(data.epoch_size, cfg.trainer.batch_size)))
    total = cfg.trainer.epochs * epoch
    return epoch, min(total, cfg.trainer.max_steps or total)


def _build_update(
    cfg: Settings,
    data: DataSet,
    model: nn.Module,
    loader: Loader | None,
    device: torch.device,
    steps: tuple[int, int],
) -> tuple[Schedule | None, Update | EstimatorUpdate | None]:
    """The learning-rate schedule and the update; None and None of a task that has no use for them, and of a config
    without an optimizer, as for prediction.

    steps: updates in one epoch and in the whole run.
    """
    plans_epochs = isinstance(locate(cfg.task._target_), PlansEpochs)
    by_batch_size = not plans_epochs or has_parameter(cfg.task, "batch_size")
    if loader is not None and by_batch_size and "optimizer" in cfg:
        require_batches(model, loader, cfg.trainer.batch_size if plans_epochs else data.epoch_size, cfg.trainer)
    if is_fitted(cfg.model):
        if cfg.trainer.class_weights is not None and not model_traits(model).takes_sample_weights:
            raise ConfigError("This model takes no class weights: use trainer.class_weights=null.")
        if data.examples.weights is not None and not model_traits(model).takes_sample_weights:
            raise ConfigError("This model takes no weights of rows: use data.weight=null, or another model.")
        return None, EstimatorUpdate(model)
    if "optimizer" not in cfg or not has_parameter(cfg.task, "update"):
        return None, None
    higher = is_higher_better(cfg, cfg.trainer.monitor)
    schedule = schedule_of(cfg.scheduler, partial, higher)
    size = cfg.trainer.batch_size if by_batch_size else None
    how = {"batch_size": size, "steps_per_epoch": steps[0], "total_steps": steps[1], "device": device}
    return schedule, update_of(cfg, partial, model, schedule, **how)


def _build_task(
    cfg: Settings,
    data: DataSet,
    model: nn.Module,
    update: Update | EstimatorUpdate | None,
    loader: Loader | None,
    device: torch.device,
) -> Task:
    if cfg.trainer.class_weights is not None and not has_parameter(cfg.task, "class_weights"):
        raise ConfigError("trainer.class_weights: this task takes no class weights; use trainer.class_weights=null.")
    supplied = {
        "data": data,
        "model": model,
        "update": update,
        "loader": loader,
        "class_weights": class_weights(cfg.trainer.class_weights, partial),
        "seed": cfg.trainer.seed,
        "batch_size": cfg.trainer.batch_size,
    }
    require_inference(locate(cfg.task._target_))
    has_loss = has_parameter(cfg.task, "loss")  # a setting of the task itself
    settings = cfg.task if has_loss else Settings({key: cfg.task[key] for key in cfg.task if key != "loss"})
    task: Any = supply("task", partial(settings), supplied)
    add_metrics(cfg, task, partial)
    if not has_loss:
        add_loss(cfg, task, device, partial)
    fitted = isinstance(update, EstimatorUpdate)
    if isinstance(update, EstimatorUpdate):
        update.fit_arguments = task.fit_arguments
    if cfg.trainer.layer_statistics and (
        fitted or not isinstance(task, HasLoss) or not task_traits(task).layer_statistics
    ):
        raise ConfigError(
            "trainer.layer_statistics=true: this task does not train a network on batches of the data; use "
            "trainer.layer_statistics=false."
        )
    built: Task = task
    built.inference()  # which a task of the user's own may lack
    return built


def _check_examples(task: Task, model: nn.Module, data: DataSet) -> None:
    """Raises ValueError for settings that the training split is too small for."""
    if isinstance(task, ChecksData):
        task.check_data()
    if isinstance(model, ChecksExamples):
        model.check_examples(len(data.splits["train"]))
