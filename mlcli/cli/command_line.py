"""Parses a command line that is being typed, for completion."""

import os

from mlcli.cli.commands import FLAG_VALUES, SHORT


class Line:
    """The words of a line up to the cursor."""

    def __init__(self, text: str) -> None:
        words, self.quote = split(text)
        while len(words) > 1 and "=" in words[0]:  # VARIABLE=value before the command
            words = words[1:]
        self.word = words[-1]
        self.command = words[1] if len(words) > 2 else ""
        self.before = words[2:-1]

    def value(self, flag: str) -> str:
        """The value of a flag earlier on the line, or ""."""
        for name, given in zip(self.before, [*self.before, ""][1:], strict=True):
            if SHORT.get(name, name) == flag:
                return os.path.expanduser(given)
            if name.startswith(f"{flag}="):
                return os.path.expanduser(name[len(flag) + 1 :])
        return ""

    def positional(self) -> list[str]:
        """Words before the cursor that are neither flags nor values of flags."""
        previous = ["", *self.before[:-1]]
        pairs = zip(previous, self.before, strict=False)
        return [word for flag, word in pairs if word[:1] != "-" and SHORT.get(flag, flag) not in FLAG_VALUES]


def split(text: str) -> tuple[list[str], str]:
    """Splits a line into words like a shell. The last one is the word at the cursor; also returns its open quote."""
    words, quote, escaped = [""], "", False
    for letter in text:
        if escaped or (quote and letter not in (quote, "\\")) or (quote == "'" and letter == "\\"):
            words[-1] += letter
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter in "'\"":
            quote = "" if quote else letter
        elif letter.isspace():
            words += [""] if words[-1] else []
        else:
            words[-1] += letter
    return words, quote
