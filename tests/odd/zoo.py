"""Modules as others write them, each with a feature that has broken a tool like this one."""

import copy
import math
import threading
import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, parametrize
from torch.utils.checkpoint import checkpoint

from mlcli.traits import ModelTraits

GLOBAL_CALLS = 0


class Vector(nn.Module):
    """A classifier of vectors, of which the classes below are variants."""

    traits = ModelTraits(accepts=("vector",))

    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        (self.features,) = input_shape
        self.outputs = outputs
        self.hidden = nn.Linear(self.features, 8)
        self.head = nn.Linear(8, outputs)
        self.begin()

    def begin(self) -> None:
        """More parts."""

    def forward(self, inputs: Tensor) -> Any:
        return self.head(self.between(torch.tanh(self.hidden(inputs))))

    def between(self, hidden: Tensor) -> Tensor:
        return hidden


class Sequence(nn.Module):
    """A classifier of sequences B × T × D."""

    traits = ModelTraits(accepts=("sequence",))

    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        _, self.features = input_shape
        self.outputs = outputs
        self.begin()
        self.head = nn.Linear(8, outputs)

    def begin(self) -> None:
        """More parts."""

    def forward(self, inputs: Tensor) -> Any:
        return self.head(self.states(inputs).mean(1))

    def states(self, inputs: Tensor) -> Tensor:
        raise NotImplementedError


class Image(nn.Module):
    """A classifier of images B × C × H × W."""

    traits = ModelTraits(accepts=("image",))

    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(input_shape[0], 4, 3, padding=1)
        self.begin()
        self.head = nn.Linear(4, outputs)

    def begin(self) -> None:
        """More parts."""

    def forward(self, inputs: Tensor) -> Any:
        return self.head(self.between(torch.tanh(self.stem(inputs))).mean((2, 3)))

    def between(self, maps: Tensor) -> Tensor:
        return maps


# Shared and special state


class Tied(Vector):
    def begin(self) -> None:
        self.square = nn.Linear(8, 8)
        self.again = nn.Linear(8, 8)
        self.again.weight = self.square.weight

    def between(self, hidden: Tensor) -> Tensor:
        return torch.tanh(self.again(torch.tanh(self.square(hidden))))


class TwoNames(Vector):
    def begin(self) -> None:
        self.other = self.hidden
        self.norm = nn.BatchNorm1d(8)
        self.norm_again = self.norm

    def between(self, hidden: Tensor) -> Tensor:
        return self.norm_again(hidden)  # type: ignore[no-any-return]


class ReusedInList(Vector):
    def begin(self) -> None:
        block = nn.Linear(8, 8)
        self.blocks = nn.ModuleList([block, nn.Tanh(), block])

    def between(self, hidden: Tensor) -> Tensor:
        for block in self.blocks:
            hidden = block(hidden)
        return hidden


class BufferViewOfParameter(Vector):
    def begin(self) -> None:
        self.register_buffer("first", self.hidden.weight.detach()[:2])

    def between(self, hidden: Tensor) -> Tensor:
        return hidden * self.first.norm()  # type: ignore[operator]


class BufferViewOfBuffer(Vector):
    def begin(self) -> None:
        self.register_buffer("whole", torch.ones(8))
        self.register_buffer("part", self.whole[:4])  # type: ignore[index]

    def between(self, hidden: Tensor) -> Tensor:
        if self.training:
            self.part.mul_(0.9)  # type: ignore[operator]
        return hidden * self.whole


class BufferAssigned(Vector):
    def begin(self) -> None:
        self.register_buffer("mean", torch.zeros(8))

    def between(self, hidden: Tensor) -> Tensor:
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * hidden.detach().mean(0)
        return hidden - self.mean


class BufferChangesInEvaluation(Vector):
    def begin(self) -> None:
        self.register_buffer("mean", torch.zeros(8))

    def between(self, hidden: Tensor) -> Tensor:
        self.mean.lerp_(hidden.detach().mean(0), 0.1)  # type: ignore[operator]
        return hidden - self.mean


class BufferCounts(Vector):
    def begin(self) -> None:
        self.register_buffer("steps", torch.tensor(0))

    def between(self, hidden: Tensor) -> Tensor:
        if self.training:
            self.steps += 1  # type: ignore[operator]
        return hidden * (1 + 1 / (1 + self.steps))  # type: ignore[operator]


