"""Clusters as points in the plane, their silhouettes, and the iterations of k-means. N examples, K clusters."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.figure.plot import Plot, plain
from mlcli.figure.style import GREY, HEADER, INK, MARGIN, PALETTE, legend, page, panel, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE, LEFT, GAP = 4.2, 0.75, 0.35
MARKERS = "o^sDv"  # with as many colours as the palette has, each cluster has its own


def clusters(
    points: np.ndarray, labels: np.ndarray, centroids: np.ndarray, sizes: np.ndarray, axes: Sequence[str],
    known: np.ndarray | None, classes: Sequence[str],
) -> Plot:  # fmt: skip
    """clusters: N × 2 points with their clusters, K × 2 centroids and the sizes of the clusters. known: the names of
    the classes of the N points, shown in a second panel."""
    data = {
        "points": plain(points),
        "labels": labels.tolist(),
        "centroids": plain(centroids),
        "sizes": sizes.tolist(),
        "axes": list(axes),
        "known": [] if known is None else known.tolist(),
        "classes": [] if known is None else list(classes),
    }
    return Plot("clusters", render_clusters, data)


def labellings(
    points: np.ndarray, labels: Mapping[str, np.ndarray], axes: Sequence[str], names: Sequence[str], title: str,
    note: str,
) -> Plot:  # fmt: skip
    """labellings: N × 2 points, a panel for each labelling: N indices of `names`, by its title."""
    panels = [{"name": name, "labels": own.tolist()} for name, own in labels.items()]
    data = {"points": plain(points), "panels": panels, "axes": list(axes), "names": list(names)}
    return Plot("labellings", render_labellings, data | {"title": title, "note": note})


def silhouettes(values: Sequence[np.ndarray], mean: float, total: int) -> Plot:
    """silhouettes: those of each cluster, largest first."""
    data = {"values": [plain(own.round(4)) for own in values], "mean": mean, "total": total}
    return Plot("silhouettes", render_silhouettes, data)


def iterations(
    points: np.ndarray, panels: Sequence[tuple[int, np.ndarray, np.ndarray, float]], axes: Sequence[str]
) -> Plot:
    """iterations: N × 2 points; a panel for each iteration with the N labels, K × 2 centroids and loss after it."""
    each = [
        {"iteration": iteration, "labels": labels.tolist(), "centroids": plain(centroids), "loss": loss}
        for iteration, labels, centroids, loss in panels
    ]
    return Plot("iterations", render_iterations, {"points": plain(points), "panels": each, "axes": list(axes)})


def render_clusters(
    points: list[list[float]], labels: list[int], centroids: list[list[float]], sizes: list[int], axes: list[str],
    known: list[str], classes: list[str],
) -> "Figure":  # fmt: skip
    """points: N × 2 with their clusters N; centroids: K × 2; sizes: of each cluster, also
    of examples not shown. known: names of the classes N, for a second panel; or nothing."""
    count = 2 if known else 1
    title = f"{len(centroids)} clusters of {sum(sizes):,} examples"
    note = "stars: centroids" + ("; right: the classes, not used in training" if known else "")
    figure = page(MARGIN + count * (LEFT + SIDE + GAP) + 1.3 * count, 0.6 + SIDE + HEADER, title, note)
    flat = np.array(points)
    left = panel(figure, MARGIN + LEFT, 0.6, SIDE, SIDE, *axes)
    handles = _scatter(left, flat, np.array(labels), range(len(centroids)))
    _stars(left, np.array(centroids))
    legend(left, handles, [f"{label}  ({size:,})" for label, size in enumerate(sizes)], "cluster (size)")
    if known:
        right = panel(figure, MARGIN + 2 * LEFT + SIDE + GAP + 1.3, 0.6, SIDE, SIDE, *axes)
        handles = _scatter(right, flat, np.array(known), classes)
        legend(right, handles, [shorten(name, 14) for name in classes], "class")
    return figure


def render_labellings(
    points: list[list[float]], panels: list[dict[str, Any]], axes: list[str], names: list[str], title: str, note: str
) -> "Figure":
    """The same points N × 2 in each panel, {"name", "labels": N places of `names`}."""
    side = 3.4
    figure = page(MARGIN + LEFT + len(panels) * (side + GAP) + 1.1, 0.6 + side + 0.25 + HEADER, title, note)
    flat, handles = np.array(points), []
    for place, each in enumerate(panels):
        left = MARGIN + LEFT + place * (side + GAP)
        own = panel(figure, left, 0.6, side, side, axes[0], "" if place else axes[1])
        handles = _scatter(own, flat, np.array(each["labels"]), range(len(names)))
        own.set_title(each["name"], size=9.5, color=INK, loc="left")
        own.tick_params(labelleft=place == 0)
        if place == len(panels) - 1:
            legend(own, handles, [shorten(name, 14) for name in names])
    return figure


def render_silhouettes(values: list[list[float]], mean: float, total: int) -> "Figure":
    """values: of each cluster the silhouettes of its examples, in descending order."""
    shown = sum(map(len, values))
    below = sum(value < 0 for own in values for value in own)
    title = f"Silhouettes · mean {mean:.3f}, {below / shown:.0%} below 0"
    note = f"{shown:,} of {total:,} examples" if shown < total else f"{total:,} examples"
    figure = page(6.2, 0.6 + SIDE + HEADER, title, f"{note}; below 0: closer to another cluster than to its own")
    axes = panel(figure, MARGIN + LEFT, 0.6, 4.9, SIDE, "silhouette", "cluster")
    low, gap, ticks = 0.0, max(1.0, shown / 100), []
    for label, own in enumerate(values):
        axes.fill_betweenx(low + np.arange(len(own)), 0, own, color=_colour(label), linewidth=0)
        ticks.append(low + len(own) / 2)
        low += len(own) + gap
    axes.axvline(mean, color=INK, linewidth=1, linestyle="--")
    axes.text(mean, low, " mean", size=9, color=GREY, va="bottom")
    axes.set_yticks(ticks, [str(label) for label in range(len(values))])
    axes.set_ylim(low, -gap)
    return figure


def render_iterations(points: list[list[float]], panels: list[dict[str, Any]], axes: list[str]) -> "Figure":
    """panels: {"iteration", "labels": N, "centroids": K × 2, "loss"} in their order."""
    side, across = 2.6, min(3, len(panels))
    down = -(-len(panels) // across)
    last = panels[-1]
    title = f"Clusters by iteration · {last['iteration']} iterations"
    height = 0.6 + down * (side + 0.45) + HEADER
    figure = page(MARGIN + LEFT + across * (side + GAP), height, title, f"{axes[0]}, {axes[1]}; stars: centroids")
    flat = np.array(points)
    for place, each in enumerate(panels):
        row, column = divmod(place, across)
        bottom = 0.4 + (down - 1 - row) * (side + 0.45)
        own = panel(figure, MARGIN + LEFT - 0.2 + column * (side + GAP), bottom, side, side)
        count = len(each["centroids"])
        _scatter(own, flat, np.array(each["labels"]), range(count), size=6)
        _stars(own, np.array(each["centroids"]))
        name = "start" if each["iteration"] == 0 else f"iteration {each['iteration']}"
        own.set_title(f"{name} · loss {each['loss']:.4g}", size=9, color=INK, loc="left")
        own.tick_params(labelleft=column == 0, labelbottom=row == down - 1)
    return figure


def _scatter(axes: "Axes", points: np.ndarray, labels: np.ndarray, names: Any, size: float = 14) -> list[Any]:
    handles = []
    for place, name in enumerate(names):
        own = points[labels == name]
        colour, marker = _colour(place), MARKERS[place // len(PALETTE) % len(MARKERS)]
        handles.append(
            axes.scatter(own[:, 0], own[:, 1], s=size, color=colour, marker=marker, linewidths=0, alpha=0.7)
        )
    return handles


def _stars(axes: "Axes", centroids: np.ndarray) -> None:
    axes.scatter(
        centroids[:, 0], centroids[:, 1], s=130, marker="*", color=INK, edgecolor="white", linewidth=0.8, zorder=5
    )


def _colour(place: int) -> str:
    return PALETTE[place % len(PALETTE)]
