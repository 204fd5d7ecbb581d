"""Writes the tables of docs/compatibility.md from what the contract tests find: `make compatibility`.

A contract module (`CONTRACTS`) has a function `rows()`: what was tried, how it works, and the reason where it does
not train stacked. `python scripts/compatibility.py modules` writes one section alone.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "compatibility.md"
CONTRACTS = {"modules": "tests.odd.modules_contract", "optimizers": "tests.odd.optimizers_contract"}  # by section
WORKS = ("stacked", "alone", "refused")  # order of the rows

Row = tuple[str, str, str]  # what, one of WORKS, reason


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table: those that train stacked first."""
    ordered = sorted(rows, key=lambda row: (WORKS.index(row[1]), row[0].lower()))
    lines = [f"| {what} | {how} | {_escaped(reason)} |" for what, how, reason in ordered]
    return "\n".join(["| what | works | reason |", "|---|---|---|", *lines])


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def section(page: str, name: str) -> str:
    """The text between the markers of a section."""
    return page.split(_begin(name))[1].split(_end(name))[0].strip()


def with_section(page: str, name: str, text: str) -> str:
    """The page with this text between the markers of the section."""
    before, _, rest = page.partition(_begin(name))
    _, _, after = rest.partition(_end(name))
    return f"{before}{_begin(name)}\n{text}\n{_end(name)}{after}"


def _begin(name: str) -> str:
    return f"<!-- {name}: begin (make compatibility) -->"


def _end(name: str) -> str:
    return f"<!-- {name}: end -->"


def main(names: Sequence[str]) -> None:
    sys.path.insert(0, str(ROOT))
    page = PAGE.read_text(encoding="utf-8")
    for name in names or CONTRACTS:
        page = with_section(page, name, table(import_module(CONTRACTS[name]).rows()))
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
