"""Numbers from 0 to 1 of several things beside each other, as bars in groups."""

from collections.abc import Mapping, Sequence

from mlcli.figure import bar_axes as figures_bars
from mlcli.figure.plot import Plot, plain


def bars(name: str, title: str, note: str, groups: Sequence[str], scores: Mapping[str, Sequence[float]]) -> Plot:
    """A group of bars for each of G names, in it a bar for each of the named G scores."""
    data = {"title": title, "note": note, "groups": list(groups), "scores": {k: plain(v) for k, v in scores.items()}}
    return Plot(name, figures_bars.bars, data)
