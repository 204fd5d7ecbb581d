"""The rule of `hydra/launcher=auto`: whether trials train faster as a stack than one by one.

A stack saves the overhead of small kernels. It costs a fixed overhead of its own, and its batched products are slower
for large layers. `benchmarks/stack_rule.py` measures both ways and prints this table beside the results.
"""

from collections.abc import Iterator, Sequence
from math import inf
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from mlcli.run.build import Parts
from mlcli.sweep.choice import Choice
from mlcli.train.protocols import HasMemoryProxy, Stackable

# Kind of layers → (most work in millions, fewest trials): a stack of at least that many trials is faster, up to that
# work; with more work than that of the last pair it is not faster for any number of trials. Work is the number of
# multiply-adds of the layers in the forward pass of one batch of one trial: the number of weights times the number of
# examples and of positions (pixels, steps) that they are applied to. Measured on a CPU with one thread.
RULE: dict[str, tuple[tuple[float, int], ...]] = {
    "convolution": ((10, 4), (40, 8), (inf, 16)),
    "attention": ((30, 4), (100, 8)),
    "LSTM or RNN": ((40, 4), (inf, 8)),
    "GRU": ((inf, 2),),
    "dense": ((3, 4), (10, 8), (40, 16)),
    "stack of the task": ((inf, 2),),  # K-means, tabular agents, meta-learning: one computation by design
}

# A network has the first kind of which it has a layer.
LAYERS: dict[str, tuple[type[nn.Module], ...]] = {
    "convolution": (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d),
    "attention": (),  # mlcli.model.attention_layers
    "LSTM or RNN": (nn.LSTM, nn.RNN),
    "GRU": (nn.GRU,),
    "dense": (nn.Linear, nn.Embedding),
}
WITHOUT_WEIGHTS = ("activation", "batchnorm", "container", "dropout", "flatten", "normalization", "pooling")
TABLES = "mlcli.model.table_layers"  # weights of several members or numbers, in tensors of three dimensions
WITHOUT_RULE = (nn.MultiheadAttention, nn.SyncBatchNorm)  # of those modules of torch.nn


def choose(parts: Parts, trials: int) -> Choice | None:
    """The rule's choice for `trials` trials like this one; None where the rule does not know the layers, or where
    the device is no CPU. Computes a loss, which changes the random state and the buffers of the model."""
    kind = kind_of(parts.model, parts.task)
    if kind is None or parts.device.type != "cpu":
        return None
    work = inf if kind == "stack of the task" else work_of(parts)
    fewest = fewest_trials(kind, work)
    what = kind if kind not in LAYERS else f"{kind} layers, {work / 1e6:.2g} million multiply-adds a step"
    if fewest is None:
        return Choice(False, "rule", f"{what}: a stack is not faster")
    return Choice(trials >= fewest, "rule", f"{what}: a stack is faster from {fewest} trials on")


def fewest_trials(kind: str, work: float) -> int | None:
    """The number of trials from which on a stack is faster; None if it is not for any number."""
    return next((trials for most, trials in RULE[kind] if work <= most * 1e6), None)


def kind_of(model: nn.Module, task: Any) -> str | None:
    """The key of RULE for this network and task; None if it has a layer that the rule does not know."""
    if isinstance(task, Stackable):
        return "stack of the task" if type(task).__module__.startswith("mlcli.") else None
    kinds = [_kind_of_module(module) for module in model.modules()]
    if None in kinds:
        return None
    return next((kind for kind in LAYERS if kind in kinds), "dense")


def _kind_of_module(module: nn.Module) -> str | None:
    """A key of LAYERS; "" for a module that only combines others, or whose time does not count."""
    where = type(module).__module__
    for kind, layers in LAYERS.items():
        if isinstance(module, layers):
            return kind
    if where == "mlcli.model.attention_layers":
        return "attention"
    if where == TABLES:
        return "dense"
    if where.startswith("mlcli."):
        return ""
    if where.startswith("torch."):
        known = where.startswith("torch.nn.modules.") and where.rpartition(".")[2] in WITHOUT_WEIGHTS
        return "" if (known and not isinstance(module, WITHOUT_RULE)) or isinstance(module, nn.Identity) else None
    combines = any(True for _ in module.children()) and not module._parameters and not module._buffers
    return "" if combines else None


def work_of(parts: Parts) -> float:
    """Multiply-adds of the layers with weights in the forward pass of the first batch."""
    counted: list[float] = []

    def count(module: nn.Module, inputs: Any, outputs: Any) -> None:
        output = next(_tensors(outputs), None)
        if type(module).__module__ == TABLES and output is not None:
            counted.append(_work_of_table_layer(module, output))
            return
        matrices = [own for own in module.parameters(recurse=False) if own.ndim > 1]
        if output is not None and matrices:
            width = _width(module, output)
            counted.append(output.numel() / width * sum(matrix.numel() for matrix in matrices))

    layers = tuple(layer for own in LAYERS.values() for layer in own if layer is not nn.Embedding)
    own = [each for each in parts.model.modules() if isinstance(each, layers) or type(each).__module__ == TABLES]
    hooks = [module.register_forward_hook(count) for module in own]
    task: Any = parts.task
    try:
        with torch.no_grad():
            loss = task.memory_proxy if isinstance(task, HasMemoryProxy) else task.loss
            loss(*next(iter(task.batches(0))))
    finally:
        for hook in hooks:
            hook.remove()
    return sum(counted)


def _work_of_table_layer(layer: nn.Module, output: Tensor) -> float:
    """Weights of three dimensions are used once for each of B examples; those of two, which K members share, once for
    each member. output: [K ×] B × features."""
    used_once = sum(own.numel() for own in layer.parameters() if own.ndim > 2)
    shared = sum(own.numel() for name, own in layer.named_parameters() if name == "weight") * len(output)
    return float(output.shape[-2] * (used_once or shared))


def _width(layer: Any, output: Tensor) -> int:
    """The number of outputs of a layer at each position."""
    if isinstance(layer, nn.RNNBase | nn.Linear):
        return output.shape[-1]
    return int(layer.out_channels)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, PackedSequence):
        yield value.data
    elif isinstance(value, Tensor):
        yield value
    elif isinstance(value, Sequence):
        for each in value:
            yield from _tensors(each)
