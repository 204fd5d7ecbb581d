"""Blocks that several networks share: activations, normalisation and dropout, chosen by name in the config."""

from collections import OrderedDict
from typing import Annotated, Literal, get_args

from torch import Tensor, nn

from mlcli.config.ranges import Range
from mlcli.random_numbers import normal, random

Count = Annotated[int, Range(1)]
Probability = Annotated[float, Range(0, 1)]
ActivationName = Literal["relu", "tanh", "sigmoid", "gelu", "silu", "leaky_relu", "elu", "none"]
NormName = Literal["none", "batch_norm", "layer_norm"]

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "none": nn.Identity,
}


def named(**modules: nn.Module | None) -> nn.Sequential:
    """A Sequential of the modules that are not None. Weights are named by role, so that they keep their names, and
    stored weights load, whether or not a dropout or a norm is among the modules."""
    return nn.Sequential(OrderedDict((name, module) for name, module in modules.items() if module is not None))


def activation_of(name: ActivationName) -> nn.Module:
    """The activation of that name. Raises ValueError with the choices."""
    if name not in ACTIVATIONS:
        raise ValueError(f"model.activation={name}: no such activation. Choices: {', '.join(ACTIVATIONS)}.")
    return ACTIVATIONS[name]()


def norm_of_vectors(name: NormName, features: int) -> nn.Module | None:
    """A layer that normalises B × features; None for "none". Raises ValueError with the choices."""
    _check_norm(name)
    kinds = {"batch_norm": nn.BatchNorm1d, "layer_norm": nn.LayerNorm}
    return kinds[name](features) if name in kinds else None


def norm_of_images(name: NormName, channels: int) -> nn.Module | None:
    """A layer that normalises B × channels × height × width; None for "none". Raises ValueError with the choices.

    Layer norm is over channels, height and width of each image, with a gain and an offset per channel (a group
    norm of one group), so that its weights do not depend on the size of the image.
    """
    _check_norm(name)
    if name == "batch_norm":
        return nn.BatchNorm2d(channels)
    return nn.GroupNorm(1, channels) if name == "layer_norm" else None


def dropout_of(probability: float) -> nn.Dropout | None:
    """None for probability 0, which then takes no time and no random numbers."""
    return nn.Dropout(probability) if probability else None


def _check_norm(name: str) -> None:
    if name not in get_args(NormName):
        raise ValueError(f"model.norm={name}: no such norm. Choices: {', '.join(get_args(NormName))}.")


class Noise(nn.Module):
    """Adds normal noise of this standard deviation, in training only."""

    def __init__(self, std: float) -> None:
        super().__init__()
        self.std = std
        self.random = random

    def forward(self, inputs: Tensor) -> Tensor:
        """Any shape → the same."""
        if not self.training or not self.std:
            return inputs
        return inputs + self.std * self.random(inputs, normal)
