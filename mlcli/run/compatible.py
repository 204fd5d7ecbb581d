"""Which data, model and task fit each other, by their traits; and an error that lists the models that fit.

A node is the config of one group: a `_target_` and its settings.
"""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import OmegaConf

from mlcli.config.compose import shipped_conf
from mlcli.config.errors import ConfigError
from mlcli.config.locate import locate
from mlcli.config.settings import Settings
from mlcli.loading.adapter import Adapter, adapt
from mlcli.loading.dataset import DataSet
from mlcli.train.model_protocols import ChoosesFullBatch, Ensemble, Fitted
from mlcli.train.protocols import FitsEstimators
from mlcli.traits import ModelTraits, model_traits, task_traits

Node = Mapping[str, Any]


def fit_data_to_model(cfg: Settings, data: DataSet) -> Adapter:
    """The adapter from examples to inputs of the model. Raises ConfigError with the models that take such data."""
    if data.kind == "table" and not task_traits(locate(cfg.task._target_)).tables:
        raise ConfigError(f"This task takes no tables (data={data.name}): use task=classification|regression.")
    accepts = accepted_kinds(cfg.model) or (data.prepared_kind,)
    try:
        return adapter_for(data, accepts)
    except ValueError as error:
        traits = task_traits(locate(cfg.task._target_))
        fitting = [
            name
            for name, node in _networks()
            if _can_adapt(data, accepted_kinds(node))
            and (traits.reconstructs or not _traits(node).reconstructs)
            and (traits.ensembles or not _is_ensemble(node))
        ]
        raise ConfigError(
            f"This model takes {' or '.join(accepts)} inputs, not {data.prepared_kind} (data={data.name}): "
            f"use model={'|'.join(fitting)}."
        ) from error


def adapter_for(data: DataSet, accepts: Sequence[str]) -> Adapter:
    """The adapter from preprocessed examples of the data. Raises ValueError if there is none."""
    return adapt(data.prepared_kind, data.prepared_shape, accepts, data.preprocessing.categories)


def check_trainable(cfg: Settings) -> None:
    """Raises ConfigError for a model that the task cannot train."""
    if is_fitted(cfg.model) and not isinstance(locate(cfg.task._target_), FitsEstimators):
        raise ConfigError("This model is not trained by gradient descent: use task=classification|regression.")
    own, task = _traits(cfg.model).trained_by, locate(cfg.task._target_)
    name = task.__module__.rpartition(".")[2]
    if own is not None and own != name:
        raise ConfigError(f"This model is not trained by gradient descent: use task={own}, or another model.")
    if own is None and not has_parameter(cfg.task, "update"):
        fitting = [model for model, node in _models() if _traits(node).trained_by == name]
        raise ConfigError(f"This task does not train by gradient descent: use model={'|'.join(fitting)}.")


def check_outputs(cfg: Settings) -> None:
    """Raises ConfigError for a model whose outputs are not what the task needs."""
    task = task_traits(locate(cfg.task._target_))
    if task.per_step and not has_parameter(cfg.model, "per_step"):
        fitting = [model for model, node in _networks() if has_parameter(node, "per_step")]
        raise ConfigError(f"This task needs a prediction for each step of a sequence: use model={'|'.join(fitting)}.")
    if _is_ensemble(cfg.model) and not task.ensembles:
        raise ConfigError(
            "This model is an ensemble, which learns from the mean of its members' losses: use "
            "task=classification|regression, or another model."
        )
    if _traits(cfg.model).reconstructs and not task.reconstructs:
        raise ConfigError(
            "This model is an autoencoder, whose outputs are its inputs: use task=reconstruction, or another model."
        )


def accepted_kinds(node: Node) -> tuple[str, ...]:
    """The kinds of input that a model takes, by `accepts` in its YAML or its traits; () where neither states any."""
    stated: Any = node.get("accepts") or _traits(node).accepts
    return (stated,) if isinstance(stated, str) else tuple(stated)


def is_fitted(node: Node) -> bool:
    """Whether a model's own `fit` takes the place of gradient updates: its traits say so, or imply it by facts about
    its `fit`. Any other module with a method of that name is a network."""
    found = locate(node["_target_"])
    traits = model_traits(found)
    stated = traits.fitted or traits.full_batch or traits.takes_sample_weights or isinstance(found, ChoosesFullBatch)
    return stated and isinstance(found, Fitted)


def has_parameter(node: Node, name: str) -> bool:
    """Whether the constructor has this parameter."""
    return name in inspect.signature(locate(node["_target_"])).parameters


def _is_ensemble(node: Node) -> bool:
    return isinstance(locate(node["_target_"]), Ensemble)


def _traits(node: Node) -> ModelTraits:
    return model_traits(locate(node["_target_"]))


def _models() -> list[tuple[str, Any]]:
    """The models of mlcli, by name."""
    return [(file.stem, OmegaConf.load(file)) for file in sorted((shipped_conf() / "model").glob("*.yaml"))]


def _networks() -> list[tuple[str, Any]]:
    """Those that are trained by gradient descent."""
    return [(name, node) for name, node in _models() if _traits(node).trained_by is None and not is_fitted(node)]


def _can_adapt(data: DataSet, kinds: tuple[str, ...]) -> bool:
    try:
        adapter_for(data, kinds)
    except ValueError:
        return False
    return True
