"""Predictions for a file of rows, in batches, for runs on tables."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from mlcli.config.errors import ConfigError, suggest
from mlcli.loading.table.schema import Encoded
from mlcli.serve.predict_rows import predict_rows
from mlcli.serve.predictor import Predictor

if TYPE_CHECKING:
    import pandas as pd

LISTED = 3  # levels in a line


class Findings:
    """What is unusual about rows: missing values, and levels that the training table does not have."""

    def __init__(self) -> None:
        self.rows = 0
        self.missing: Counter[str] = Counter()
        self.unseen: dict[str, Counter[str]] = {}

    def add(self, encoded: Encoded) -> None:
        self.rows += len(encoded.values)
        self.missing.update(encoded.missing)
        for name, levels in encoded.unseen.items():
            self.unseen.setdefault(name, Counter()).update(levels)

    def lines(self, columns: Sequence[str]) -> list[str]:
        """A line for each column with something unusual."""
        lines = []
        for name in columns:
            if count := self.missing[name]:
                lines.append(f"column {name}: missing in {count:,} of {self.rows:,} rows")
            if levels := self.unseen.get(name):
                more = f" and {len(levels) - LISTED:,} more" if len(levels) > LISTED else ""
                shown = ", ".join(level for level, _ in levels.most_common(LISTED)) + more
                where = f"{levels.total():,} of {self.rows:,} rows ({shown})"
                lines.append(f"column {name}: not in the training table in {where}")
        return lines


def predict_table(
    predictor: Predictor, file: str, keep: Sequence[str] | None, note: Callable[[str], object]
) -> Iterator["pd.DataFrame"]:
    """Predictions for the rows of a file, or of CSV on stdin for `-`, in batches.

    keep: columns to put before the predictions; None: all. note: called at the end, with a line for each column with
    missing values or unknown levels. Raises ConfigError.
    """
    from mlcli.loading.table.batches import read_batches

    schema, found = predictor.parts.data.examples.schema, Findings()
    assert schema is not None
    try:
        for rows in read_batches(file, stdin=sys.stdin.buffer):
            for name in keep or ():
                if name not in rows.column_names:
                    hint = suggest(name, rows.column_names)
                    raise ConfigError(f"--keep {name}: {file} has no such column.{hint}")
            encoded = predictor.encode(rows, found.rows)
            found.add(encoded)
            table = predict_rows(predictor, encoded.values)
            for place, name in enumerate(rows.column_names if keep is None else keep):
                table.insert(place, name, rows.column(name).to_pandas(), allow_duplicates=True)
            yield table
    except ConfigError:
        raise
    except ValueError as error:
        text = str(error)
        raise ConfigError(text if text.startswith(file) else f"{file}: {text}") from error
    if not found.rows:
        raise ConfigError(f"{file} holds no row to predict")
    for line in found.lines([column.name for column in schema.columns]):
        note(line)
