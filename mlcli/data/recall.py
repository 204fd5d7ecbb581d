"""Recall: which letter came so many steps ago? The memory of a network, measured in steps (as the memory capacity of
Jaeger 2001, Short term memory in echo state networks, but for one delay and letters)."""

from typing import Annotated

import torch

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples


def recall(
    examples: Annotated[int, Range(10)] = 10_000,
    delay: Annotated[int, Range(0)] = 4,
    symbols: Annotated[int, Range(2, 26)] = 4,
    seed: int = 0,
) -> Examples:
    """Tokens N × T of random letters, T = 2 · delay + 2; the class is the letter `delay` steps before the last.

    All letters after it look the same as the one that is asked for, so a network must hold on to each for `delay`
    steps: what it can hold at once decides how far back it remembers. Guessing is right once in `symbols` times.
    """
    generator = torch.Generator().manual_seed(seed)
    letters = tuple(chr(ord("a") + i) for i in range(symbols))
    drawn = torch.randint(symbols, (examples, 2 * delay + 2), generator=generator)
    return Examples(
        name="recall",
        kind="tokens",
        inputs=drawn + 1,  # 0 is padding
        targets=drawn[:, -1 - delay],
        classes=letters,
        target="letter",
        source=f"synthetic, seed {seed}",
        vocabulary=("<pad>", *letters),
    )
