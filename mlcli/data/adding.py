"""The adding problem: the sum of two numbers far apart in a long sequence (Hochreiter and Schmidhuber 1997).

A model that forgets the first number before the second one can do no better than to predict the mean.
"""

from typing import Annotated

import torch

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples


def adding(
    examples: Annotated[int, Range(10)] = 10_000, steps: Annotated[int, Range(2)] = 50, seed: int = 0
) -> Examples:
    """Sequences N × T × 2: a number from 0 to 1 at each step, and a mark, which is 1 at one step of the first half
    and at one of the second, else 0. The target is the sum of the two marked numbers.

    The targets have mean 1 and variance 1/6, which is the squared error of predicting the mean. As in Arjovsky et al.
    2016 (arXiv 1511.06464); in the original the numbers are from -1 to 1.
    """
    generator = torch.Generator().manual_seed(seed)
    numbers_NT = torch.rand(examples, steps, generator=generator)
    first_N = torch.randint(0, steps // 2, (examples,), generator=generator)
    second_N = torch.randint(steps // 2, steps, (examples,), generator=generator)
    marks_NT = torch.zeros(examples, steps).scatter(1, torch.stack([first_N, second_N], 1), 1.0)
    return Examples(
        name="adding",
        kind="sequence",
        inputs=torch.stack([numbers_NT, marks_NT], 2),
        targets=(numbers_NT * marks_NT).sum(1),
        target="sum",
        source=f"synthetic, seed {seed}",
    )
