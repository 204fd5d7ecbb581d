"""A progress bar in one line of a terminal: the bar, a text and the time that remains."""

from typing import Any

WIDTH, LEAST = 24, 4  # of the bar: as a rule, and where the text needs the room
TIME = 7  # columns of the remaining time


def progress_bar(text: str) -> Any:
    """rich's Progress, with a field of its task as the text."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(bar_width=WIDTH), TextColumn(text, markup=False), TimeRemainingColumn(compact=True))
    # No refresh thread: it would compete for the GIL with a training loop of short steps.
    return Progress(*columns, console=Console(stderr=True), auto_refresh=False)


def room_for_text(bar: Any) -> int:
    """Columns of the terminal beside the shortest bar and the time."""
    return int(bar.console.width) - LEAST - TIME - 2
