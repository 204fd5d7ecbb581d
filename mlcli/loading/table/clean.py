"""Texts of a column without the spaces around them, and what counts as missing."""

import pyarrow as pa
import pyarrow.compute as pc

# Missing in every column, in any case.
NULLS = ("", "na", "n/a", "#n/a", "#na", "nan", "-nan", "null", "<na>", "#null!")
# Missing in columns of numbers, dates and booleans; levels in a category, where None may be a value ("no garage").
WEAK_NULLS = ("none", "nil", "-", "--", "?", ".", "missing", "unknown", "#div/0!", "#value!", "#ref!", "n.a.", "k.a.")
# What the reader of CSV may already take as missing: exact spellings.
EXACT_NULLS = ("", "NA", "N/A", "n/a", "na", "NaN", "nan", "NULL", "null", "<NA>", "#N/A")


def clean(texts: pa.ChunkedArray, *, weak: bool = False) -> pa.ChunkedArray:
    """The texts without spaces around them, missing where they are a word for missing.

    weak: also words that are missing only where other values are numbers, dates or booleans.
    """
    trimmed = pc.utf8_trim_whitespace(texts)
    words = pa.array((*NULLS, *WEAK_NULLS) if weak else NULLS)
    # Only short texts can be such a word: lower-casing long ones would take time.
    is_null = pc.is_in(pc.utf8_lower(pc.utf8_slice_codeunits(trimmed, 0, 9)), value_set=words)
    return pc.if_else(is_null, pa.scalar(None, trimmed.type), trimmed)


def tidy(name: str) -> str:
    """The name of a column on one line, without spaces around it."""
    return " ".join(name.split())


def shown(text: object, most: int = 30) -> str:
    """A text of the table as messages have it: on one line, and not long."""
    line = tidy(str(text))
    return line if len(line) <= most else f"{line[:most]}…"


def distinct(texts: pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """The distinct texts and the index of each row's text, null where missing."""
    encoded = texts.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.unify_dictionaries().combine_chunks()
    return encoded.dictionary, encoded.indices


def first_row(mask: pa.Array | pa.ChunkedArray) -> int:
    """The index of the first true value; -1 if there is none."""
    return int(pc.index(mask, pa.scalar(True)).as_py())
