"""Statistics of each layer by epoch, as heat maps: layers from inputs (top) to outputs, epochs from left to right."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.figure.plot import Plot
from mlcli.figure.style import GREY, HEADER, INK, MARGIN, PALE, brief, is_log, page, panel, room, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

WIDTH, ROW = 4.2, 0.24  # inches
LONGEST = 30  # characters of a layer's name


def layer_statistics(name: str, epochs: Sequence[int], maps: Sequence[dict[str, Any]]) -> Plot:
    """Heat maps side by side, {"kind", "scale" ("log" or "signed"), "layers", "values" (layers × epochs)}."""
    return Plot(name, render_layer_statistics, {"epochs": list(epochs), "maps": list(maps)})


def render_layer_statistics(epochs: list[int], maps: list[dict[str, Any]]) -> "Figure":
    """maps: {"kind", "scale" ("log" or "signed"), "layers", "values" (layers × epochs)} side by side."""
    left = MARGIN + 0.1 + room(maps[0]["layers"], LONGEST)
    height = max(ROW * len(maps[0]["layers"]), 1.2)
    step = WIDTH + 1.1
    first = np.array(maps[0]["values"], dtype=float)
    title = "Activations by layer"
    if maps[0]["kind"] == "gradient_norm":
        ends = (brief(first[0, -1].item()), brief(first[-1, -1].item()))
        title = f"Gradient norms · first layer {ends[0]}, last layer {ends[1]}"
    note = "in evaluation mode, on the first batch of the training split; layers from inputs to outputs"
    figure = page(left + step * len(maps), 0.6 + height + 0.25 + HEADER, title, note)
    for place, each in enumerate(maps):
        axes = panel(figure, left + step * place, 0.6, WIDTH, height, "epoch")
        _map(figure, axes, epochs, each, left + step * place + WIDTH + 0.12, height)
        axes.set_title(each["kind"], size=9, color=INK, loc="left")
        axes.tick_params(axis="y", length=0, labelleft=place == 0, labelcolor=INK)
    return figure


def _map(figure: "Figure", axes: "Axes", epochs: list[int], each: dict[str, Any], left: float, height: float) -> None:
    from matplotlib.ticker import MaxNLocator

    values = np.ma.masked_invalid(np.array(each["values"], dtype=float))
    colours = "RdBu_r" if each["scale"] == "signed" else "viridis"
    extent = (epochs[0] - 0.5, epochs[-1] + 0.5, len(values) - 0.5, -0.5)
    image = axes.imshow(
        values, cmap=colours, norm=_norm(values, each["scale"]), aspect="auto", interpolation="nearest", extent=extent
    )
    axes.grid(False)
    axes.set_yticks(range(len(values)), [shorten(name, LONGEST) for name in each["layers"]])
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    width, whole = figure.get_size_inches()
    bar = figure.colorbar(image, cax=figure.add_axes((left / width, 0.6 / whole, 0.14 / width, height / whole)))
    bar.outline.set_visible(False)
    bar.ax.tick_params(which="both", labelsize=9, labelcolor=GREY, color=PALE, length=2)


def _norm(values: Any, scale: str) -> "Normalize":
    from matplotlib.colors import LogNorm, Normalize

    known = values.compressed()
    if scale == "signed":
        most = float(np.abs(known).max(initial=0)) or 1.0
        return Normalize(-most, most)
    positive = known[known > 0]
    if is_log(positive.tolist(), 10):
        return LogNorm(float(positive.min()), float(positive.max()))
    return Normalize(0, float(known.max(initial=0)) or 1.0)