class BufferNotPersistent(Vector):
    """A constant, as a positional encoding."""

    def begin(self) -> None:
        self.register_buffer("scale", torch.linspace(0.5, 1, 8), persistent=False)

    def between(self, hidden: Tensor) -> Tensor:
        return hidden * self.scale


class BufferNotPersistentChanges(Vector):
    def begin(self) -> None:
        self.register_buffer("mean", torch.zeros(8), persistent=False)

    def between(self, hidden: Tensor) -> Tensor:
        if self.training:
            self.mean.lerp_(hidden.detach().mean(0), 0.5)  # type: ignore[operator]
        return hidden - self.mean


class BufferCreatedInForward(Vector):
    def begin(self) -> None:
        self.register_buffer("mean", None)

    def between(self, hidden: Tensor) -> Tensor:
        if self.mean is None:
            self.mean = hidden.detach().mean(0)
        return hidden - self.mean


class BufferGrows(Vector):
    def begin(self) -> None:
        self.register_buffer("seen", torch.zeros(0))

    def between(self, hidden: Tensor) -> Tensor:
        if self.training:
            self.seen = torch.cat([self.seen, hidden.detach().mean().view(1)])
        return hidden


class ExtraState(Vector):
    """As a module of TransformerEngine: a scale, a history and a mode."""

    def begin(self) -> None:
        self.history, self.scale = [0], torch.ones(())

    def between(self, hidden: Tensor) -> Tensor:
        if self.training:
            self.history.append(len(self.history))
            self.scale = self.scale * 0.99
        return hidden * self.scale

    def get_extra_state(self) -> Any:
        return {"history": list(self.history), "scale": self.scale, "mode": ("fp32", None)}

    def set_extra_state(self, state: Any) -> None:
        self.history, self.scale = list(state["history"]), state["scale"]


class ExtraStateOfObjects(Vector):
    def get_extra_state(self) -> Any:
        return {"lock": {1, 2}}

    def set_extra_state(self, state: Any) -> None:
        """Nothing to restore."""


class NoneParts(Vector):
    def begin(self) -> None:
        self.absent: Any = None
        self.register_parameter("bias", None)
        self.register_buffer("mask", None)
        self.register_module("norm", None)
        self.scales = nn.ParameterList([nn.Parameter(torch.ones(8)), nn.Parameter(torch.zeros(8))])
        self.named = nn.ParameterDict({"json": nn.Parameter(torch.ones(8))})

    def between(self, hidden: Tensor) -> Tensor:
        return hidden * self.scales[0] * self.named["json"] + self.scales[1]


class TwoTypes(Vector):
    """float32 and float64 parameters."""

    def begin(self) -> None:
        self.precise = nn.Linear(8, 8, dtype=torch.float64)

    def between(self, hidden: Tensor) -> Tensor:
        return self.precise(hidden.double()).float()  # type: ignore[no-any-return]


class Complex(Vector):
    def begin(self) -> None:
        self.spectrum = nn.Parameter(torch.randn(5, dtype=torch.complex64))

    def between(self, hidden: Tensor) -> Tensor:
        return torch.fft.irfft(torch.fft.rfft(hidden) * self.spectrum, n=8)


class ComplexDouble(Complex):
    def begin(self) -> None:
        self.spectrum = nn.Parameter(torch.randn(5, dtype=torch.complex128))

    def between(self, hidden: Tensor) -> Tensor:
        return super().between(hidden).float()


# Parametrised


class WeightNorm(Vector):
    def begin(self) -> None:
        parametrizations.weight_norm(self.hidden)


class WeightNormOld(Vector):
    def begin(self) -> None:
        torch.nn.utils.weight_norm(self.hidden)


class SpectralNorm(Vector):
    def begin(self) -> None:
        parametrizations.spectral_norm(self.hidden)


class SpectralNormOld(Vector):
    def begin(self) -> None:
        torch.nn.utils.spectral_norm(self.hidden)


class Orthogonal(Vector):
    def begin(self) -> None:
        self.square = parametrizations.orthogonal(nn.Linear(8, 8))

    def between(self, hidden: Tensor) -> Tensor:
        return self.square(hidden)  # type: ignore[no-any-return]


