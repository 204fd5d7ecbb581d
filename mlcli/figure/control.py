"""Maps of an environment: state values, policies, visits and episodes. S states, A actions, E episodes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Film, Plot, plain
from mlcli.figure.style import BLUE, GREY, HEADER, INK, MARGIN, ORANGE, PALE, VERMILLION, blank, brief, page, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure

WIDEST, LARGEST, SMALLEST = 9.5, 0.62, 0.32  # inches of all maps of a row together, and of a cell
ABOVE, BELOW, BAR = 0.3, 0.25, 0.75  # inches for a map's name, under it, and for its scale
TURNS = {"right": (1, 0), "left": (-1, 0), "up": (0, -1), "down": (0, 1)}  # in a picture, y runs downwards
GROUND = {"#": "#4A4A4A", "O": "#F6D9C9", "G": "#BFE6D8"}  # walls, pits and goals; other cells are states
FADED = "#FFFFFF"  # of a state without a number
POINTS = 500  # of a curve
SMOOTHED = 50  # the running mean is over this part of the episodes
FRAMES = 60  # of a film
SECONDS = 0.25  # of a step in a film


def online_return(returns: np.ndarray, lengths: np.ndarray, expected: tuple[float, float]) -> Plot:
    """online_return: return and length of each of E training episodes; `expected`: those of the final greedy
    policy."""
    window = max(1, len(returns) // SMOOTHED)
    each = (("return", returns, expected[0]), ("episode length", lengths, expected[1]))
    shown = [
        Panel("episode", name, {"agent": _running_mean(values, window)}, level=end) for name, values, end in each
    ]
    last = returns[-max(1, len(returns) // 10) :].mean()
    title = f"Mean return of the last tenth of {len(returns):,} episodes: {last:.4g}"
    note = f"training episodes, running mean over {window}; dashed: expected value of the greedy policy"
    return panels("online_return", title, note, shown)


def _running_mean(values: np.ndarray, window: int) -> Curve:
    """Of each value and those before it within the window, by episode, counted from 1."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.unique(np.linspace(window, len(values), POINTS).round().astype(int))
    return Curve(ends.tolist(), plain((total[ends] - total[ends - window]) / window))


def policy_map(
    name: str, table: np.ndarray, actions: Sequence[str], places: np.ndarray, grid: Sequence[str], path: np.ndarray
) -> dict[str, Any]:
    """A panel for `maps`: state values, greedy actions as arrows, and the states of an episode.

    table: S × A; places: rows and columns of the states, S × 2.
    """
    best = [actions[place] for place in table.argmax(1)]
    decides = np.array([grid[row][column] not in "GO" for row, column in places])
    known = decides & (table.max(1) > table.min(1)) & (set(actions) <= TURNS.keys())
    arrows = [(*places[state].tolist(), best[state]) for state in np.flatnonzero(known)]
    shade = _as_map(np.where(decides, table.max(1), np.nan), places, grid)
    return {"name": name, "shade": shade, "arrows": arrows, "path": places[path].tolist()}


def visits_map(visits: np.ndarray, places: np.ndarray, grid: Sequence[str]) -> dict[str, Any]:
    """How often the agent has been in each state, S."""
    return {
        "name": "",
        "shade": _as_map(np.where(visits > 0, visits, np.nan), places, grid),
        "arrows": [],
        "path": [],
    }


def maps(
    name: str,
    title: str,
    note: str,
    grid: Sequence[str],
    of: Sequence[Mapping[str, Any]],
    scale: str,
    log: bool = False,
) -> Plot:
    """Panels side by side, coloured by one scale."""
    data = {"title": title, "note": note, "grid": list(grid), "panels": [dict(each) for each in of]}
    return Plot(name, render_maps, data | {"scale": scale, "log": log})


def episode(
    title: str, note: str, grid: Sequence[str], panel: Mapping[str, Any], rewards: np.ndarray, limit: int
) -> Plot:
    """episode: the path of a panel that `policy_map` made. rewards: of its steps, one fewer than it has states."""
    gained = np.concatenate([[0.0], rewards.cumsum()])
    captions = [f"step {step} · return {value:.4g}" for step, value in enumerate(gained)]
    path = panel["path"][:FRAMES]
    if len(path) == len(captions):
        captions[-1] += " · truncated" if len(rewards) == limit else " · terminated"
    data = {
        "title": title,
        "note": note,
        "grid": list(grid),
        "shade": panel["shade"],
        "path": path,
        "captions": captions,
    }
    return Plot("episode", render_episode, data, "gif")


def _as_map(values: np.ndarray, places: np.ndarray, grid: Sequence[str]) -> list[Any]:
    filled = np.full((len(grid), len(grid[0])), np.nan)
    filled[places[:, 0], places[:, 1]] = values
    return plain(filled)


def render_maps(
    title: str, note: str, grid: list[str], panels: list[dict[str, Any]], scale: str, log: bool
) -> "Figure":
    """Maps of one environment side by side. grid: its rows of text.

    panels: of each its `name`, `shade`: H × W numbers or None, by which cells are coloured, `arrows`: (row, column,
    name of the action), and `path`: (row, column) of the states of an episode. scale: what the numbers are; without
    one, colours mean in each map something else. log: colours go by logarithms.
    """
    figure, axes = _page(title, note, grid, len(panels))
    norm = _norm([each["shade"] for each in panels], log)
    for own, each in zip(axes, panels, strict=True):
        _map(own, grid, each["shade"], norm if scale else _norm(each["shade"], log))
        own.set_title(shorten(each["name"], 40), size=9, color=INK, loc="left", pad=4)
        _path(own, each["path"])
        _arrows(own, each["arrows"])
    if scale:
        _bar(figure, axes, norm, scale, log)
    return figure


