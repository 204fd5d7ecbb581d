"""Recall: the letter a fixed number of steps ago, which measures the memory of a network in steps (cf. the memory
capacity of Jaeger 2001, Short term memory in echo state networks)."""

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

    Nothing marks that letter, so a network must remember the last `delay` letters at any time, and its capacity
    limits how far it can look back. Chance accuracy is 1 / symbols.
    """
    generator = torch.Generator().manual_seed(seed)
    letters = tuple(chr(ord("a") + i) for i in range(symbols))
    letters_NT = torch.randint(symbols, (examples, 2 * delay + 2), generator=generator)
    return Examples(
        name="recall",
        kind="tokens",
        inputs=letters_NT + 1,  # 0 is padding
        targets=letters_NT[:, -1 - delay],
        classes=letters,
        target="letter",
        source=f"synthetic, seed {seed}",
        vocabulary=("<pad>", *letters),
    )
