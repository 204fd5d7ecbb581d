"""The copy problem: repeat a word after a delay (Hochreiter and Schmidhuber 1997; in this form Arjovsky et al. 2016,
arXiv 1511.06464)."""

from typing import Annotated

import torch

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples

PADDING, BLANK, GO = "<pad>", "-", "?"


def copy_memory(
    examples: Annotated[int, Range(10)] = 10_000,
    delay: Annotated[int, Range(1)] = 20,
    length: Annotated[int, Range(1)] = 5,
    symbols: Annotated[int, Range(2, 26)] = 8,
    seed: int = 0,
) -> Examples:
    """Tokens N × T with T = length + delay + length: the word, blanks, a go signal, and blanks for the repetition.

    With length 3 and delay 2 the inputs `a c a - ? - - -` have the targets `a c a` at the last three steps, and -1
    before. delay: number of steps from the end of the word to its repetition. The classes are the letters.
    """
    generator = torch.Generator().manual_seed(seed)
    letters = tuple(chr(ord("a") + i) for i in range(symbols))
    vocabulary = (PADDING, BLANK, GO, *letters)
    word = torch.randint(symbols, (examples, length), generator=generator)
    inputs = torch.full((examples, length + delay + length), vocabulary.index(BLANK))
    inputs[:, :length] = word + vocabulary.index("a")
    inputs[:, length + delay - 1] = vocabulary.index(GO)
    targets = torch.full_like(inputs, -1)
    targets[:, -length:] = word
    return Examples(
        name="copy_memory",
        kind="tokens",
        inputs=inputs,
        targets=targets,
        classes=letters,
        target="letter",
        source=f"synthetic, seed {seed}",
        vocabulary=vocabulary,
    )
