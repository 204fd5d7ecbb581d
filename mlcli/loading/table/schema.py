"""What the columns of a table are, and how the texts of a row become numbers. N rows, D numbers per row.

The schema is found once, on the table that a run trains on, and stored with the run as JSON: new tables are read by
the same schema. What depends on the training split (medians, scales, pooled levels) is not here but in the
preprocessing module in front of the network.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlcli.loading.table.columns import KINDS, Column, Encoded, Kind

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Column", "Encoded", "Kind", "Schema"]

VERSION = 1
NUMBER_WORDS = {
    *("decimal_comma", "thousands_comma", "thousands_point", "thousands_space"),
    *("percent", "currency"),
}
DATE_FORMATS = {"iso", "day_first", "month_first"}


@dataclass(frozen=True)
class Schema:
    """The columns that are inputs, in order, and the target."""

    columns: tuple[Column, ...]
    target: Column | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the D numbers of an encoded row."""
        return tuple(name for column in self.columns for name in column.features)

    @property
    def feature_kinds(self) -> tuple[str, ...]:
        """`number` or `code`, for each feature."""
        return tuple(_feature_kind(column) for column in self.columns for _ in column.features)

    @property
    def feature_levels(self) -> tuple[int, ...]:
        """Of each feature that is a code, the number of levels, without code 0."""
        return tuple(len(column.levels) for column in self.columns if _feature_kind(column) == "code")

    @property
    def text_places(self) -> tuple[tuple[int, ...], ...]:
        """Of each column of texts that is an input, the indices of its features."""
        found, start = [], 0
        for column in self.columns:
            places = tuple(range(start, start + len(column.features)))
            start += len(places)
            if column.kind == "text" and places:
                found.append(places)
        return tuple(found)

    @property
    def levels(self) -> dict[int, tuple[str, ...]]:
        """By index of a feature that is a code: the names of codes from 1 on."""
        own = [column.levels for column in self.columns if _feature_kind(column) == "code"]
        places = [place for place, kind in enumerate(self.feature_kinds) if kind == "code"]
        return dict(zip(places, own, strict=True))

    def encode(self, table: "pa.Table", before: int = 0) -> Encoded:
        """Encodes a table of texts (or of values of simple types): columns are found by name, others are ignored.
        before: rows of the file before this batch, for messages. Raises ValueError for columns that the table lacks,
        and for texts that are no number or date in such a column. Columns of texts have no numbers yet: see
        `DataSet.encode_rows`."""
        from mlcli.loading.table.encode import encode  # loads pyarrow

        return encode(table, self.columns, before)

    def to_json(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "columns": [_to_json(column) for column in self.columns],
            "target": None if self.target is None else _to_json(self.target),
        }

    @classmethod
    def from_json(cls, stored: Any) -> "Schema":
        """From `to_json`. Raises ValueError for anything else."""
        _expect(isinstance(stored, Mapping), "is no object")
        _expect(stored.get("version") == VERSION, f"has version {stored.get('version')!r}, not {VERSION}")
        _expect(isinstance(stored.get("columns"), list), "has no list of columns")
        columns = tuple(_from_json(each) for each in stored["columns"])
        names = [column.name for column in columns]
        _expect(len(set(names)) == len(names), "has two columns of one name")
        target = None if stored.get("target") is None else _from_json(stored["target"])
        return cls(columns, target)


def _feature_kind(column: Column) -> str:
    return "code" if column.kind in ("category", "boolean") else "number"


def _to_json(column: Column) -> dict[str, Any]:
    stored: dict[str, Any] = {"name": column.name, "kind": column.kind, "reason": column.reason}
    if column.levels:
        stored["levels"] = list(column.levels)
    if column.format:
        stored["format"] = column.format
    return stored


def _from_json(stored: Any) -> Column:
    _expect(isinstance(stored, Mapping), "has a column that is no object")
    name, kind, reason = (stored.get(key) for key in ("name", "kind", "reason"))
    _expect(isinstance(name, str) and name != "", "has a column without a name")
    _expect(kind in KINDS if isinstance(kind, str) else False, f"has no valid kind of column {name}")
    _expect(isinstance(reason, str), f"has no reason for column {name}")
    levels, format = stored.get("levels", []), stored.get("format", "")
    _expect(isinstance(levels, list) and all(isinstance(each, str) for each in levels), f"has no levels of {name}")
    _expect(len(set(levels)) == len(levels), f"has a level of column {name} twice")
    _expect(isinstance(format, str) and _is_format(str(kind), format), f"has no valid format of column {name}")
    return Column(str(name), kind, str(reason), tuple(levels), format)


def _is_format(kind: str, format: str) -> bool:
    if kind == "number":
        words = format.split()
        return set(words) <= NUMBER_WORDS and _is_digit_format(words)
    if kind == "date":
        return format in DATE_FORMATS
    return format in ("", "id") if kind == "text" else format == ""


def _is_digit_format(words: list[str]) -> bool:
    """Whether there is such a format: at most one separator of thousands, and a point only besides decimal commas."""
    thousands = [word for word in words if word.startswith("thousands")]
    fits = {"thousands_comma": "decimal_comma" not in words, "thousands_point": "decimal_comma" in words}
    return len(set(words)) == len(words) and len(thousands) <= 1 and all(fits.get(each, True) for each in thousands)


def _expect(fine: bool, what: str) -> None:
    if not fine:
        raise ValueError(f"the stored schema {what}")
