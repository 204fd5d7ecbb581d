"""Griffe extension: lines `name: text` of a docstring, which describe fields and arguments, become a list."""

import re
from typing import Any

from griffe import Docstring, Extension, Object

FIELD = re.compile(r"^(\w+(?:, \w+)*): ", re.MULTILINE)


class FieldLists(Extension):
    def on_instance(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring and FIELD.search(obj.docstring.value):
            obj.docstring = Docstring(listed(obj.docstring.value), parent=obj)


def listed(text: str) -> str:
    """The text with fields as list items, whose continuation lines are indented."""
    lines, within = [], False
    for line in text.splitlines():
        if FIELD.match(line):
            lines += [] if within else [""]
            lines.append(FIELD.sub(r"- `\1`: ", line))
            within = True
        else:
            within = within and bool(line.strip())
            lines.append(f"    {line}" if within else line)
    return "\n".join(lines)
