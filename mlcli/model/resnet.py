"""Residual networks (He et al. 2016, "Deep Residual Learning for Image Recognition", arXiv 1512.03385)."""

from torch import nn

from mlcli.model.layers import ActivationName, Count, Probability
from mlcli.model.resnet_layers import Basic, Bottleneck, Residual
from mlcli.traits import ModelTraits


class ResNet(Residual):
    """For small images (section 4.2): three stages of n blocks, with width, 2 · width and 4 · width channels.

    depth: the number of layers on the longest path, 6n + 2: 8, 14, 20, … The first block of a stage has a 1×1
    convolution as its shortcut (option B). Raises ValueError for another depth.
    """

    traits = ModelTraits(accepts=("image",))

    def __init__(
        self,
        input_shape: tuple[int, ...],
        outputs: int,
        *,
        depth: Count = 8,
        width: Count = 16,
        activation: ActivationName = "relu",
        dropout: Probability = 0.0,
    ) -> None:
        n = (depth - 2) // 6
        if n < 1 or depth != 6 * n + 2:
            advice = f"{6 * n + 2} or {6 * n + 8}" if n > 0 else "8"
            raise ValueError(f"model.depth={depth}: this ResNet has 6n + 2 layers; use model.depth={advice}.")
        first = nn.Conv2d(input_shape[0], width, 3, padding=1, bias=False)
        super().__init__(first, None, Basic, (n, n, n), outputs, activation=activation, dropout=dropout)


class ResNet18(Residual):
    """For photographs (table 1): a 7×7 convolution and pooling reduce 224 pixels to 56 before the first stage.

    Weights and forward pass are those of torchvision, where the head is called `fc`.
    """

    traits = ModelTraits(accepts=("image",))
    block: type[Basic] | type[Bottleneck] = Basic
    counts = (2, 2, 2, 2)

    def __init__(
        self, input_shape: tuple[int, ...], outputs: int, *, width: Count = 64, dropout: Probability = 0.0
    ) -> None:
        first = nn.Conv2d(input_shape[0], width, 7, stride=2, padding=3, bias=False)
        pool = nn.MaxPool2d(3, stride=2, padding=1)
        super().__init__(first, pool, self.block, self.counts, outputs, dropout=dropout)


class ResNet34(ResNet18):
    """ResNet18 with more blocks."""

    counts = (3, 4, 6, 3)


class ResNet50(ResNet18):
    """ResNet34 with bottleneck blocks."""

    block = Bottleneck
    counts = (3, 4, 6, 3)
