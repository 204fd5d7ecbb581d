"""What the columns of a table are, and how the texts of a row become numbers. N rows, D numbers per row.

The schema is found once, on the table that a run trains on, and stored with the run as JSON: new tables are read by
the same schema. What depends on the training split (medians, scales, pooled levels) is not here but in the
preprocessing module in front of the network.
"""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Kind = Literal["number", "category", "boolean", "date", "text", "ignored"]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    reason: why it is of this kind, in one phrase. levels: of a category or boolean; code i + 1 is `levels[i]`, and
    code 0 is a missing or unknown value. format: how its texts are parsed.
    """

    name: str
    kind: Kind
    reason: str
    levels: tuple[str, ...] = ()
    format: str = ""


@dataclass(frozen=True, eq=False)
class Encoded:
    """Rows as numbers. values: N × D, float64. missing: number of missing values by column. unseen: by column, the
    levels that the schema does not have, with their number of rows."""

    values: Tensor
    missing: dict[str, int]
    unseen: dict[str, dict[str, int]]


@dataclass(frozen=True)
class Schema:
    """The columns that are inputs, in order, and the target."""

    columns: tuple[Column, ...]
    target: Column | None = None
