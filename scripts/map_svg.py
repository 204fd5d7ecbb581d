"""The map as SVG: boxes in layers, and arrows from above."""

import textwrap
from html import escape

from map_layout import Edge, Layout

WIDTH, HEIGHT, STEP = 176, 98, 174  # of a box, and from layer to layer
SCALE, MARGIN = 176, 28
HEAD, PORT = 7, 14  # length of an arrow's head, and the distance of arrows at a box
COLOURS = ("#e8eef7", "#e3f1ec", "#fdf3dc", "#fbe9e3", "#efe7f6", "#e6eef0")  # by layer, the lowest first
LINES = ("#4b6ea8", "#2f8468", "#a9781a", "#b25b3f", "#7a55a3", "#55727a")
STYLE = """
  text { font-family: Helvetica, Arial, sans-serif; fill: #22272e; text-anchor: middle }
  .name { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 15px; font-weight: bold }
  .purpose { font-size: 10.5px; fill: #444c56 }
  .also { font-size: 9.5px; fill: #768390 }
  path { fill: none; stroke-width: 1.6 }
"""


def draw(layout: Layout, purposes: dict[str, str], edges: set[Edge], implied: dict[str, list[str]]) -> str:
    left = min(layout.x[room] for room in purposes) * SCALE - WIDTH / 2 - MARGIN
    right = max(layout.x[room] for room in purposes) * SCALE + WIDTH / 2 + MARGIN
    top = max(layout.level.values())
    place = {node: (x * SCALE - left, MARGIN + (top - layout.level[node]) * STEP) for node, x in layout.x.items()}
    ports = _ports(layout, edges)
    height = MARGIN + top * STEP + HEIGHT + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right - left:.0f} {height}" role="img" '
        f'aria-label="Packages of mlcli and who imports whom">',
        f"<style>{STYLE}</style>",
        f'<rect width="{right - left:.0f}" height="{height}" rx="12" fill="#ffffff"/>',
        *(_arrow(layout, edge, place, ports) for edge in sorted(edges)),
        *(
            _box(room, text, implied[room], layout.level[room], place[room])
            for room, text in sorted(purposes.items())
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _box(room: str, purpose: str, implied: list[str], level: int, place: tuple[float, float]) -> str:
    x, y = place
    fill, line = COLOURS[level % len(COLOURS)], LINES[level % len(LINES)]
    described = textwrap.wrap(purpose, 29, break_on_hyphens=False)
    if len(described) > 3:
        raise SystemExit(f"error: the first line of mlcli/{room}/__init__.py is too long for the map: {purpose}")
    lines = [("name", room), *(("purpose", text) for text in described)]
    lines += [("also", text) for text in textwrap.wrap(f"also: {', '.join(implied)}", 36)] if implied else []
    rows, at = [], y + (HEIGHT - 14.5 * (len(lines) - 1)) / 2 + 3
    for kind, text in lines:
        rows.append(f'<text class="{kind}" x="{x:.1f}" y="{at:.1f}">{escape(text)}</text>')
        at += 16.5 if kind == "name" else 13.5
    box = f'<rect x="{x - WIDTH / 2:.1f}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="9"'
    box += f' fill="{fill}" stroke="{line}"/>'
    return "\n".join([f'<g id="{room}">', box, *rows, "</g>"])


def _ports(layout: Layout, edges: set[Edge]) -> dict[tuple[Edge, str], float]:
    """Distance of each arrow from the centre of its box, ordered by the other ends."""
    found: dict[tuple[Edge, str], float] = {}
    for room in {room for edge in edges for room in edge}:
        leaving = sorted((layout.x[layout.paths[edge][1]], edge) for edge in edges if edge[0] == room)
        arriving = sorted((layout.x[layout.paths[edge][-2]], edge) for edge in edges if edge[1] == room)
        for row in (leaving, arriving):
            for i, (_, edge) in enumerate(row):
                found[edge, room] = (i - (len(row) - 1) / 2) * PORT
    return found


def _arrow(
    layout: Layout, edge: Edge, place: dict[str, tuple[float, float]], ports: dict[tuple[Edge, str], float]
) -> str:
    """A smooth line through the waypoints of an edge, with an arrowhead at the imported package."""
    nodes = layout.paths[edge]
    colour = LINES[layout.level[nodes[0]] % len(LINES)]
    x, y = place[nodes[0]][0] + ports[edge, edge[0]], place[nodes[0]][1] + HEIGHT
    line = f"M {x:.1f} {y:.1f}"
    for node in nodes[1:]:
        end_x, end_y = place[node]
        if node == edge[1]:
            end_x, end_y = end_x + ports[edge, node], end_y - HEAD
        middle = (y + end_y) / 2
        line += f" C {x:.1f} {middle:.1f} {end_x:.1f} {middle:.1f} {end_x:.1f} {end_y:.1f}"
        if node != edge[1]:
            end_y += HEIGHT
            line += f" V {end_y:.1f}"
        x, y = end_x, end_y
    head = f"M {x - 4:.1f} {y:.1f} L {x + 4:.1f} {y:.1f} L {x:.1f} {y + HEAD:.1f} Z"
    return (
        f'<path class="arrow" data-edge="{edge[0]} {edge[1]}" stroke="{colour}" d="{line}"/>'
        f'<path style="fill: {colour}" d="{head}"/>'
    )
