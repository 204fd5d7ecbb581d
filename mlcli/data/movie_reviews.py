"""Sentences of film reviews, positive or negative (Pang and Lee 2004), rated for VADER (Hutto and Gilbert 2014)."""

import io
import tarfile
import zipfile
from pathlib import Path
from typing import Annotated

from mlcli.config.cache_dir import cache_folder
from mlcli.config.ranges import Range
from mlcli.loading.archives import archive_errors, read_member
from mlcli.loading.dataset import Examples
from mlcli.loading.text_examples import text_examples

ARCHIVE = "vaderSentiment-0.5"
WITHIN = f"{ARCHIVE}/additional_resources/hutto_ICWSM_2014.tar.gz"
LARGEST = 64 << 20  # bytes of a file in the archive; the real ones have 4 MB
RATINGS = "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt"


def movie_reviews(
    length: Annotated[int, Range(1)] = 40, words: Annotated[int, Range(3)] = 5000, path: str | None = None
) -> Examples:
    """The first `length` words of 10,568 sentences, without those of neutral rating.

    path: the source archive of vaderSentiment 0.5 (wheels do not contain the sentences); null: in the cache folder.
    Raises ValueError, with how to download it, if it is missing.
    """
    archive = Path(path) if path else cache_folder() / "movie_reviews" / f"{ARCHIVE}.zip"
    rated = [(text, rating) for rating, text in _read(archive) if rating]
    return text_examples(
        [text for text, _ in rated],
        ["positive" if rating > 0 else "negative" for _, rating in rated],
        tokenizer="words",
        length=length,
        vocabulary=words,
        name="movie_reviews",
        target="sentiment",
        source="vaderSentiment 0.5: sentences of rotten.tomatoes.com",
    )


def _read(archive: Path) -> list[tuple[float, str]]:
    """Mean rating from −4 to 4, and text."""
    if not archive.exists():
        raise ValueError(
            f"data=movie_reviews needs {archive}: run pip download --no-deps --no-binary :all: "
            f"-d {archive.parent} vaderSentiment==0.5."
        )
    with archive_errors(archive, "the source archive of vaderSentiment 0.5"):
        with zipfile.ZipFile(archive) as outer:
            inner = io.BytesIO(read_member(outer, WITHIN, LARGEST))
        with tarfile.open(fileobj=inner) as packed:
            file = packed.extractfile(RATINGS)
            lines = file.read(LARGEST).decode().splitlines() if file else []
        rows = [line.split("\t") for line in lines if line]
        return [(float(rating), text) for _, rating, text in rows]
