"""The journal of a run: one line of metrics per epoch, appended while it trains. All other records are derived from
it."""

import json
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mlcli.files import write_atomic
from mlcli.store.records import read_lines


class Journal:
    """Appends to `metrics.jsonl`; each line is flushed when it is written.

    epoch: of the checkpoint from which the run continues, 0 for its beginning. Lines behind it were written, and
    maybe delivered, before the interruption. They stay while the same epochs come again with the same metrics; from
    the first that differs on they are cut, and `on_cut` is called.
    """

    def __init__(self, path: Path, epoch: int = 0, on_cut: Callable[[], None] | None = None) -> None:
        self.path = path
        self.behind: dict[int, dict[str, Any]] = {}  # lines by epoch
        self.on_cut = on_cut
        if path.exists() and on_cut is not None:
            lines, _ = read_lines(path)
            self.behind = {line["epoch"]: line for line in lines if line["epoch"] > epoch}
            content = path.read_bytes()
            if content and not content.endswith(b"\n"):  # a line that a kill has cut off
                write_atomic(path, content[: content.rfind(b"\n") + 1])

    def __enter__(self) -> Self:
        self.file = self.path.open("a", buffering=1, encoding="utf-8", newline="\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()

    def write(self, epoch: int, step: int, metrics: Mapping[str, float]) -> None:
        """Adds an epoch, counted from 1. Metrics that are not finite are omitted, since JSON has no NaN."""
        finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
        known = self.behind.pop(epoch, None)
        if known is not None and (known["step"], known["metrics"]) == (step, finite):
            return
        if known is not None:
            self._cut(epoch)
        line = {"epoch": epoch, "step": step, "time": time.time(), "metrics": finite}
        self.file.write(json.dumps(line) + "\n")

    def end(self) -> None:
        """The training has ended: lines of later epochs are cut."""
        if self.behind:
            self._cut(min(self.behind))

    def _cut(self, epoch: int) -> None:
        """Removes the lines from this epoch on."""
        kept = [line for line in read_lines(self.path)[0] if line["epoch"] < epoch]
        self.behind = {}
        self.file.close()
        write_atomic(self.path, "".join(json.dumps(line) + "\n" for line in kept))
        self.__enter__()
        if self.on_cut is not None:
            self.on_cut()