class Symmetric(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return weight.triu() + weight.triu(1).mT


class Parametrized(Vector):
    def begin(self) -> None:
        self.square = nn.Linear(8, 8)
        parametrize.register_parametrization(self.square, "weight", Symmetric())

    def between(self, hidden: Tensor) -> Tensor:
        return self.square(hidden)  # type: ignore[no-any-return]


class ParametrizedRecurrent(Sequence):
    def begin(self) -> None:
        self.rnn = parametrizations.weight_norm(nn.GRU(self.features, 8, batch_first=True), "weight_hh_l0")

    def states(self, inputs: Tensor) -> Tensor:
        return self.rnn(inputs)[0]  # type: ignore[no-any-return]


class Pruned(Vector):
    def begin(self) -> None:
        from torch.nn.utils import prune

        prune.l1_unstructured(self.hidden, "weight", 0.3)


# Lazy


class Lazy(Vector):
    def begin(self) -> None:
        self.hidden = nn.LazyLinear(8)
        self.norm = nn.LazyBatchNorm1d()
        self.dropout = nn.Dropout(0.2)

    def between(self, hidden: Tensor) -> Tensor:
        return self.dropout(self.norm(hidden))  # type: ignore[no-any-return]


class LazyImage(Image):
    def begin(self) -> None:
        self.more = nn.LazyConv2d(4, 3)

    def between(self, maps: Tensor) -> Tensor:
        return self.more(maps)  # type: ignore[no-any-return]


# Dropout


class Dropout(Vector):
    def begin(self) -> None:
        self.dropout: nn.Module = nn.Dropout(0.3)

    def between(self, hidden: Tensor) -> Tensor:
        return self.dropout(hidden)  # type: ignore[no-any-return]


class DropoutInPlace(Dropout):
    def begin(self) -> None:
        self.dropout = nn.Dropout(0.3, inplace=True)

    def between(self, hidden: Tensor) -> Tensor:
        return self.dropout(hidden + 0)  # type: ignore[no-any-return]


class AlphaDropout(Dropout):
    def begin(self) -> None:
        self.dropout = nn.AlphaDropout(0.3)


class FeatureAlphaDropout(Image):
    def begin(self) -> None:
        self.dropout: nn.Module = nn.FeatureAlphaDropout(0.3)

    def between(self, maps: Tensor) -> Tensor:
        return self.dropout(maps)  # type: ignore[no-any-return]


class Dropout2d(FeatureAlphaDropout):
    def begin(self) -> None:
        self.dropout = nn.Dropout2d(0.3)


class Dropout1d(Image):
    def begin(self) -> None:
        self.dropout = nn.Dropout1d(0.3)

    def between(self, maps: Tensor) -> Tensor:
        return self.dropout(maps.flatten(2)).view_as(maps)  # type: ignore[no-any-return]


class Dropout3d(Image):
    def begin(self) -> None:
        self.dropout = nn.Dropout3d(0.3)

    def between(self, maps: Tensor) -> Tensor:
        return self.dropout(maps.unsqueeze(4)).squeeze(4)  # type: ignore[no-any-return]


class DropoutFunction(Vector):
    def between(self, hidden: Tensor) -> Tensor:
        return F.dropout(hidden, 0.3, self.training)


class DropoutOfAll(Vector):
    """With probability 1."""

    def between(self, hidden: Tensor) -> Tensor:
        return hidden + F.dropout(hidden, 1.0, self.training)


class DropoutByBernoulli(Vector):
    """Stochastic depth as timm writes it."""

    def between(self, hidden: Tensor) -> Tensor:
        if not self.training:
            return hidden
        return hidden * hidden.new_empty((len(hidden), 1)).bernoulli_(0.8).div_(0.8)


class NoiseLike(Vector):
    def between(self, hidden: Tensor) -> Tensor:
        return hidden + 0.1 * torch.randn_like(hidden) if self.training else hidden


class NoiseOfSize(Vector):
    def between(self, hidden: Tensor) -> Tensor:
        return hidden * torch.rand(hidden.shape[-1]) if self.training else hidden


class DropoutRecurrent(Sequence):
    def begin(self) -> None:
        self.rnn: nn.Module = nn.GRU(self.features, 8, num_layers=2, dropout=0.3, batch_first=True)

    def states(self, inputs: Tensor) -> Tensor:
        return self.rnn(inputs)[0]  # type: ignore[no-any-return]


class DropoutAttention(Sequence):
    def begin(self) -> None:
        self.embed = nn.Linear(self.features, 8)
        self.attention = nn.MultiheadAttention(8, 2, dropout=0.3, batch_first=True)

    def states(self, inputs: Tensor) -> Tensor:
        embedded = self.embed(inputs)
        return self.attention(embedded, embedded, embedded)[0]  # type: ignore[no-any-return]


class DropoutEncoderLayer(Sequence):
    def begin(self) -> None:
        self.embed = nn.Linear(self.features, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.2, batch_first=True)

    def states(self, inputs: Tensor) -> Tensor:
        return self.layer(self.embed(inputs))  # type: ignore[no-any-return]


class DropoutInEvaluation(Vector):
    """Monte-Carlo dropout (Gal & Ghahramani 2016)."""

    def between(self, hidden: Tensor) -> Tensor:
        return F.dropout(hidden, 0.3, True)


class RandomRelu(Vector):
    def between(self, hidden: Tensor) -> Tensor:
        return F.rrelu(hidden, training=self.training)


# Attention, recurrence and norms of torch


class EncoderWithMask(Sequence):
    def begin(self) -> None:
        self.embed = nn.Linear(self.features, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def states(self, inputs: Tensor) -> Tensor:
        padding = torch.arange(inputs.shape[1]) >= 5 + (inputs[:, :1, 0] > 0)
        states = self.encoder(self.embed(inputs), src_key_padding_mask=padding)
        return states.masked_fill(padding.unsqueeze(2), 0.0)  # type: ignore[no-any-return]


class AttentionCausal(Sequence):
    def begin(self) -> None:
        self.project = nn.Linear(self.features, 24)

    def states(self, inputs: Tensor) -> Tensor:
        q, k, v = self.project(inputs).chunk(3, -1)
        return F.scaled_dot_product_attention(q, k, v, dropout_p=0.2 if self.training else 0.0, is_causal=True)


class Lstm(Sequence):
    def begin(self) -> None:
        self.rnn: nn.Module = nn.LSTM(self.features, 4, batch_first=True, bidirectional=True)

    def states(self, inputs: Tensor) -> Tensor:
        return self.rnn(inputs)[0]  # type: ignore[no-any-return]


class RnnOfTorch(Lstm):
    def begin(self) -> None:
        self.rnn = nn.RNN(self.features, 8, nonlinearity="relu", batch_first=True)


class LstmSubclass(Lstm):
    def begin(self) -> None:
        self.rnn = ScaledLstm(self.features, 8, batch_first=True)


class ScaledLstm(nn.LSTM):
    def forward(self, *inputs: Any) -> Any:  # type: ignore[override]
        outputs, state = super().forward(*inputs)
        return outputs * 2, state


class LstmCell(Sequence):
    def begin(self) -> None:
        self.cell = nn.LSTMCell(self.features, 8)

    def states(self, inputs: Tensor) -> Tensor:
        state, states = None, []
        for step in inputs.unbind(1):
            state = self.cell(step, state)
            states.append(state[0])
        return torch.stack(states, 1)


class PackedLstm(Lstm):
    def states(self, inputs: Tensor) -> Tensor:
        lengths = torch.full((len(inputs),), inputs.shape[1])
        packed = nn.utils.rnn.pack_padded_sequence(inputs, lengths, batch_first=True)
        return nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)[0]


class BatchNorm1d(Dropout):
    def begin(self) -> None:
        self.dropout = nn.BatchNorm1d(8)


class BatchNormSubclass(Dropout):
    def begin(self) -> None:
        self.dropout = DoubledNorm(8)


class DoubledNorm(nn.BatchNorm1d):
    def forward(self, input: Tensor) -> Tensor:
        return 2 * super().forward(input)


class BatchNormWithoutStatistics(Dropout):
    def begin(self) -> None:
        self.dropout = nn.BatchNorm1d(8, track_running_stats=False)


class BatchNormCumulative(Dropout):
    """momentum=None: the mean of all batches, which reads a counter as a number."""

    def begin(self) -> None:
        self.dropout = nn.BatchNorm1d(8, momentum=None)


class BatchNorm2d(FeatureAlphaDropout):
    def begin(self) -> None:
        self.dropout = nn.BatchNorm2d(4)


class GroupNorm(FeatureAlphaDropout):
    def begin(self) -> None:
        self.dropout = nn.GroupNorm(2, 4)


class InstanceNorm(FeatureAlphaDropout):
    def begin(self) -> None:
        self.dropout = nn.InstanceNorm2d(4, affine=True, track_running_stats=True)


# Other layers


class EmbeddingBag(Vector):
    def begin(self) -> None:
        self.bag = nn.EmbeddingBag(16, 8, mode="mean")

    def between(self, hidden: Tensor) -> Tensor:
        return hidden + self.bag((hidden > 0).long())  # type: ignore[no-any-return]


class SparseEmbedding(Vector):
    def begin(self) -> None:
        self.embedding = nn.Embedding(2, 8, sparse=True)

    def between(self, hidden: Tensor) -> Tensor:
        return hidden + self.embedding((hidden > 0).long()).mean(1)  # type: ignore[no-any-return]


class Bilinear(Vector):
    def begin(self) -> None:
        self.bilinear = nn.Bilinear(8, 8, 8)

    def between(self, hidden: Tensor) -> Tensor:
        return self.bilinear(hidden, hidden)  # type: ignore[no-any-return]


class _Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor) -> Tensor:
        ctx.save_for_backward(inputs)
        return inputs.sign()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        (inputs,) = ctx.saved_tensors
        return gradient * (inputs.abs() < 1)


