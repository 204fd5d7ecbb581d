"""Synthetic house prices: a linear function with noise, whose true weights are known."""

from typing import Annotated

import torch

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples

# Thousand dollars per unit of a feature.
WEIGHTS = {"location": 12.0, "square_feet": 0.15, "bedrooms": 10.0, "age": -0.8}
INTERCEPT = 40.0


def house_prices(
    examples: Annotated[int, Range(10)] = 1000, noise: Annotated[float, Range(0)] = 20.0, seed: int = 0
) -> Examples:
    """price = 40 + 12 · location + 0.15 · square_feet + 10 · bedrooms − 0.8 · age + noise, in thousand dollars.

    location: a score from 0 to 10; square_feet: 500 to 3500; bedrooms: 1 to 5, correlated with square_feet; age: 0 to
    80 years; noise: Gaussian with this standard deviation.
    """
    generator = torch.Generator().manual_seed(seed)

    def uniform(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(examples, generator=generator)

    square_feet = uniform(500, 3500)
    bedrooms = (square_feet / 800 + uniform(0, 1.5)).round().clamp(1, 5)
    columns = {"location": uniform(0, 10), "square_feet": square_feet, "bedrooms": bedrooms, "age": uniform(0, 80)}
    price = INTERCEPT + sum(WEIGHTS[name] * column for name, column in columns.items())
    return Examples(
        name="house_prices",
        kind="vector",
        inputs=torch.stack(list(columns.values()), 1),
        targets=price + noise * torch.randn(examples, generator=generator),
        features=tuple(columns),
        target="price (thousand $)",
        source=f"synthetic, seed {seed}",
        truth={"intercept": INTERCEPT, **WEIGHTS},
    )
