"""Lays out tables: aligned and within the width of a terminal, or with tabs between the cells for a pipe."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import zip_longest

GAP = 2  # spaces between columns
SHORTEST, NARROWEST = 24, 6  # characters that a shortened cell keeps: at first, and in a very narrow terminal
BOLD, DIM, GREEN, RESET = "\x1b[1m", "\x1b[2m", "\x1b[1;32m", "\x1b[0m"


@dataclass
class Column:
    """A column as text. right: aligned right, as numbers are. cut: cells end with … where there is no room, rather
    than continue on the next line."""

    name: str
    cells: list[str]
    footer: str = ""
    right: bool = False
    cut: bool = False
    width: int = 0
    split_name: bool = False  # val/accuracy on two lines

    def header(self) -> list[str]:
        return _pieces(self.name) if self.split_name else [self.name]

    def least(self) -> int:
        """The width that it needs without a change of its cells."""
        return max(map(width_of, [*self.header(), *self.cells, self.footer]), default=0)

    def longest_word(self) -> int:
        words = [word for cell in [*self.cells, self.footer] for word in cell.split()]
        return max(map(width_of, [*self.header(), *words]), default=0)

    def lines(self, cell: str) -> list[str]:
        if width_of(cell) <= self.width:
            return [cell]
        if self.cut or self.right:
            return [shortened(cell, self.width)]
        return [shortened(line, self.width) for line in wrapped(cell, self.width)]


def width_of(text: str) -> int:
    """Columns of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def shortened(text: str, width: int) -> str:
    """The text, with … at its end if it is cut."""
    if width_of(text) <= width:
        return text
    while text and width_of(text) > width - 1:
        text = text[:-1]
    return f"{text.rstrip()}…"


def wrapped(text: str, width: int) -> list[str]:
    """Lines of whole words; a word that is longer than a line has its own."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and width_of(joined) > width:
            lines.append(word)
        else:
            lines[-1] = joined
    return lines


def with_tabs(columns: Sequence[Column], footer: bool) -> list[str]:
    """A line for each row, with a tab between two cells."""
    rows = [[column.name for column in columns], *zip(*(column.cells for column in columns), strict=True)]
    rows += [[column.footer for column in columns]] if footer else []
    return ["\t".join(cell.replace("\t", " ") for cell in row) for row in rows]


def fitted(columns: Sequence[Column], limit: int, optional: Collection[str]) -> tuple[list[Column], list[str]]:
    """Sets widths so that a row takes at most `limit` columns of the terminal, if it can. Returns the columns to
    show, and the names of those that were left out: of `optional`, the first are left out first."""
    shown = list(columns)
    for column in shown:
        column.width = column.least()
    if _total(shown) > limit:
        for column in shown:
            column.split_name = True
            column.width = column.least()
    full = {column.name: column.width for column in shown}
    left_out: list[str] = []
    _shrink(shown, [min(column.width, SHORTEST) if column.cut else column.width for column in shown], limit)
    for name in optional:
        if _total(shown) <= limit:
            break
        if any(column.name == name for column in shown) and len(shown) > 1:
            shown = [column for column in shown if column.name != name]
            left_out.append(name)
    _shrink(
        shown, [column.width if column.right else min(column.width, column.longest_word()) for column in shown], limit
    )
    _shrink(shown, [min(column.width, column.width if column.right else NARROWEST) for column in shown], limit)
    for column in shown:  # what leaving out a column has freed
        column.width = min(full[column.name], column.width + max(limit - _total(shown), 0))
    return shown, [column.name for column in columns if column.name in left_out]


def _total(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)


def _shrink(columns: Sequence[Column], floors: Sequence[int], limit: int) -> None:
    """Narrows the widest columns, each at most to its floor, until they fit."""
    while _total(columns) > limit:
        above = [column for column, floor in zip(columns, floors, strict=True) if column.width > floor]
        if not above:
            return
        max(above, key=lambda column: column.width).width -= 1


def aligned(columns: Sequence[Column], footer: bool, coloured: bool) -> list[str]:
    """The lines of a table: names, a rule, rows, and with a footer another rule and the footer."""
    rule = styled("─" * _total(columns), DIM, coloured)
    header = [_at_the_bottom(column.header(), columns) for column in columns]
    lines = [styled(line, BOLD, coloured) for line in _row(columns, header)] + [rule]
    for cells in zip(*(column.cells for column in columns), strict=True):
        pieces = [column.lines(cell) for column, cell in zip(columns, cells, strict=True)]
        lines += _row(columns, pieces, coloured)
    if footer:
        lines += [rule, *_row(columns, [column.lines(column.footer) for column in columns])]
    return lines


def _at_the_bottom(lines: list[str], columns: Sequence[Column]) -> list[str]:
    """The lines of a name, below empty ones, so that the names of all columns end in the same line."""
    height = max(len(column.header()) for column in columns)
    return [*[""] * (height - len(lines)), *lines]


def _row(columns: Sequence[Column], pieces: Sequence[list[str]], coloured: bool = False) -> list[str]:
    """The lines of a row whose cells may have several."""
    return [
        (" " * GAP).join(map(_padded, parts, columns, [coloured] * len(columns))).rstrip()
        for parts in zip_longest(*pieces, fillvalue="")
    ]


def _padded(text: str, column: Column, coloured: bool) -> str:
    """A cell in the width of its column; one that starts with a star is green."""
    space = " " * max(column.width - width_of(text), 0)
    text = styled(text, GREEN if text.startswith("*") else "", coloured)
    return space + text if column.right else text + space


def _pieces(name: str) -> list[str]:
    """A name in two lines, after its last / or before its last word."""
    first, slash, last = name.rpartition("/")
    if slash:
        return [first + slash, last]
    first, space, last = name.rpartition(" ")
    return [first, last] if space else [name]


def styled(text: str, style: str, coloured: bool) -> str:
    return f"{style}{text}{RESET}" if coloured and style else text