class StraightThrough(Vector):
    """An autograd function in the old style."""

    def between(self, hidden: Tensor) -> Tensor:
        return _Sign.apply(hidden)  # type: ignore[no-any-return, no-untyped-call]


class Checkpointed(Vector):
    def begin(self) -> None:
        self.more = nn.Sequential(nn.Linear(8, 8), nn.Tanh())

    def between(self, hidden: Tensor) -> Tensor:
        return checkpoint(self.more, hidden, use_reentrant=False)  # type: ignore[no-any-return]


class InPlace(Vector):
    def between(self, hidden: Tensor) -> Tensor:
        other = hidden + 1
        other[:, 0] = 0
        return other.mul_(0.5).add_(hidden)


class AutocastOff(Vector):
    """A part that insists on float32."""

    def between(self, hidden: Tensor) -> Tensor:
        with torch.autocast(hidden.device.type, enabled=False):
            return hidden.float().cumsum(1)


class Branches(Vector):
    """Control flow that depends on data."""

    def between(self, hidden: Tensor) -> Tensor:
        return hidden * 2 if hidden.mean() > 0 else hidden


class Item(Vector):
    def between(self, hidden: Tensor) -> Tensor:
        return hidden / max(hidden.std().item(), 1e-3)


class ForwardPreHook(Vector):
    def begin(self) -> None:
        self.hidden.register_forward_pre_hook(lambda module, inputs: (inputs[0] * 2,))


