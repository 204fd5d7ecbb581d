"""Words to the pieces that BERT knows (Wu et al. 2016, arXiv 1609.08144; Devlin et al. 2018)."""

import unicodedata
from collections.abc import Iterator, Sequence

UNKNOWN = "[UNK]"
LONGEST = 100  # characters of a word; longer ones are unknown


class WordPiece:
    """Cuts a word into the longest pieces that the vocabulary has, from its beginning on; those inside a word begin
    with ##."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.index = {piece: place for place, piece in enumerate(vocabulary)}

    def __call__(self, word: str) -> list[int]:
        """Indices of the pieces. Upper case and accents count for nothing; punctuation marks stand for themselves."""
        return [piece for part in _parts(word) for piece in self._cut(part)]

    def _cut(self, word: str) -> list[int]:
        """The unknown piece alone where the word cannot be cut up."""
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
    """Of ASCII all that is neither letter nor digit, as BERT has it: $ and + too."""
    return unicodedata.category(mark).startswith("P") or ("!" <= mark <= "~" and not mark.isalnum())
