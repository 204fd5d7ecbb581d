"""The journal of a run: one line of metrics per epoch, appended while it trains. All other records are derived from
it."""

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self


class Journal:
    """Appends to `metrics.jsonl`; each line is flushed when it is written."""

    def __init__(self, path: Path) -> None:
        self.path = path

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
        line = {"epoch": epoch, "step": step, "time": time.time(), "metrics": finite}
        self.file.write(json.dumps(line) + "\n")
