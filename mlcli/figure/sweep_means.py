"""Means over repeats, as the figures of a sweep show them.

Trials are {"trial", "values" (one a key), "score", "pruned"}; a mean is {"values", "score", "deviation", "pruned"}.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlcli.figure.style import VERMILLION, plus_minus

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Trial = dict[str, Any]
Setting = tuple[Any, ...]


@dataclass(frozen=True)
class Mean:
    """A mean with its error bar."""

    score: float
    deviation: float | None
    pruned: bool

    @property
    def low(self) -> float:
        return self.score - (self.deviation or 0.0)

    @property
    def high(self) -> float:
        return self.score + (self.deviation or 0.0)

    def __str__(self) -> str:
        return plus_minus(self.score, self.deviation) if self.deviation else f"{self.score:.4g}"


Means = dict[Setting, Mean]


def by_setting(means: list[dict[str, Any]]) -> Means:
    return {tuple(each["values"]): Mean(each["score"], each["deviation"], each["pruned"]) for each in means}


def trials_note(trials: list[Trial], settings: int, left_out: int, pruned_are: str = "hollow") -> str:
    """How many trials there are, of how many settings; `pruned_are`: how the pruned ones are marked."""
    parts = [f"{len(trials):,} trial{'s' if len(trials) != 1 else ''}"]
    if pruned := sum(trial["pruned"] for trial in trials):
        epochs = sorted({trial["epoch"] for trial in trials if trial["pruned"] and trial.get("epoch")})
        when = f" at epoch {' to '.join(map(str, dict.fromkeys((epochs[0], epochs[-1]))))}" if epochs else ""
        parts[0] += f", {pruned:,} of them pruned{when} ({pruned_are})"
    if settings < len(trials):
        parts.append(f"means of {math.ceil(len(trials) / settings)} repeats")
    if left_out:
        parts.append(f"{left_out} without a score left out")
    return "; ".join(parts)


def prefix(of: str) -> str:
    """What the trials have in common, before a title."""
    return f"{of}: " if of else ""


def best_text(means: Means, best: list[int], where: str) -> str:
    """For a title: the best setting, or that several tie; nothing where values do not compare."""
    if not best:
        return ""
    top = list(means.values())[best[0]]
    if len(best) > 1:
        equal = len({str(list(means.values())[place]) for place in best}) == 1
        return f" · {len(best)} tie at {top}" if equal else f" · best {top}, {len(best)} tie"
    return f" · best {top}" + (f" at {where}" if where else "")


def deviation_note(means: Means, mark: str) -> str:
    return f"; {mark}: ± 1 standard deviation" if any(mean.deviation for mean in means.values()) else ""


def last_part(key: str) -> str:
    return key.rpartition(".")[2]


def ring(axes: "Axes", x: float, y: float) -> None:
    """Around the best setting."""
    axes.plot([x], [y], marker="o", markersize=12, markerfacecolor="none", markeredgecolor=VERMILLION,
              markeredgewidth=1.6, zorder=5)  # fmt: skip
