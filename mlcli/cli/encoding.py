"""Standard streams that are closed, or cannot show every character, as in code page 1252 of Windows."""

import codecs
import os
import sys
from contextlib import suppress
from io import TextIOWrapper

ASCII = {
    "×": "x", "·": "|", "–": "-", "—": "-", "−": "-", "±": "+/-", "…": "...", "→": "->", "≥": ">=", "≤": "<=",
    "─": "-", "━": "-", "│": "|", "█": "#", "■": "#", "▁": "_", "“": '"', "”": '"', "’": "'", "‘": "'",
}  # fmt: skip


def open_closed_streams() -> None:
    """Connects a closed stdin, stdout or stderr to the null device. Python's stream is None then, and the next file
    that is opened would receive what libraries print."""
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < 3:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if vars(sys)[name] is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def replace_unknown() -> None:
    """Prints the nearest ASCII, else a question mark, for each character that the encoding of stdout or stderr lacks,
    in place of a UnicodeEncodeError. A handler that the user chose (PYTHONIOENCODING) is kept."""
    codecs.register_error("mlcli", _nearest)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors in ("strict", "backslashreplace"):
            with suppress(OSError):  # its descriptor was replaced, by a pipe for a file
                stream.reconfigure(errors="mlcli")


def _nearest(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    return "".join(ASCII.get(letter, "?") for letter in letters), error.end