class HookOverSelf(Vector):
    """A hook that refers to the module that it was made for: in a copy, to the original."""

    def begin(self) -> None:
        self.scale = nn.Parameter(torch.ones(8))
        self.hidden.register_forward_hook(lambda module, inputs, output: output * self.scale)


class StateDictHook(Vector):
    """Saves under another name."""

    def begin(self) -> None:
        self.register_state_dict_post_hook(
            lambda module, state, prefix, _: state.__setitem__(f"{prefix}trunk", state.pop(f"{prefix}hidden.weight"))
        )
        self.register_load_state_dict_pre_hook(
            lambda module, state, prefix, *_: state.__setitem__(f"{prefix}hidden.weight", state.pop(f"{prefix}trunk"))
        )


class NoDeepcopy(Vector):
    def begin(self) -> None:
        self.lock = threading.Lock()


# State outside of parameters and buffers


class RandomAttribute(Vector):
    """An attribute called `random`, which is the name of a protocol here."""

    def begin(self) -> None:
        self.random = nn.Linear(8, 8)

    def between(self, hidden: Tensor) -> Tensor:
        return self.random(hidden)  # type: ignore[no-any-return]


class RandomNumber(Vector):
    def begin(self) -> None:
        self.random = 0.5

    def between(self, hidden: Tensor) -> Tensor:
        return hidden * self.random


class FitMethod(Vector):
    def fit(self, *data: Any) -> None:
        raise AssertionError("a network is trained by the task")


class RandomOrder(Vector):
    """A permutation that is random and saved nowhere."""

    def begin(self) -> None:
        self.order = torch.randperm(8)

    def between(self, hidden: Tensor) -> Tensor:
        return hidden[:, self.order] * torch.linspace(0, 1, 8)


class SeededList(Vector):
    """Random weights in a Python list, which torch does not see."""

    def begin(self) -> None:
        self.unseen = [torch.randn(8)]

    def between(self, hidden: Tensor) -> Tensor:
        return hidden * self.unseen[0]


