"""Text for a terminal: what came from files and names cannot move its cursor, change its title or hide other text."""

import re

# Control characters but tab and newline, line separators, characters that change the direction of writing, and
# surrogates, which no terminal takes.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text with escapes such as `\\x1b` in place of control characters."""
    return CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def in_a_line(text: str) -> str:
    """The same in one line, whatever the names in it hold."""
    return printable(" ".join(text.splitlines()) if "\n" in text else text)
