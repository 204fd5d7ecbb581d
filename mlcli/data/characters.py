"""Character-level language modelling: windows of a text, each with the window shifted by one character as target."""

from functools import partial
from pathlib import Path
from typing import Annotated

import torch

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples
from mlcli.loading.tokenizer import build_vocabulary, encode
from mlcli.loading.vocabulary import fit

TEST = 0.1  # the last part of the text


def characters(path: str | None = None, length: Annotated[int, Range(2)] = 128) -> Examples:
    """N windows of `length` characters, with the character that follows each of them as targets N × T.

    path: a text file in UTF-8; null: the Python language reference, which comes with Python. The test split is the
    last tenth of the text, the other splits are windows of the rest; windows do not overlap. A character that the
    training split does not have is <unk>, as an input and as a target. Raises ValueError for a file that cannot be
    read or is too short.
    """
    text = _read(Path(path)) if path else python_reference()
    count = len(text) // (length + 1)
    if count < 30:
        raise ValueError(
            f"data.path={path} has only {len(text)} characters: lower data.length, or use a longer text."
        )
    vocabulary = build_vocabulary([text], "characters")
    windows = encode([text], "characters", vocabulary, count * (length + 1)).reshape(count, length + 1)
    first = count - round(count * TEST)
    return Examples(
        name="characters",
        kind="tokens",
        inputs=windows[:, :-1].contiguous(),
        targets=windows[:, 1:].contiguous(),
        target="next character",
        source=path or "Python's own language reference (pydoc_data.topics)",
        test=torch.arange(first, count),
        vocabulary=vocabulary,
        tokenizer="characters",
        fit=partial(fit, tokens=len(vocabulary), most=None, least=1),
    )


def python_reference() -> str:
    """The Python language reference, 0.4 million characters, without duplicate paragraphs, which would leak from
    train to test."""
    from pydoc_data.topics import topics

    paragraphs = (part for name in sorted(topics) for part in topics[name].split("\n\n"))
    return "\n\n".join(dict.fromkeys(paragraphs))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"data.path={path} cannot be read as text in UTF-8 ({error}).") from error
