"""Values of overrides that Hydra's grammar cannot read are texts, as typed.

The grammar has no umlauts, `#` or `;`, and takes brackets, commas and `=` for its own syntax, so that
`data.target=price ($)` is an error and `data.path=a,b.csv` a sweep. `quoted` rewrites such overrides to ones that the
grammar reads as what was typed. Everything that it can read keeps its meaning, with one exception: where a column or
file of exactly the typed name exists, that is meant.
"""

import json
import os
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString, ValueType
from hydra.errors import HydraException

from mlcli.config import index

FILES = ("data.path", "data.val_path", "data.test_path")
# A column, of split.by after group:, time: or column:.
COLUMNS = ("data.target", "data.weight", "data.group", "data.time", "data.split_column", "split.by")
LISTS = ("data.ignore",)  # lists of columns: their elements are texts, also 2024 and true
UNITS = ("example", "group", "class", "time")  # of split.by, without a column
QUERY = "data.query"  # SQL, whose commas never make a sweep
# A call of an unknown function is text in these keys: a column or file may be named `price(net)`.
TEXTS = (*FILES, *COLUMNS, QUERY, "data.url", "data.delimiter", "data.decimal", "data.encoding", "name")
MAPPINGS = ("data.types",)  # settings that are maps from columns; the grammar does not read most of their keys

OVERRIDE = re.compile(r"(?P<key>[+]*[^=~]+)=(?P<value>.+)", re.DOTALL)
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*|[-+]?[0-9][0-9.]*(e[-+]?[0-9]+)?")  # which the grammar reads as typed
WORDS = re.compile(r"true|false|null|nan|inf", re.IGNORECASE)
BY = re.compile(r"(?:group|time|column):(?=.)")

Columns = Callable[[], Sequence[str] | None]


def quoted(overrides: Sequence[str], columns: Columns = lambda: None) -> list[str]:
    """The overrides in a form that Hydra's grammar reads. Applied to its own result, it changes nothing.

    columns: the columns of the user's table; None where the data is no such table, or cannot be read. It is called
    only for a column whose name could be something else.
    """
    return [_quoted(text, columns) for text in overrides]


def parsed_override(override: str) -> Override | None:
    """The override as Hydra's grammar reads it; None if it cannot."""
    try:
        return _parser().parse_override(override)
    except HydraException:
        return None


def text_of(value: str) -> str:
    """The text that a value of an override stands for: without quotes, if it is in quotes as a whole."""
    parsed = parsed_override(f"key={value}") if value[:1] in ("'", '"') else None
    found = parsed.value() if parsed else value
    return found if isinstance(found, str) else value


def read_mappings(settings: Any) -> None:
    """Replaces, in place, the texts that `quoted` made of maps by the maps. settings: a config as plain data."""
    for key in MAPPINGS:
        group, _, name = key.partition(".")
        node = settings.get(group)
        value = node.get(name) if isinstance(node, dict) else None
        if isinstance(value, str) and value[:1] == "{":
            try:
                node[name] = _Flow(value).read()
            except ValueError:  # stays a text, which the check of the config refuses
                continue


def _quoted(override: str, columns: Columns) -> str:
    found = OVERRIDE.fullmatch(override)
    if not found or "${" in override:
        return override
    key, value = found["key"], found["value"]
    name = key.lstrip("+")
    if name in FILES and "," in value and _exists(value):
        return f"{key}={_in_quotes(value)}"
    is_word = value[0].isalpha() or name not in (*COLUMNS, *FILES)
    if is_word and PLAIN.fullmatch(value) and not WORDS.fullmatch(value):
        return override
    parsed = parsed_override(f"key={value}")
    if name == QUERY and not _is_in_quotes(parsed) and value.lower() != "null":
        return f"{key}={_in_quotes(value)}"
    if name in COLUMNS and value.lower() != "null" and (known := columns()) is not None:
        return _of_column(override, key, value, known, parsed)
    if name in FILES and parsed is not None and isinstance(parsed.value(), int | float):
        return f"{key}={_in_quotes(value)}"
    is_list = name in LISTS and value[0] == "["
    if (parsed is not None and not is_list) or name in index.groups():
        return override
    if _is_unknown_function(value) and name not in TEXTS:
        return override
    return f"{key}={_readable(name, value)}"


def _of_column(override: str, key: str, value: str, known: Sequence[str], parsed: Override | None) -> str:
    """An override of a setting that names a column of the user's table."""
    is_known = {*known, *(UNITS if key.endswith("split.by") else ())}.__contains__
    if is_known(_column(key, value)):
        return f"{key}={_in_quotes(value)}"
    parts = _parts(value)
    found = [is_known(_column(key, text_of(part))) for part in parts]
    is_other_sweep = parsed is not None and parsed.is_sweep_override() and (any(found) or len(parts) == 1)
    if _is_in_quotes(parsed) or is_other_sweep:
        return override
    if len(parts) > 1 and all(found):
        return f"{key}={','.join(map(_in_quotes, map(text_of, parts)))}"
    return f"{key}={_in_quotes(value)}"


def _column(key: str, value: str) -> str:
    return BY.sub("", value, count=1) if key.endswith("split.by") else value


