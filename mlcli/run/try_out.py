"""Tries a network of another package before it trains: whether its outputs are what the task needs, and whether all
that it learns is saved."""

import copy
import json
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mlcli.config.errors import ConfigError
from mlcli.config.settings import Settings
from mlcli.loading.loader import Loader
from mlcli.random_numbers import keep_states
from mlcli.train.extra_state import decode, encode
from mlcli.train.modes import evaluating
from mlcli.train.protocols import HasLoss
from mlcli.train.stack.agreement import is_foreign
from mlcli.train.update import Update
from mlcli.traits import task_traits

STEPS, RATE, EXAMPLES = 2, 1e-3, 4
TOLERANCE = 1e-5  # relative: some kernels of a GPU add up in any order
SOUND: set[str] = set()  # configs that have been tried


def try_out(
    cfg: Settings, task: Any, loader: Loader | None, outputs: int | None, again: Callable[[], nn.Module]
) -> None:
    """Takes two steps and an evaluation with a copy of the network, on a few examples, and loads what would be saved
    into another copy. Equal configs are tried once. The task does not change.

    outputs: the number of outputs that the task needs. again: builds the network anew, for one that cannot be copied.
    Raises ConfigError for outputs that are not one tensor of the right shape, for a state whose names or shapes
    change in training, and for a network that predicts other numbers once its state is loaded, or in a second
    evaluation. What forward or the loss raises is left to the training, which records the traceback.
    """
    if not is_foreign(task.model) or not isinstance(task.update, Update) or not isinstance(task, HasLoss):
        return
    key = json.dumps([cfg.model, cfg.task, cfg.data], sort_keys=True, default=repr)
    if loader is None or not task_traits(task).layer_statistics or key in SOUND:
        return
    with keep_states():
        _try_out(task, loader, outputs, again)
    SOUND.add(key)


def _try_out(task: Any, loader: Loader, outputs: int | None, again: Callable[[], nn.Module]) -> None:
    name = type(task.model).__name__
    batch = loader.at(loader.indices["train"][:EXAMPLES])
    tried, loaded = (_fresh(task.model, again) for _ in range(2))
    before, parameters = _shapes(tried), dict(tried.named_parameters())
    try:
        _require_output(_output(tried, batch[0]), batch[0], outputs, name, task)
        _train(task, tried, batch)
        state = {name: tensor.clone() for name, tensor in encode(tried.state_dict()).items()}
        expected, once_more = _output(tried, batch[0]), _output(tried, batch[0])
    except ConfigError:
        raise
    except Exception:  # the training reports it
        return
    if replaced := [each for each, own in tried.named_parameters() if parameters.get(each, own) is not own]:
        raise ConfigError(
            f"{name}: forward replaces the parameter {replaced[0]}, which the optimizer would no longer train; "
            "change it in place under torch.no_grad()"
        )
    if not _equal(once_more, expected):
        raise ConfigError(
            f"{name}: evaluation changes its state, so that predictions would depend on those before; change it only "
            "if self.training"
        )
    after = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if changed := sorted({each for each, _ in before.items() ^ after.items() if "|" not in each}):
        raise ConfigError(
            f"{name}: forward changes the names or shapes of its state ({', '.join(changed)}), which a new instance "
            "could not load; create it with its final shape in __init__"
        )
    try:
        loaded.load_state_dict(decode(state))
        got = _output(loaded, batch[0])
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise ConfigError(f"{name}: its state dict does not load into a new instance ({reason})") from error
    if not _equal(got, expected):
        raise ConfigError(
            f"{name}: training changes state that is not in its state dict, so that the saved model would predict "
            "other numbers; use register_buffer, or get_extra_state and set_extra_state"
        )


def _equal(got: Tensor, expected: Tensor) -> bool:
    scale = float(expected.abs().max()) if expected.numel() else 0.0
    return torch.allclose(got, expected, rtol=TOLERANCE, atol=TOLERANCE * scale, equal_nan=True)


def _fresh(model: nn.Module, again: Callable[[], nn.Module]) -> nn.Module:
    try:
        return copy.deepcopy(model)
    except Exception:  # such as locks, and tensors that were computed from others
        return again()


def _shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in encode(model.state_dict()).items()}


def _train(task: Any, model: nn.Module, batch: tuple[Tensor, ...]) -> None:
    """A few steps of gradient descent with an evaluation after each, as in epochs of one batch."""
    own = copy.copy(task)
    own.model = model.train()
    for _ in range(STEPS):
        with task.update.autocast:
            own.loss(*batch).backward()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.grad is not None:
                    parameter.sub_(parameter.grad, alpha=RATE)
                    parameter.grad = None
        _output(model, batch[0])


@torch.no_grad()
def _output(model: nn.Module, inputs: Tensor) -> Any:
    """In evaluation mode, with the same random numbers each time."""
    torch.manual_seed(0)
    with evaluating(model):
        return model(inputs)


def _require_output(found: Any, inputs: Tensor, outputs: int | None, name: str, task: Any) -> None:
    """Raises ConfigError if this is not one tensor of the shape that the task needs, as far as that is known."""
    traits, kind = task_traits(task), type(task).__module__.rpartition(".")[2]
    per_step = inputs.shape[1:2] if traits.per_step else ()
    shape = None if outputs is None else (len(inputs), *per_step, outputs)
    if isinstance(found, Tensor):
        same_size = traits.reconstructs and len(found) == len(inputs) and found.numel() == inputs.numel()
        if shape is None or found.shape == shape or same_size:
            return
    got = f"a tensor {_text(found.shape)}" if isinstance(found, Tensor) else f"a {type(found).__name__}"
    wanted = "one tensor" if shape is None else f"one tensor {_text(shape)}"
    raise ConfigError(
        f"{name}: forward returns {got} for {len(inputs)} examples, and task={kind} needs {wanted}; return that alone"
    )


def _text(shape: Any) -> str:
    return " × ".join(map(str, shape)) or "without dimensions"
