"""Writes docs/map.svg: the packages of mlcli and their imports, from the syntax trees.

An arrow points to the imported package. Imports that other arrows imply (cli → sweep → run) are listed in the box
instead. Modules that every package may import (tests/test_imports.py) have no arrows.
"""

import ast
from pathlib import Path

from map_layout import Edge, Layout, lay_out, layers, reduced
from map_svg import draw

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "mlcli"
MAP = ROOT / "docs" / "map.svg"


def svg() -> str:
    """The map as SVG, deterministic for the same code."""
    rooms = {path.parent.name: _purpose(path) for path in sorted(PACKAGE.glob("*/__init__.py"))}
    edges = arrows(set(rooms), anywhere())
    key = reduced(edges)
    layout: Layout = lay_out(layers(set(rooms), edges), key)
    implied = {room: sorted(end for start, end in edges - key if start == room) for room in rooms}
    return draw(layout, rooms, key, implied)


def arrows(rooms: set[str], leaves: set[str]) -> set[Edge]:
    """Pairs of packages of which the first imports the second, also inside functions."""
    found: set[Edge] = set()
    for room in rooms:
        for path in (PACKAGE / room).rglob("*.py"):
            for module in _imports(path, leaves) - leaves:
                parts = module.split(".")
                if parts[0] == PACKAGE.name and len(parts) > 1 and parts[1] in rooms - {room}:
                    found.add((room, parts[1]))
    return found


def anywhere() -> set[str]:
    """Modules that every package may import, from the test of imports."""
    tree = ast.parse((ROOT / "tests" / "test_imports.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == "ANYWHERE" for target in node.targets):
            return set(ast.literal_eval(node.value))
    raise SystemExit("error: tests/test_imports.py has no ANYWHERE: adapt scripts/map.py")


def _imports(path: Path, leaves: set[str]) -> set[str]:
    """Modules that a file imports; of `from package import name` the package, or the leaf that `name` is."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names if names <= leaves else {node.module}
    return found


def _purpose(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if not text:
        raise SystemExit(f"error: {path.relative_to(ROOT)} needs a docstring of one line with its contents")
    return text.splitlines()[0].rstrip(".")


if __name__ == "__main__":
    MAP.write_text(svg(), encoding="utf-8")
    print(f"wrote {MAP.relative_to(ROOT)}")