class CountsInAttribute(Vector):
    def begin(self) -> None:
        self.calls = 0

    def between(self, hidden: Tensor) -> Tensor:
        self.calls += self.training
        return hidden / (1 + 0.01 * self.calls)


class CountsUnused(Vector):
    """Counts calls for its own information."""

    def begin(self) -> None:
        self.calls = 0

    def between(self, hidden: Tensor) -> Tensor:
        self.calls += 1
        return hidden


class CountsInClass(Vector):
    calls = 0

    def between(self, hidden: Tensor) -> Tensor:
        type(self).calls += 1
        return hidden / (1 + 1e-9 * type(self).calls)


class CountsInGlobal(Vector):
    def between(self, hidden: Tensor) -> Tensor:
        global GLOBAL_CALLS
        GLOBAL_CALLS += 1
        return hidden / (1 + 1e-9 * GLOBAL_CALLS)


class AttributeRunningMean(Vector):
    """A tensor that is no buffer."""

    def begin(self) -> None:
        self.mean = torch.zeros(8)

    def between(self, hidden: Tensor) -> Tensor:
        if self.training:
            self.mean = 0.5 * self.mean + hidden.detach().mean(0)
        return hidden - self.mean


class ReplacesParameter(Vector):
    def begin(self) -> None:
        self.scale = nn.Parameter(torch.ones(8))

    def between(self, hidden: Tensor) -> Tensor:
        if self.training:
            self.scale = nn.Parameter(self.scale.detach() * 0.99)
        return hidden * self.scale


class Teacher(Vector):
    """A moving average of its own weights, kept in forward (Tarvainen & Valpola 2017)."""

    def begin(self) -> None:
        self.teacher = copy.deepcopy(self.hidden).requires_grad_(False)

    def forward(self, inputs: Tensor) -> Any:
        if self.training:
            with torch.no_grad():
                self.teacher.weight.lerp_(self.hidden.weight, 0.5)
        return self.head(torch.tanh(self.hidden(inputs) + self.teacher(inputs)))


class ClampsWeights(Vector):
    def between(self, hidden: Tensor) -> Tensor:
        with torch.no_grad():
            self.head.weight.clamp_(-0.2, 0.2)
        return hidden


class ClosureOverParameter(Vector):
    def begin(self) -> None:
        self.scale = scale = nn.Parameter(torch.ones(8))
        self.scaled = lambda hidden: hidden * scale

    def between(self, hidden: Tensor) -> Tensor:
        return self.scaled(hidden)


class StaleCache(Vector):
    """A cache that is computed in the first evaluation."""

    def begin(self) -> None:
        self.cache: Any = None

    def between(self, hidden: Tensor) -> Tensor:
        if self.training:
            return hidden * self.hidden.bias
        if self.cache is None:
            self.cache = self.hidden.bias.detach().clone()
        return hidden * self.cache


class Script(Vector):
    def begin(self) -> None:
        self.part = nn.Sequential(nn.Linear(8, 8), nn.Tanh())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.part = torch.jit.script(self.part)  # type: ignore[no-untyped-call]

    def between(self, hidden: Tensor) -> Tensor:
        return self.part(hidden)  # type: ignore[no-any-return]


# Outputs


class ReturnsTuple(Vector):
    def forward(self, inputs: Tensor) -> Any:
        hidden = self.hidden(inputs)
        return self.head(hidden), hidden


class ReturnsDict(Vector):
    def forward(self, inputs: Tensor) -> Any:
        return {"logits": super().forward(inputs), "more": [inputs]}


class ReturnsTooMany(Vector):
    def forward(self, inputs: Tensor) -> Any:
        return F.pad(super().forward(inputs), (0, 1))


class ReturnsWithoutBatch(Vector):
    def forward(self, inputs: Tensor) -> Any:
        return super().forward(inputs).mean(0)


class ReturnsDouble(Vector):
    def forward(self, inputs: Tensor) -> Any:
        return super().forward(inputs).double()


class ReturnsSubclass(Vector):
    """As `MetaTensor` of MONAI."""

    def forward(self, inputs: Tensor) -> Any:
        return super().forward(inputs).as_subclass(Labelled)


class Labelled(Tensor):
    pass


class Gaussians(Vector):
    """Radial basis functions with a learnt width, in the log."""

    def begin(self) -> None:
        self.log_width = nn.Parameter(torch.tensor(math.log(0.5)))

    def between(self, hidden: Tensor) -> Tensor:
        return torch.exp(-(hidden**2) / (2 * self.log_width.exp() ** 2))
