"""Whether a column of texts that are no numbers, dates or booleans is a category, free text, or ids."""

import pyarrow as pa
import pyarrow.compute as pc

from mlcli.loading.table.columns import ID, Column
from mlcli.loading.table.numbers import PLAIN, all_match
from mlcli.loading.table.preprocessing import MOST_LEVELS

FEW_LEVELS = 20  # always a category
ROWS_PER_LEVEL = 2  # on average, of a category with more levels
LONGEST_LEVEL = 50  # characters on average
MOSTLY_DIFFERENT = 0.9  # of the rows have another text, if these are ids
WORD = r"^[!-~]+$"  # of ASCII, without spaces


def category_or_text(name: str, unique: pa.Array, indices: pa.Array) -> Column:
    """unique: the different texts. indices: that of each row, null where missing. See the rules of `types`."""
    rows = len(indices) - indices.null_count
    count = len(unique)
    length = pc.mean(pc.utf8_length(unique)).as_py()
    if count <= FEW_LEVELS or (rows >= ROWS_PER_LEVEL * count and length <= LONGEST_LEVEL):
        levels = sorted_levels(unique)
        return Column(name, "category", f"{count:,} different text{'s'[: count > 1]}", levels)
    reason = f"{count:,} different texts in {rows:,} rows"
    if count >= MOSTLY_DIFFERENT * rows and all_match(unique, WORD):
        own = "every row has its own text" if count == rows else f"{reason}, without spaces"
        return Column(name, "text", f"ids: {own}", format=ID)
    return Column(name, "text", reason)


def note_of_many_levels(column: Column) -> str:
    """A note for a category with levels that no network tells apart."""
    if len(column.levels) <= MOST_LEVELS:
        return ""
    return (
        f"column {column.name}: of {len(column.levels):,} levels the {MOST_LEVELS} most frequent have codes of their "
        f"own; data.types={{{column.name}: text}} reads their letters instead"
    )


def sorted_levels(levels: pa.Array) -> tuple[str, ...]:
    """By number where all are plain numbers, else by text."""
    texts = [text for text in levels.to_pylist() if text is not None]
    if all_match(levels, PLAIN):
        return tuple(sorted(texts, key=lambda text: (float(text), text)))
    return tuple(sorted(texts))
