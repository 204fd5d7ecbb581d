"""Curves of several things over each other, in one panel or a few side by side that share their colours."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mlcli.figure import panel_axes as figures_panels
from mlcli.figure.plot import Plot, plain


@dataclass(frozen=True)
class Curve:
    """y over x; of repeats the mean, and `spread` their standard deviation at each x."""

    x: Sequence[float]
    y: Sequence[float | None]
    spread: Sequence[float] | None = None

    @staticmethod
    def mean(x: Sequence[float], repeats: Sequence[Sequence[float | None]]) -> "Curve":
        """Of repeats that share their x. Raises ValueError where they differ in length."""
        if len({len(x), *map(len, repeats)}) > 1:
            raise ValueError("repeats of different lengths have no mean curve")
        values = np.array(repeats, dtype=float)
        spread = plain(values.std(0, ddof=1)) if len(repeats) > 1 else None
        return Curve(list(x), plain(values.mean(0)), spread)


@dataclass(frozen=True)
class Panel:
    """Named curves on axes with these names.

    log: which axes are logarithmic, as in "xy"; level: a dashed line across; at: dotted lines upwards.
    """

    x: str
    y: str
    curves: Mapping[str, Curve]
    log: str = ""
    level: float | None = None
    at: Sequence[float] = ()


def panels(name: str, title: str, note: str, of: Sequence[Panel], legend: str = "") -> Plot:
    """A picture with a panel each; `legend` says what the curves' names are."""
    data: dict[str, Any] = {"title": title, "note": note, "panels": [asdict(each) for each in of], "named": legend}
    return Plot(name, figures_panels.panels, data)
