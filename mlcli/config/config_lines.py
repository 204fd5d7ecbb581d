"""The config files that were read, for error messages with file and line."""

import re

texts: dict[str, str] = {}  # path → text of every config file read in this process


def locate_line(pattern: str) -> str:
    """`FILE:LINE: ` of the last read config file with a matching line; "" if there is none, as for an override."""
    for path, text in reversed(texts.items()):
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(pattern, line):
                return f"{path}:{number}: "
    return ""
