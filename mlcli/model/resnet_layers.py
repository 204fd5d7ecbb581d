"""Blocks of residual networks (He et al. 2016, arXiv 1512.03385, sections 3 and 4).

Weights have the names of torchvision, so that its trained weights can be loaded. Shapes: B batch,
C channels.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from mlcli.model.layers import ActivationName, activation_of, dropout_of, named


class Basic(nn.Module):
    """Two 3×3 convolutions with a shortcut. Stride 2 halves height and width."""

    expansion = 1  # output channels / width

    def __init__(self, channels: int, width: int, stride: int, activation: ActivationName) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.activation = activation_of(activation)
        self.downsample = shortcut(channels, width, stride)

    def forward(self, inputs: Tensor) -> Tensor:
        """B × C × height × width → B × width × height / stride × width / stride."""
        residual = self.activation(self.bn1(self.conv1(inputs)))
        residual = self.bn2(self.conv2(residual))
        outputs: Tensor = self.activation(residual + _apply(self.downsample, inputs))
        return outputs


class Bottleneck(nn.Module):
    """1×1, 3×3 and 1×1 convolutions with a shortcut; the 3×3 convolution has a quarter of the channels.

    The 3×3 convolution has the stride, as in torchvision; in the paper it is the first.
    """

    expansion = 4

    def __init__(self, channels: int, width: int, stride: int, activation: ActivationName) -> None:
        super().__init__()
        wide = width * self.expansion
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, wide, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(wide)
        self.activation = activation_of(activation)
        self.downsample = shortcut(channels, wide, stride)

    def forward(self, inputs: Tensor) -> Tensor:
        """B × C × height × width → B × 4 · width × height / stride × width / stride."""
        residual = self.activation(self.bn1(self.conv1(inputs)))
        residual = self.activation(self.bn2(self.conv2(residual)))
        residual = self.bn3(self.conv3(residual))
        outputs: Tensor = self.activation(residual + _apply(self.downsample, inputs))
        return outputs


class Residual(nn.Module):
    """A first convolution, stages of blocks, global average pooling, and a linear head.

    counts: the number of blocks of each stage. Stage i has width × 2^i channels (times the block's expansion); each
    stage but the first halves height and width.
    """

    def __init__(
        self,
        conv1: nn.Conv2d,
        maxpool: nn.Module | None,
        block: type[Basic] | type[Bottleneck],
        counts: Sequence[int],
        outputs: int,
        *,
        activation: ActivationName = "relu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        channels = width = conv1.out_channels
        self.conv1 = conv1
        self.bn1 = nn.BatchNorm2d(width)
        self.activation = activation_of(activation)
        self.maxpool = maxpool
        self.stages = [f"layer{i + 1}" for i in range(len(counts))]
        for i, (name, count) in enumerate(zip(self.stages, counts, strict=True)):
            blocks = []
            for place in range(count):
                stride = 2 if i > 0 and place == 0 else 1
                blocks.append(block(channels, width * 2**i, stride, activation))
                channels = width * 2**i * block.expansion
            self.add_module(name, nn.Sequential(*blocks))
        self.head_inputs = named(dropout=dropout_of(dropout))
        self.head = nn.Linear(channels, outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # He et al. 2015, arXiv 1502.01852
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, inputs: Tensor) -> Tensor:
        """B × channels × height × width → B × outputs."""
        maps = self.activation(self.bn1(self.conv1(inputs)))
        if self.maxpool is not None:
            maps = self.maxpool(maps)
        for stage in self.stages:
            maps = self.get_submodule(stage)(maps)
        logits: Tensor = self.head(self.head_inputs(maps.mean((2, 3))))
        return logits


def shortcut(channels: int, wide: int, stride: int) -> nn.Sequential | None:
    """A 1×1 convolution for a block that changes the shape; None for the identity."""
    if channels == wide and stride == 1:
        return None
    return nn.Sequential(nn.Conv2d(channels, wide, 1, stride=stride, bias=False), nn.BatchNorm2d(wide))


def _apply(downsample: nn.Module | None, inputs: Tensor) -> Tensor:
    shortcut: Tensor = inputs if downsample is None else downsample(inputs)
    return shortcut
