"""Are a run's metrics in its TensorBoard event files complete and equal to its journal?

Method: the event files are read with TensorBoard's own reader, which stores values in float32.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path

from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun
from mlcli.writers import has_writer

METRICS = ("train/loss", "val/loss", "val/accuracy")
PAUSE = 0.1  # seconds between two looks at the progress of the courier, which writes the event files


def tensorboard(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Loss and accuracy by epoch from the event files, and their largest difference from the journal."""
    folder = runs[0].folder.path
    if runs[0].cfg.tracking.name not in ("tensorboard", "both"):
        return None
    _await_courier(folder)
    read = _read(folder / "tensorboard")
    rows, gap = [], 0.0
    for record in runs[0].history():
        found = [read[name].get(record["epoch"]) for name in METRICS]
        written = [record["metrics"][name] for name in METRICS]
        gap = max(gap, *(abs(one - other) for one, other in zip(found, written, strict=True) if one is not None))
        rows.append((record["epoch"], *found))
    sentence = (
        f"TensorBoard's reader finds {len(read['val/loss'])} of {len(rows)} epochs in the run's event files; values "
        f"differ from the journal by at most {gap:.1g}. Validation loss {rows[0][2]:.4g} → {rows[-1][2]:.4g}, "
        f"accuracy {rows[0][3]:.4g} → {rows[-1][3]:.4g}."
    )
    return Conclusion(sentence, ("epoch", *METRICS), rows)


def _await_courier(folder: Path) -> None:
    """Waits until all of the journal is in the event files, however long the courier takes. Raises RuntimeError if it
    has ended before."""
    while True:
        may_continue = has_writer()  # before the look at its progress, which it may make just before it ends
        if _is_complete(folder):
            return
        if not may_continue:
            raise RuntimeError(f"the event files of {folder.name} are not complete, and their writer has ended")
        time.sleep(PAUSE)


def _is_complete(folder: Path) -> bool:
    state, journal = folder / ".tensorboard.json", folder / "metrics.jsonl"
    return state.exists() and json.loads(state.read_text(encoding="utf-8"))["offset"] == journal.stat().st_size


def _read(folder: Path) -> dict[str, dict[int, float]]:
    """Values by epoch, by name."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return {name: {each.step: each.value for each in accumulator.Scalars(name)} for name in METRICS}
