"""The common style of all figures: a title with the main number, light axes, colours for all kinds of colour vision.

Places are given in inches from the lower left corner: a fixed layout renders faster than
matplotlib's automatic ones, and labels get room by their length.
"""

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito (2008), "Color Universal Design": distinct under every common colour-vision deficiency.
BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"
PINK, ORANGE, SKY = "#CC79A7", "#E69F00", "#56B4E9"
PALETTE = (BLUE, VERMILLION, GREEN, PINK, ORANGE, SKY)
INK, GREY, PALE, FAINT = "#222222", "#6B6B6B", "#B8B8B8", "#E9E9E9"

HEADER = 0.98  # inches for subject, title and note
MARGIN = 0.20
NOTE_SIZE, SMALLEST = 9.5, 7.0  # points of notes and subjects, and of long ones
WIDEST = 7.5  # inches of a page widened for its title
# Widths of an average character of labels, titles and notes, in inches.
CHARACTER, TITLE_CHARACTER, NOTE_CHARACTER = 0.085, 0.112, 0.071


def page(width: float, height: float, title: str, note: str = "") -> "Figure":
    """An empty figure of width × height inches with a title and a note in small grey letters below it.

    It is widened, up to WIDEST, for a long title or note.
    """
    from matplotlib.figure import Figure

    words = max(TITLE_CHARACTER * len(title), NOTE_CHARACTER * len(note))
    width = max(width, min(words + 2 * MARGIN, WIDEST))
    figure = Figure(figsize=(width, height))
    left, across = MARGIN / width, width - 2 * MARGIN
    title = shorten(title, int(across / TITLE_CHARACTER))
    figure.text(left, 1 - 0.50 / height, title, size=13, weight="bold", color=INK)
    if note:
        size = _size(note, across)
        note = shorten(note, int(across / NOTE_CHARACTER * NOTE_SIZE / size + 1e-6))
        figure.text(left, 1 - 0.75 / height, note, size=size, color=GREY)
    return figure


def write_subject(figure: "Figure", subject: str) -> None:
    """Names what the figure is about (run, model, data) in small letters above the title, smaller ones if it is long:
    its end, the id with the number of the trial, is not cut off."""
    width, height = figure.get_size_inches()
    across = width - 2 * MARGIN
    size = _size(subject, across)
    shown = _without_middle(subject, int(across / NOTE_CHARACTER * NOTE_SIZE / size + 1e-6))
    figure.text(MARGIN / width, 1 - 0.21 / height, shown, size=size, color=GREY)


def _size(text: str, across: float) -> float:
    """Points of a note in this many inches: fewer for a long one."""
    return max(SMALLEST, min(NOTE_SIZE, NOTE_SIZE * across / NOTE_CHARACTER / max(len(text), 1)))


def _without_middle(subject: str, characters: int) -> str:
    """A subject (model, name, id) in at most `characters`: its middle part is shortened first."""
    first, *middle, last = subject.split(" · ") if " · " in subject else ("", subject)
    kept = characters - len(f"{first} ·  · {last}")
    if not first or not middle or len(subject) <= characters:
        return shorten(subject, characters)
    parts = [first, shorten(" · ".join(middle), kept), last] if kept > 1 else [first, last]
    return shorten(" · ".join(parts), characters)


def widths(count: int) -> list[float]:
    """Widths of lines plotted in this order, each narrower than the one below it, so that all of them can be seen
    where they coincide."""
    return [1.5 + min(1.4, 4.2 / max(count - 1, 1)) * (count - 1 - place) for place in range(count)]


