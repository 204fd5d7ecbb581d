"""Sinusoids: many small tasks that are alike, for learning to learn (Finn et al. 2017, arXiv 1703.03400)."""

from math import pi
from typing import Annotated

import torch

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples

AMPLITUDE, PHASE, INPUT = (0.1, 5.0), (0.0, pi), (-5.0, 5.0)


def sinusoids(
    tasks: Annotated[int, Range(10)] = 5000, points: Annotated[int, Range(2)] = 50, seed: int = 0
) -> Examples:
    """So many sinusoids y = amplitude · sin(x − phase), and of each so many points; `groups` says whose a point is.

    Amplitudes, phases and inputs are drawn evenly from the ranges of the paper. There every meta-batch is of new
    sinusoids; here they are examples like any others, of which none in test or validation is met in training. 4,000
    to train on lie so close to each other in their two parameters that more make no difference.
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
