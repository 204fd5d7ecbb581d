"""Where a setting comes from: the config files that were read, and the line that has it."""

import re

loaded: dict[str, str] = {}  # path: text of every config file read in this process


def place(pattern: str) -> str:
    """`FILE:LINE: ` of the line of a config file that matches, "" if none does, as where it was typed."""
    for path, text in reversed(loaded.items()):
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(pattern, line):
                return f"{path}:{number}: "
    return ""
