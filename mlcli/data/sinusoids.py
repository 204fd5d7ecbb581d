"""Sinusoids: many small regression tasks, for meta-learning (Finn et al. 2017, arXiv 1703.03400)."""

from math import pi
from typing import Annotated

import torch

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples

AMPLITUDE, PHASE, INPUT = (0.1, 5.0), (0.0, pi), (-5.0, 5.0)


def sinusoids(
    tasks: Annotated[int, Range(10)] = 5000, points: Annotated[int, Range(2)] = 50, seed: int = 0
) -> Examples:
    """`tasks` sinusoids y = amplitude · sin(x − phase) with `points` points each; the groups are the sinusoids.

    Amplitudes, phases and inputs are uniform in the ranges of the paper. Whereas the paper samples new sinusoids for
    every meta-batch, here they are a fixed data set, divided into training, validation and test tasks; 4,000 training
    tasks cover the two parameters so densely that more make no difference.
    """
    generator = torch.Generator().manual_seed(seed)

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(*shape, generator=generator)

    amplitude_T1, phase_T1 = uniform(*AMPLITUDE, tasks, 1), uniform(*PHASE, tasks, 1)
    x_TP = uniform(*INPUT, tasks, points)
    return Examples(
        name="sinusoids",
        kind="vector",
        inputs=x_TP.reshape(-1, 1),
        targets=(amplitude_T1 * torch.sin(x_TP - phase_T1)).flatten(),
        features=("x",),
        target="y",
        source=f"synthetic, seed {seed}",
        groups=torch.arange(tasks).repeat_interleave(points),
    )
