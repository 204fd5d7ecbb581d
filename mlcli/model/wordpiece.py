"""WordPiece tokenisation, as in BERT (Wu et al. 2016, arXiv 1609.08144; Devlin et al. 2018)."""

import unicodedata
from collections.abc import Iterator, Sequence

UNKNOWN = "[UNK]"
LONGEST = 100  # characters of a word; longer ones are unknown


class WordPiece:
    """Greedy longest-match-first segmentation of a word into pieces of the vocabulary; pieces after the first begin
    with ##."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.index = {piece: place for place, piece in enumerate(vocabulary)}

    def __call__(self, word: str) -> list[int]:
        """Indices of the pieces, without regard to case and accents; each punctuation mark is a piece."""
        return [piece for part in _parts(word) for piece in self._cut(part)]

    def _cut(self, word: str) -> list[int]:
        """Only the unknown piece where the word has no segmentation."""
        pieces: list[int] = []
        start = 0
        while start < len(word) <= LONGEST:
            tried = (("##" if start else "") + word[start:end] for end in range(len(word), start, -1))
            piece = next((piece for piece in tried if piece in self.index), None)
            if piece is None:
                break
            pieces.append(self.index[piece])
            start += len(piece) - (2 if start else 0)
        return pieces if start == len(word) else [self.index[UNKNOWN]]


def _parts(word: str) -> Iterator[str]:
    plain = [mark for mark in unicodedata.normalize("NFD", word.lower()) if unicodedata.category(mark) != "Mn"]
    spaced = "".join(f" {mark} " if _is_punctuation(mark) else mark for mark in plain)
    yield from spaced.split()


def _is_punctuation(mark: str) -> bool:
    """As in BERT, all of ASCII that is neither a letter nor a digit, such as $ and +."""
    return unicodedata.category(mark).startswith("P") or ("!" <= mark <= "~" and not mark.isalnum())
