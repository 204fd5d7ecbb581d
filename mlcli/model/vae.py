"""Variational autoencoder (Kingma & Welling 2014, arXiv 1312.6114) of fully connected layers."""

from typing import Annotated

from torch import Tensor, nn

from mlcli.config.ranges import Range
from mlcli.model.autoencoder import halved, hidden
from mlcli.model.layers import ActivationName, Count, NormName, named
from mlcli.random_numbers import normal, random
from mlcli.traits import ModelTraits


class VAE(nn.Module):
    """Each input becomes a normal distribution over codes, by mean and variance; the decoder learns from draws of it.

    The layers are those of model=autoencoder. Evaluation takes the mean for the code, so that it is not random.
    """

    traits = ModelTraits(accepts=("vector",), reconstructs=True)

    def __init__(
        self,
        input_shape: tuple[int, ...],
        *,
        code: Count = 8,
        width: Count = 128,
        depth: Annotated[int, Range(0)] = 2,
        activation: ActivationName = "relu",
        norm: NormName = "none",
    ) -> None:
        super().__init__()
        (features,) = input_shape
        sizes = [features, *halved(width, depth)]
        self.encoder = hidden(sizes, activation, norm)
        self.mean = nn.Linear(sizes[-1], code)
        self.log_variance = nn.Linear(sizes[-1], code)
        sizes = [code, *sizes[:0:-1]]
        self.decoder = named(hidden=hidden(sizes, activation, norm), outputs=nn.Linear(sizes[-1], features))
        self.random = random

    def encode(self, inputs: Tensor) -> Tensor:
        """B × D → B × code, the means."""
        mean: Tensor = self.mean(self.encoder(inputs))
        return mean

    def decode(self, code: Tensor) -> Tensor:
        """B × code → B × D."""
        outputs: Tensor = self.decoder(code)
        return outputs

    def forward(self, inputs: Tensor) -> Tensor:
        """B × D → B × D, from a draw of the code in training."""
        return self.with_divergence(inputs)[0]

    def with_divergence(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """B × D → B × D, and B: by how many nats the distribution of each code differs from the standard normal one,
        Σ (μ² + σ² − 1 − ln σ²) / 2 (appendix B of the paper)."""
        features = self.encoder(inputs)
        mean, log_variance = self.mean(features), self.log_variance(features)
        code = mean
        if self.training:  # the draw as a function of mean and variance, so that gradients reach both
            code = mean + (log_variance / 2).exp() * self.random(mean, normal)
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2
        return self.decode(code), divergence
