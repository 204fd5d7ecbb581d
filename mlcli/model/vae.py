"""Variational autoencoder (Kingma & Welling 2014, arXiv 1312.6114) of fully connected layers."""

from typing import Annotated

from torch import Tensor, nn

from mlcli.config.ranges import Range
from mlcli.model.autoencoder import halved, hidden
from mlcli.model.layers import ActivationName, Count, NormName, named
from mlcli.random_numbers import normal, random
from mlcli.traits import ModelTraits


class VAE(nn.Module):
    """The encoder gives the mean and variance of a normal distribution over latent vectors of `code` dimensions; in
    training the decoder gets a sample of it, in evaluation the mean.

    The layers are those of model=autoencoder.
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
        """B × D → B × code, the means of the latent distributions."""
        mean: Tensor = self.mean(self.encoder(inputs))
        return mean

    def decode(self, code: Tensor) -> Tensor:
        """B × code → B × D."""
        outputs: Tensor = self.decoder(code)
        return outputs

    def forward(self, inputs: Tensor) -> Tensor:
        """B × D → B × D, from a sample of the latent distribution in training."""
        return self.with_divergence(inputs)[0]

    def with_divergence(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """B × D → B × D, and B: the Kullback–Leibler divergence of each latent distribution from the standard normal,
        Σ (μ² + σ² − 1 − ln σ²) / 2 in nats (appendix B of the paper)."""
        features = self.encoder(inputs)
        mean, log_variance = self.mean(features), self.log_variance(features)
        code = mean
        if self.training:  # reparametrisation: a differentiable function of mean and variance
            code = mean + (log_variance / 2).exp() * self.random(mean, normal)
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2
        return self.decode(code), divergence
