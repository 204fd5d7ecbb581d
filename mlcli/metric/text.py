"""What a language model writes, and what surprises it."""

from collections.abc import Sequence

import numpy as np

from mlcli.figure import text as figures_text
from mlcli.figure.plot import Plot, plain


def sample(prompt: str, text: str, temperature: float) -> Plot:
    """sample: a text that the model wrote after the prompt."""
    return Plot("sample", figures_text.sample, {"prompt": prompt, "text": text, "temperature": temperature})


def surprise(tokens: Sequence[str], losses: np.ndarray, unit: str) -> Plot:
    """surprise: a real text, each token with the bits that it took; losses in nats."""
    words = unit == "word"
    data = {"tokens": [f"{token} " if words else token for token in tokens], "bits": plain(losses / np.log(2))}
    return Plot("surprise", figures_text.surprise, data | {"unit": unit})