def render_episode(
    title: str, note: str, grid: list[str], shade: list[Any], path: list[Any], captions: list[str]
) -> Film:
    """The states of an episode one after another, as (row, column), with a caption each."""
    figure, (axes,) = _page(title, note, grid, 1)
    _map(axes, grid, shade, _norm([shade], False))
    (trace,) = axes.plot([], [], color=ORANGE, linewidth=3)
    (agent,) = axes.plot([], [], "o", color=VERMILLION, markersize=14, markeredgecolor="white", zorder=5)
    words = axes.set_title("", size=9, color=INK, loc="left", pad=4)
    rows, columns = np.array(path).T

    def show(frame: int) -> None:
        trace.set_data(columns[: frame + 1], rows[: frame + 1])
        agent.set_data(columns[frame : frame + 1], rows[frame : frame + 1])
        words.set_text(captions[frame])

    return Film(figure, len(path), show, SECONDS)


def _page(title: str, note: str, grid: list[str], count: int) -> tuple["Figure", list["Axes"]]:
    """An empty axes for each map, whose units are cells."""
    height, width = len(grid), len(grid[0])
    down = -(-count // max(1, int(WIDEST / (width * SMALLEST))))
    across = -(-count // down)
    cell = min(LARGEST, WIDEST / (across * width))
    wide, high = cell * width, cell * height
    figure = page(2 * MARGIN + across * (wide + MARGIN) + BAR, HEADER + down * (ABOVE + high + BELOW), title, note)
    axes = []
    for place in range(count):
        row, column = divmod(place, across)
        bottom = BELOW + (down - 1 - row) * (ABOVE + high + BELOW)
        own = blank(figure, MARGIN + column * (wide + MARGIN), bottom, wide, high)
        own.set_xlim(-0.5, width - 0.5)
        own.set_ylim(height - 0.5, -0.5)
        axes.append(own)
    return figure, axes


def _map(axes: "Axes", grid: list[str], shade: list[Any], norm: "Normalize") -> None:
    """The ground, the lines between cells, and the marks of the map."""
    from matplotlib.colors import to_rgba

    values = np.array(shade, dtype=float)
    height, width = values.shape
    colours = _colours()(norm(np.ma.masked_invalid(values)))
    for (row, column), value in np.ndenumerate(values):
        mark = grid[row][column]
        if mark in GROUND or np.isnan(value):
            colours[row, column] = to_rgba(GROUND.get(mark, FADED))
        if mark in "SGO":
            x, y, size = (column - 0.36, row - 0.33, 7.5) if mark == "S" else (column, row, 10)
            axes.text(x, y, mark, size=size, weight="bold", color=INK, ha="center", va="center_baseline", zorder=5)
    axes.imshow(colours, interpolation="nearest", aspect="auto")
    axes.vlines(np.arange(width + 1) - 0.5, -0.5, height - 0.5, color="white", linewidth=1)
    axes.hlines(np.arange(height + 1) - 0.5, -0.5, width - 0.5, color="white", linewidth=1)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height], [0, 0]]) - 0.5
    axes.plot(*corners.T, color=PALE, linewidth=1, clip_on=False)


def _arrows(axes: "Axes", arrows: list[Any]) -> None:
    if arrows:
        rows, columns = np.array([place[:2] for place in arrows]).T
        x, y = np.array([TURNS[action] for *_, action in arrows]).T
        axes.quiver(
            columns, rows, x, y, color=INK, pivot="mid", units="x", angles="xy", scale_units="xy", scale=1.6,
            width=0.045, headwidth=5, headlength=5.5, headaxislength=5, zorder=4,
        )  # fmt: skip


def _path(axes: "Axes", path: list[Any]) -> None:
    if path:
        rows, columns = np.array(path).T
        axes.plot(columns, rows, color=ORANGE, linewidth=4.5, solid_capstyle="round", zorder=3)


def _norm(shades: list[Any], log: bool) -> "Normalize":
    from matplotlib.colors import LogNorm, Normalize

    values = np.array(shades, dtype=float)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return LogNorm(low, max(high, 2 * low)) if log else Normalize(low, high if high > low else low + 1)


def _bar(figure: "Figure", axes: list["Axes"], norm: "Normalize", name: str, log: bool) -> None:
    """The scale that all maps share, to their right."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.ticker import FuncFormatter, LogLocator

    place, width = axes[0].get_position(), figure.get_size_inches()[0]
    right = max(own.get_position().x1 for own in axes)
    cax = figure.add_axes((right + 0.15 / width, place.y0, 0.13 / width, place.height))
    bar = figure.colorbar(ScalarMappable(norm, _colours()), cax=cax)
    bar.outline.set_visible(False)
    if log:
        cax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        cax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: brief(value)))
        cax.minorticks_off()
    cax.tick_params(which="both", labelsize=9, color=PALE, labelcolor=GREY, length=2)
    cax.set_title(shorten(name, 12), size=9, color=GREY, loc="left", pad=5)


def _colours() -> "Colormap":
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("worth", ["#F3F6F9", "#A9CFE6", BLUE])
