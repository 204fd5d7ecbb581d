"""Output on terminals and pipes that cannot show every character, as those of Windows in code page 1252 or 437."""

import codecs
import sys
from io import TextIOWrapper

ASCII = {
    "×": "x", "·": "|", "–": "-", "—": "-", "−": "-", "±": "+/-", "…": "...", "→": "->", "≥": ">=", "≤": "<=",
    "─": "-", "━": "-", "│": "|", "█": "#", "■": "#", "▁": "_", "“": '"', "”": '"', "’": "'", "‘": "'",
}  # fmt: skip


def replace_unknown() -> None:
    """Prints the nearest ASCII, else a question mark, for each character that the encoding of stdout or stderr lacks,
    in place of a UnicodeEncodeError. A handler that the user chose (PYTHONIOENCODING) is kept."""
    codecs.register_error("mlcli", _nearest)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors in ("strict", "backslashreplace"):
            stream.reconfigure(errors="mlcli")


def _nearest(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    return "".join(ASCII.get(letter, "?") for letter in letters), error.end
