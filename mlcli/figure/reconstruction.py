"""Examples beside their reconstructions, and the distribution of the errors. N examples."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.figure.plot import Plot, plain
from mlcli.figure.style import (
    BLUE,
    GREY,
    HEADER,
    INK,
    MARGIN,
    PALE,
    VERMILLION,
    blank,
    brief,
    legend_above,
    page,
    panel,
    room,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE, GAP = 0.72, 0.07  # inches
LARGEST = 64  # pixels of a side; larger images are subsampled
COLUMNS, WIDE, TALL = 5, 1.75, 1.15  # panels of curves
BETWEEN, ABOVE = 0.22, 0.3
COLOURS = {"clean": GREY, "rebuilt": BLUE}
DISPLAYED = {"rebuilt": "reconstructed"}


def reconstructions(
    name: str, rows: Mapping[str, np.ndarray], errors: Mapping[str, np.ndarray], chosen: Sequence[int] | np.ndarray,
    worst: bool = False,
) -> Plot:  # fmt: skip
    """The chosen examples side by side: images, or otherwise a panel of curves for each.

    rows: N × shape by name, "clean" and "rebuilt" among them; vectors in standard deviations. errors: of each row but
    the clean one the N mean squared errors.
    """
    chosen = np.asarray(chosen)
    data: dict[str, Any] = {
        "mse": {key: float(values.mean()) for key, values in errors.items()},
        "errors": {key: plain(values[chosen]) for key, values in errors.items()},
        "index": chosen.tolist(),
        "total": len(rows["clean"]),
        "worst": worst,
        "unit": _unit(rows),
    }
    if rows["clean"].ndim == 4:
        return Plot(name, render_images, data | {"rows": _pixels(rows, chosen)})
    return Plot(name, render_curves, data | _curves(rows, chosen))


def error_distribution(
    rows: Mapping[str, np.ndarray], errors: Mapping[str, np.ndarray], edges: np.ndarray,
    counts: Mapping[str, np.ndarray],
) -> Plot:  # fmt: skip
    """reconstruction_error: histograms of the errors, `counts` between these `edges`, by the name of the row."""
    data = {
        "edges": plain(edges),
        "counts": {key: values.tolist() for key, values in counts.items()},
        "means": {key: float(values.mean()) for key, values in errors.items()},
        "total": len(rows["clean"]),
        "unit": _unit(rows),
    }
    return Plot("reconstruction_error", render_error_distribution, data)


def _pixels(rows: Mapping[str, np.ndarray], chosen: np.ndarray) -> dict[str, Any]:
    """N × height × width (× 3) bytes, the range of the clean ones from black to white."""
    clean = rows["clean"]
    low, high = float(clean.min()), float(clean.max())
    stride = max(-(-max(clean.shape[2:]) // LARGEST), 1)
    found = {}
    for name, values in rows.items():
        images = values[chosen][:, :, ::stride, ::stride].astype(np.float64)
        images = np.moveaxis(images, 1, 3) if images.shape[1] == 3 else images.mean(1)
        found[name] = ((images - low) / ((high - low) or 1) * 255).round().clip(0, 255).astype(np.uint8).tolist()
    return found


def _curves(rows: Mapping[str, np.ndarray], chosen: np.ndarray) -> dict[str, Any]:
    """The features of a vector, or of a sequence the first feature at each time step."""
    shape = rows["clean"].shape[1:]
    if len(shape) == 1:
        axes = ["feature", "z-score"]
        return {"rows": {name: plain(values[chosen]) for name, values in rows.items()}, "axes": axes}
    axes = ["step", f"feature 1 of {shape[1]}" if shape[1] > 1 else "value"]
    return {"rows": {name: plain(values[chosen][..., 0]) for name, values in rows.items()}, "axes": axes}


def _unit(rows: Mapping[str, np.ndarray]) -> str:
    return "standard deviations" if rows["clean"].ndim == 2 else "units of the data"


def render_images(
    rows: dict[str, list[Any]], mse: dict[str, float], errors: dict[str, list[float]], index: list[int], total: int,
    worst: bool, unit: str,
) -> "Figure":  # fmt: skip
    """A row of images for each of `rows`, an example a column, and below each the error of its reconstruction."""
    height, width = np.shape(rows["clean"])[1:3]
    scale = PICTURE / max(height, width)
    tall, wide = height * scale, width * scale
    names = room([*map(_displayed, rows)], 13) + 0.1
    across, down = names + len(index) * (wide + GAP), len(rows) * (tall + GAP) + 0.22
    figure = page(2 * MARGIN + across, HEADER + down + MARGIN, *_words(mse, len(index), total, worst, unit))
    axes = blank(figure, MARGIN, MARGIN, across, down)
    for row, (name, images) in enumerate(rows.items()):
        y = row * (tall + GAP)
        axes.text(0, y + tall / 2, _displayed(name), size=9.5, color=INK, va="center")
        for column, image in enumerate(images):
            x = names + column * (wide + GAP)
            axes.imshow(
                np.array(image, dtype=np.uint8), cmap="gray", vmin=0, vmax=255, interpolation="nearest",
                aspect="auto", extent=(x, x + wide, y + tall, y),
            )  # fmt: skip
    axes.text(0, down - 0.08, "MSE", size=9, color=GREY)
    for column, error in enumerate(errors["rebuilt"]):
        x = names + column * (wide + GAP) + wide / 2
        axes.text(x, down - 0.08, brief(error), size=9, color=GREY, ha="center")
    axes.set_xlim(0, across)
    axes.set_ylim(down, 0)
    return figure


def render_curves(
    rows: dict[str, list[Any]], axes: list[str], mse: dict[str, float], errors: dict[str, list[float]],
    index: list[int], total: int, worst: bool, unit: str,
) -> "Figure":  # fmt: skip
    """A panel for each example: the clean curve, the inputs of the model as dots, and its reconstruction."""
    columns, lines = min(COLUMNS, len(index)), -(-len(index) // COLUMNS)
    left, bottom = MARGIN + 0.6, 0.55
    across, down = columns * (WIDE + BETWEEN) - BETWEEN, lines * (TALL + ABOVE)
    figure = page(left + across + 0.3, bottom + down + 0.15 + HEADER, *_words(mse, len(index), total, worst, unit))
    values = np.array([v for name in ("clean", "rebuilt") for v in rows[name]], dtype=float)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    pad = 0.08 * (high - low) or 1.0
    handles: list[Any] = []
    for place, error in enumerate(errors["rebuilt"]):
        column, line = place % COLUMNS, lines - 1 - place // COLUMNS
        here = panel(figure, left + column * (WIDE + BETWEEN), bottom + line * (TALL + ABOVE), WIDE, TALL)
        handles = [_curve(here, name, examples[place]) for name, examples in rows.items()]
        here.set_ylim(low - pad, high + pad)
        here.locator_params(axis="x", integer=True, nbins=4)
        here.tick_params(labelleft=column == 0, labelbottom=place + COLUMNS >= len(index))
        here.set_title(f"MSE {brief(error)}", size=9, color=GREY, loc="right", pad=3)
    legend_above(blank(figure, left, bottom + down, across, 0.01), handles, [*map(_displayed, rows)])
    width, height = figure.get_size_inches()
    figure.text((left + across / 2) / width, 0.16 / height, axes[0], size=9.5, color=INK, ha="center")
    middle = (bottom + down / 2) / height
    figure.text(0.28 / width, middle, axes[1], size=9.5, color=INK, rotation=90, ha="center", va="center")
    return figure


def _curve(axes: Any, name: str, values: list[float]) -> Any:
    positions = np.arange(1, len(values) + 1)
    known = np.array(values, dtype=float)
    if name not in COLOURS:
        return axes.plot(positions, known, color=VERMILLION, linestyle="", marker="o", markersize=2.2, alpha=0.6)[0]
    width = 2.4 if name == "clean" else 1.3
    return axes.plot(positions, known, color=COLOURS[name], linewidth=width, alpha=0.5 if name == "clean" else 1)[0]


def render_error_distribution(
    edges: list[float], counts: dict[str, list[int]], means: dict[str, float], total: int, unit: str
) -> "Figure":
    """How many examples have which error; of corrupted inputs also that of the identity baseline."""
    reconstructed = f"mean {brief(means['rebuilt'])}"
    others = [f"{brief(mean)} {name}" for name, mean in means.items() if name != "rebuilt"]
    title = " · ".join(["Reconstruction error", ", ".join([reconstructed, *others])])
    note = f"{total:,} examples, in {unit}; lines: means"
    figure = page(MARGIN + 0.75 + 5.4 + 0.3, 0.6 + 3.2 + 0.25 + HEADER, title, note)
    axes = panel(figure, MARGIN + 0.75, 0.6, 5.4, 3.2, "mean squared error per example", "examples")
    handles = []
    for name, heights in counts.items():
        colour = COLOURS.get(name, VERMILLION)
        handles.append(axes.stairs(heights, edges, fill=True, color=colour, alpha=0.55))
        axes.axvline(means[name], color=colour, linewidth=1.2)
    if len(counts) > 1:
        legend_above(axes, handles, [*map(_displayed, counts)])
    axes.set_xlim(0, edges[-1])
    axes.axhline(0, color=PALE, linewidth=1)
    return figure


def _displayed(name: str) -> str:
    return DISPLAYED.get(name, name)


def _words(mse: dict[str, float], shown: int, total: int, worst: bool, unit: str) -> tuple[str, str]:
    """Title and note."""
    title = "Worst reconstructions" if worst else "Reconstructions"
    parts = [
        f"{brief(error)} {_displayed(name)}"
        for name, error in sorted(mse.items(), key=lambda pair: pair[0] != "rebuilt")
    ]
    which = f"the {shown} largest errors of" if worst else f"{shown} of"
    return (
        f"{title} · MSE {', '.join(parts)}",
        f"{which} {total:,} examples; mean squared errors in {unit}",
    )