def _readable(name: str, value: str) -> str:
    """A value that the grammar cannot read, as a list, a map, a sweep or else a text that it can read."""
    if value[0] in "[{":
        try:
            flow = _Flow(value, only_texts=name in LISTS)
            content = flow.read()
        except ValueError:
            return _in_quotes(value)
        if parsed_override(f"key={flow.readable}") is not None:
            return flow.readable
        return _in_quotes(json.dumps(content, ensure_ascii=False) if name in MAPPINGS else value)
    parts = _parts(value)
    is_sweep = len(parts) > 1 and all(parts) and name not in COLUMNS
    if name in FILES:
        is_sweep = is_sweep and all(_exists(text_of(part)) for part in parts)
    if not is_sweep:
        return _in_quotes(value)
    return ",".join(part if parsed_override(f"key={part}") else _in_quotes(part) for part in parts)


def _exists(path: str) -> bool:
    try:
        return Path(os.path.expanduser(path)).exists()
    except (OSError, ValueError):  # too long for a path, or with a null character
        return False


def _in_quotes(text: str) -> str:
    quote = Quote.double if "'" in text and '"' not in text else Quote.single
    return QuotedString(text=text, quote=quote).with_quotes()


def _is_in_quotes(parsed: Override | None) -> bool:
    return parsed is not None and isinstance(parsed._value, QuotedString)


@cache
def _parser() -> OverridesParser:
    return OverridesParser.create()


def _is_unknown_function(value: str) -> bool:
    try:
        _parser().parse_override(f"key={value}")
    except HydraException as error:
        return "Unknown function" in f"{error} {error.__cause__}"
    return False


def _parts(value: str) -> list[str]:
    """The value, divided at commas outside of quotes and brackets."""
    parts, depth, quote = [""], 0, ""
    for letter in value:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"" and not parts[-1].strip():
            quote = letter
        else:
            depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and not quote and depth <= 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


class _Flow:
    """A list or map as typed, `[a, Größe]` or `{"plz #": category}`, with texts that the grammar cannot read."""

    def __init__(self, text: str, only_texts: bool = False) -> None:
        self.text, self.place, self.only_texts = text, 0, only_texts
        self.readable = ""  # the same for the grammar, unless it has keys that this cannot read

    def read(self) -> Any:
        """The value. Raises ValueError if the text is not a list or map from its beginning to its end."""
        value = self._element("")
        if self.place != len(self.text.rstrip()):
            raise ValueError(f"text after the end of a list: {self.text[self.place :]}")
        return value

    def _element(self, ends: str) -> Any:
        self._skip()
        first = self.text[self.place : self.place + 1]
        if first == "[":
            return self._items("]", lambda: self._element(",]"), list)
        if first == "{":
            return self._items("}", self._pair, dict)
        return self._leaf(ends)

    def _items(self, end: str, item: Callable[[], Any], made: Callable[[Any], Any]) -> Any:
        self._take(self.text[self.place])
        found: list[Any] = []
        while self._skip() != end:
            if found:
                self._take(",")
            found.append(item())
        self._take(end)
        return made(found)

    def _pair(self) -> tuple[str, Any]:
        self._skip()
        if self.text[self.place : self.place + 1] in ("'", '"'):
            key = self._string()
        else:
            entry = self._until(",}")
            colon = re.search(r":(?=\s)|:(?=[^:]*$)", entry)
            if not colon:
                raise ValueError(f"an entry of a map without a colon: {entry}")
            self.place += colon.start() - len(entry)
            key = entry[: colon.start()].strip()
        self.readable += key
        self._skip()
        self._take(":")
        return key, self._element(",}")

    def _leaf(self, ends: str) -> Any:
        if self.text[self.place : self.place + 1] in ("'", '"'):
            text = self._string()
            self.readable += _in_quotes(text)
            return text
        text = self._until(ends).strip()
        if not text:
            raise ValueError("an empty element")
        parsed = parsed_override(f"key={text}")
        if self.only_texts or parsed is None or parsed.value_type != ValueType.ELEMENT:
            self.readable += _in_quotes(text)
            return text
        self.readable += text
        return parsed.value()

    def _string(self) -> str:
        """The text in quotes at the current place."""
        quote = self.text[self.place]
        found = re.compile(rf"{quote}((?:\\.|[^\\{quote}])*){quote}", re.DOTALL).match(self.text, self.place)
        if not found:
            raise ValueError(f"a quote without its end: {self.text[self.place :]}")
        self.place = found.end()
        return text_of(found.group())

    def _until(self, ends: str) -> str:
        start = self.place
        while self.place < len(self.text) and self.text[self.place] not in ends:
            self.place += 1
        return self.text[start : self.place]

    def _take(self, letter: str) -> None:
        if self.text[self.place : self.place + 1] != letter:
            raise ValueError(f"{letter} expected: {self.text[self.place :]}")
        self.readable += letter
        self.place += 1

    def _skip(self) -> str:
        """Skips white space; returns the next letter."""
        while self.place < len(self.text) and self.text[self.place].isspace():
            self.place += 1
        return self.text[self.place : self.place + 1]
