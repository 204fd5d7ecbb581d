"""What an experiment has found out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlcli.figure.plot import Plot


@dataclass(frozen=True)
class Answer:
    """A sentence with the numbers, the table that it rests on, and pictures."""

    sentence: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    plots: Sequence[Plot] = ()
