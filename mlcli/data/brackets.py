"""Brackets: the nesting depth of each character of a text, synthetic sequence labelling that needs memory."""

from typing import Annotated

import torch

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples
from mlcli.loading.tokenizer import PADDING, UNKNOWN

VOCABULARY = (PADDING, UNKNOWN, "(", ")", *"abcd")
OPEN, CLOSE, LETTER = 2, 3, 4  # the letters begin at 4
LETTERS = 4


def brackets(
    examples: Annotated[int, Range(10)] = 1000,
    length: Annotated[int, Range(2)] = 40,
    depth: Annotated[int, Range(1)] = 4,
    seed: int = 0,
) -> Examples:
    """N texts of at most `length` letters and brackets, nested at most `depth` deep.

    Targets N × T: the number of open brackets after each character; -1 in the padding.
    """
    generator = torch.Generator().manual_seed(seed)
    ends = torch.randint(length // 2, length + 1, (examples,), generator=generator)
    chances = torch.rand(examples, length, generator=generator)
    letters = torch.randint(LETTER, LETTER + LETTERS, (examples, length), generator=generator)
    open_ = torch.zeros(examples, dtype=torch.int64)
    tokens, depths = [], []
    for chance, letter in zip(chances.T, letters.T, strict=True):
        opens, closes = (chance < 0.3) & (open_ < depth), (chance > 0.7) & (open_ > 0)
        open_ = open_ + opens.long() - closes.long()
        tokens.append(torch.where(opens, OPEN, torch.where(closes, CLOSE, letter)))
        depths.append(open_)
    is_text = torch.arange(length) < ends.unsqueeze(1)
    return Examples(
        name="brackets",
        kind="tokens",
        inputs=torch.where(is_text, torch.stack(tokens, 1), 0),
        targets=torch.where(is_text, torch.stack(depths, 1), -1),
        classes=tuple(str(level) for level in range(depth + 1)),
        target="depth",
        source=f"synthetic, seed {seed}",
        vocabulary=VOCABULARY,
        tokenizer="characters",
        padded=True,
    )
