"""Synthetic card payments with rare fraud, which depends on interactions of several features."""

from typing import Annotated

import torch

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples

MEDIAN_AMOUNT, MEDIAN_DISTANCE = 30.0, 5.0  # euros; kilometres


def fraud(
    examples: Annotated[int, Range(100)] = 20_000,
    share: Annotated[float, Range(0, 0.5, low_open=True)] = 0.015,
    noise: Annotated[float, Range(0)] = 0.5,
    seed: int = 0,
) -> Examples:
    """Payments N × 6. The fraction `share` with the highest risk is fraud.

    Risk increases with amount, distance from home and other payments within the hour, with a new card, abroad and at
    night (0 to 6 o'clock), and most with the combination of the last two. noise: the scale of logistic noise added to
    the risk, which makes fraud and genuine payments overlap.
    """
    generator = torch.Generator().manual_seed(seed)

    def normal() -> torch.Tensor:
        return torch.randn(examples, generator=generator)

    def uniform() -> torch.Tensor:
        return torch.rand(examples, generator=generator)

    log_amount, log_distance = normal(), normal()
    hour, abroad, months = 24 * uniform(), (uniform() < 0.1).float(), 60 * uniform()
    recent = torch.poisson(torch.full((examples,), 0.7), generator=generator)
    night = (hour < 6).float()
    risk = log_amount + 0.8 * log_distance + 0.8 * recent + abroad + 0.5 * night + 3 * abroad * night
    risk = risk + 1.5 * (months < 3) + noise * torch.logit(uniform(), eps=1e-6)
    targets = torch.zeros(examples, dtype=torch.int64)
    targets[risk.topk(max(round(share * examples), 1)).indices] = 1
    columns = {
        "amount": MEDIAN_AMOUNT * log_amount.exp(),
        "distance": MEDIAN_DISTANCE * log_distance.exp(),
        "payments_within_the_hour": recent,
        "hour": hour,
        "abroad": abroad,
        "card_months": months,
    }
    return Examples(
        name="fraud",
        kind="vector",
        inputs=torch.stack(list(columns.values()), 1),
        targets=targets,
        classes=("genuine", "fraud"),
        features=tuple(columns),
        target="payment",
        source=f"synthetic, seed {seed}",
    )
