"""Text that is safe to print: text from files and names cannot control the terminal or hide other text."""

import re

# Control characters except tab and newline, line separators, characters that change the writing direction, and
# surrogates, which cannot be encoded.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text with escapes such as `\\x1b` in place of control characters."""
    return CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def in_a_line(text: str) -> str:
    """Printable text in a single line."""
    return printable(" ".join(text.splitlines()) if "\n" in text else text)
