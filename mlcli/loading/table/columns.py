"""What a column of a table is: its kind, and how its texts are parsed. N rows, D numbers per row."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from torch import Tensor

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Kind = Literal["number", "category", "boolean", "date", "text", "ignored"]
KINDS: tuple[str, ...] = get_args(Kind)
DATE_PARTS = ("year", "month", "weekday", "sin", "cos", "days")  # of the six numbers of a date
TEXT_COMPONENTS = 30  # numbers of a text
ID = "id"  # format of a text column whose texts only name rows


@dataclass(frozen=True)
class Column:
    """A column of a table.

    reason: why it is of this kind, in one phrase. levels: of a category or boolean; code i + 1 is `levels[i]`, and
    code 0 is a missing or unknown value. Of a number that is a target, the distinct values if they are classes (see
    `task_of`). format: how its texts are parsed: words of `numbers.WORDS` for numbers; iso, day_first or month_first
    for dates; id for texts that only name rows, which are no input.
    """

    name: str
    kind: Kind
    reason: str
    levels: tuple[str, ...] = ()
    format: str = ""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the numbers that an encoded row has for this column."""
        if self.kind == "date":
            return tuple(f"{self.name}:{part}" for part in DATE_PARTS)
        if self.kind == "text" and self.format != ID:
            return tuple(f"{self.name}:text{place}" for place in range(1, TEXT_COMPONENTS + 1))
        return (self.name,) if self.kind in ("number", "category", "boolean") else ()


@dataclass(frozen=True, eq=False)
class Encoded:
    """Rows as numbers. values: N × D, float64; those of texts are NaN until the preprocessing fills them in. missing:
    number of missing values by column. unseen: by column, the levels that the schema does not have, with their number
    of rows. texts: of each column of texts, counts of n-grams (`count_n_grams`)."""

    values: Tensor
    missing: dict[str, int]
    unseen: dict[str, dict[str, int]]
    texts: tuple["csr_array", ...] = ()