def panel(
    figure: "Figure", left: float, bottom: float, width: float, height: float, x: str = "", y: str = ""
) -> "Axes":
    """Axes at a place in inches, with a light grid behind the data and names for both axes."""
    whole_width, whole_height = figure.get_size_inches()
    place = (left / whole_width, bottom / whole_height, width / whole_width, height / whole_height)
    axes = figure.add_axes(place)
    axes.grid(True, color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(PALE)
    axes.tick_params(which="both", labelsize=9, color=PALE, labelcolor=GREY, length=3)
    axes.ticklabel_format(useOffset=False, scilimits=(-5, 7))
    for axis in (axes.xaxis, axes.yaxis):
        axis.offsetText.set(size=9, color=GREY)
    axes.tick_params(which="minor", length=0, labelleft=False, labelbottom=False)
    axes.set_xlabel(safe(x), size=10, color=INK)
    axes.set_ylabel(safe(y), size=10, color=INK)
    return axes


def blank(figure: "Figure", left: float, bottom: float, width: float, height: float) -> "Axes":
    """A canvas without axes, whose data units are inches and whose y runs downwards."""
    axes = panel(figure, left, bottom, width, height)
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    return axes


def legend(axes: "Axes", handles: Sequence["Artist"], labels: Sequence[str], title: str = "") -> None:
    """To the right of the axes."""
    names = [safe(label) for label in labels]
    box = axes.legend(
        handles, names, loc="upper left", bbox_to_anchor=(1.03, 1.0), frameon=False, fontsize=9,
        labelcolor=INK, borderaxespad=0, handlelength=1.6, title=title or None, title_fontsize=9, alignment="left",
    )  # fmt: skip
    box.get_title().set_color(GREY)


def legend_above(axes: "Axes", handles: Sequence["Artist"], labels: Sequence[str]) -> None:
    """In one line above the axes."""
    axes.legend(
        handles, [safe(label) for label in labels], loc="lower left", bbox_to_anchor=(0, 1.0), frameon=False,
        fontsize=9, labelcolor=INK, borderaxespad=0.2, handlelength=1.6, ncols=len(labels), columnspacing=1.4,
    )  # fmt: skip


def legend_below(
    figure: "Figure", handles: Sequence["Artist"], labels: Sequence[str], title: str, columns: int
) -> None:
    """In columns at the lower edge of the figure."""
    width, height = figure.get_size_inches()
    box = figure.legend(
        handles, [safe(label) for label in labels], loc="lower left", bbox_to_anchor=(MARGIN / width, 0.04 / height),
        frameon=False, fontsize=9, labelcolor=INK, borderaxespad=0, borderpad=0, handlelength=1.6, ncols=columns,
        columnspacing=1.4, labelspacing=0.3, title=title or None, title_fontsize=9, alignment="left",
    )  # fmt: skip
    box.get_title().set_color(GREY)


def safe(text: str) -> str:
    """Text as it stands: no dollar starts a formula, no leading underscore hides a legend entry."""
    text = str(text).replace(r"\$", "$").replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def shorten(text: str, characters: int) -> str:
    """Limits a text to a number of characters, as `safe`; an ellipsis stands for the rest."""
    text = " ".join(str(text).split())
    return safe(text if len(text) <= characters else text[: max(characters - 1, 1)] + "…")


def wrap(text: str, characters: int, lines: int) -> str:
    return safe("\n".join(textwrap.wrap(text, characters, max_lines=lines, placeholder="…")) or text)


def room(labels: Sequence[str], most: int) -> float:
    """Inches that the longest label takes when it is cut at `most` characters."""
    return CHARACTER * min(max((len(str(label)) for label in labels), default=0), most)


def brief(value: object) -> str:
    """A value in a few characters: 0.0123, 1,250, 3.1e-05, mlp."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–" if value is None else str(value)
    if isinstance(value, int) or (value == int(value) if abs(value) < 1e6 else False):
        return f"{int(value):,}" if abs(value) < 1e6 else f"{value:.3g}"
    if 1000 <= abs(value) < 1e6:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def log_scale(axes: "Axes", which: str, values: Sequence[float]) -> None:
    """Makes the x or y axis logarithmic, with readable numbers at 1, 2 and 5 while that leaves few of them."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    axes.set(**{f"{which}scale": "log"})
    axis = axes.xaxis if which == "x" else axes.yaxis
    if max(values) / min(values) < 2000:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: brief(value)))


def is_log(values: Sequence[float], ratio: float) -> bool:
    """Whether all values are positive and the largest is at least `ratio` times the smallest."""
    return len(values) > 0 and min(values) > 0 and max(values) / min(values) >= ratio


def plus_minus(mean: float, deviation: float) -> str:
    """As in 0.0412 ± 0.0031: the deviation to two significant figures, and the mean to the same decimal place."""
    if deviation < 1e-12 * abs(mean):  # rounding errors of equal values
        deviation = 0.0
    if not 1e-6 <= deviation < 1e6:
        return f"{mean:.4g} ± {deviation:.2g}"
    places = max(1 - math.floor(math.log10(deviation)), 0)
    return f"{mean:.{places}f} ± {deviation:.{places}f}"
