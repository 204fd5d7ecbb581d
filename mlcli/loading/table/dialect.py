"""The delimiter and header of a table of text, by consistent numbers of fields. Quotes are honoured."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mlcli.loading.table.bytes import LONGEST_LINE
from mlcli.loading.table.clean import tidy

DELIMITERS = ("\t", "|", ";", ",")  # the first of those that fit equally well: texts and numbers have commas
WORDS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|", "space": " "}
SAMPLE = 256 << 10  # bytes, at least FEW_LINES lines
FEW_LINES = 20
MOST_RECORDS = 1000
NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Dialect:
    """delimiter: one character. names: of the columns. start: byte at which the first row begins. skipped: lines
    above the header, a title for instance."""

    delimiter: str
    names: tuple[str, ...]
    start: int
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Record:
    fields: list[str]
    lines: int  # lines of the text up to its end


def find_dialect(data: bytes, name: str, delimiter: str = "auto") -> Dialect:
    """data: UTF-8. Raises ValueError if there is no header, or its names are empty or repeat."""
    text = _sample(data)
    if not text.strip():
        raise ValueError(f"{name} is empty")
    lines_before = 0
    if (given := re.match(r"sep=(.)\r?\n", text)) and delimiter == "auto":  # Excel writes it
        delimiter, text, lines_before = given[1], text[given.end() :], 1
    known = WORDS.get(delimiter, delimiter)
    if known != "auto" and len(known) != 1:
        raise ValueError(f"data.delimiter={delimiter}: must be one character, or {', '.join(WORDS)} or auto")
    if known in ('"', "\n", "\r") or (len(known.encode()) > 1 and known != "auto"):
        raise ValueError(f"data.delimiter={delimiter}: must be an ASCII character other than a quote or line break")
    candidates = DELIMITERS if known == "auto" else (known,)
    records = {each: _records(text, each) for each in candidates}
    best = max(candidates, key=lambda each: _consistency(records[each]))
    place = _header(records[best], name)
    header = records[best][place]
    skipped = tuple(" ".join(filter(None, record.fields)) for record in records[best][:place])
    start = _offset(data, header.lines + lines_before)
    return Dialect(best, _names(header.fields, records[best][place + 1 :], name), start, skipped)


def _sample(data: bytes) -> str:
    """Whole lines from the start."""
    end = data.find(b"\n", SAMPLE)
    while 0 <= end < len(data) and data.count(b"\n", 0, end + 1) < FEW_LINES:
        end = data.find(b"\n", end + 1)
    return (data if end < 0 else data[: end + 1]).decode()


def _records(text: str, delimiter: str) -> list[_Record]:
    """The first records that are not empty."""
    found: list[_Record] = []
    with _long_fields():
        reader = csv.reader((f"{line}\n" for line in text.split("\n")), delimiter=delimiter)
        for fields in reader:
            if fields and (len(fields) > 1 or fields[0].strip()):
                found.append(_Record(fields, reader.line_num))
            if len(found) == MOST_RECORDS:
                break
    return found


@contextmanager
def _long_fields() -> Iterator[None]:
    before = csv.field_size_limit(LONGEST_LINE)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _consistency(records: list[_Record]) -> tuple[bool, int, float, int]:
    """Better delimiters are larger: more than one field usually, or at least in the header; then the share of records
    with the usual number of fields and the header's agreement, then the number."""
    counts = Counter(len(record.fields) for record in records)
    if not counts:
        return False, 0, 0.0, 0
    usual, rows = max(counts.items(), key=lambda item: (item[1], item[0]))
    header = len(records[0].fields)
    share = rows / len(records) + (0.5 if header == usual else 0.0)
    return usual > 1, header if usual == 1 else 0, share, usual


def _header(records: list[_Record], name: str) -> int:
    """The index of the header: 0, or that of the first record with the usual number of fields, below a title."""
    counts = Counter(len(record.fields) for record in records)
    usual = max(counts.items(), key=lambda item: (item[1], item[0]))[0]
    first = next(place for place, record in enumerate(records) if len(record.fields) == usual)
    above = records[:first]
    if not above and len(records) > 1 and usual > 1:  # a title padded with delimiters, as Excel writes it
        while _is_title(records[first]) and first + 1 < len(records) and not _is_title(records[-1]):
            first += 1
        above = records[:first]
    if not above:
        return 0
    is_named = not any(NUMBER.fullmatch(field.strip()) for field in records[first].fields)
    if usual > 1 and is_named and all(_is_title(record) for record in above):
        return first
    return 0


def _is_title(record: _Record) -> bool:
    """Whether only the first field has a text, and it may be a title: several words, or a comment."""
    texts = [field.strip() for field in record.fields]
    return bool(texts[0]) and not any(texts[1:]) and (" " in texts[0] or texts[0].startswith("#"))


def _names(fields: list[str], rows: list[_Record], name: str) -> tuple[str, ...]:
    names = [tidy(field) for field in fields]
    given = [each for each in names if each]
    numbers = [each for each in given if NUMBER.fullmatch(each)]
    if given and len(numbers) == len(given) and given != [str(place) for place in range(len(given))]:
        raise ValueError(
            f"{name} has no header: its first line has only numbers ({', '.join(numbers[:3])}); add a line with the "
            f"names of the columns"
        )
    first: dict[str, int] = {}
    for place, each in enumerate(names, 1):
        if each and each in first:
            raise ValueError(f"{name}: columns {first[each]} and {place} are both named {each}: rename one of them")
        first[each] = place
    taken = set(names)
    return tuple(each or _unnamed(place, taken) for place, each in enumerate(names, 1))


def _unnamed(place: int, taken: set[str]) -> str:
    name = f"column_{place}"
    while name in taken:
        name += "_"
    return name


def _offset(data: bytes, lines: int) -> int:
    """The offset of the byte that follows the first `lines` lines."""
    offset = 0
    for _ in range(lines):
        end = data.find(b"\n", offset)
        offset = len(data) if end < 0 else end + 1
    return offset
