"""Trains, saves the state to disk, and continues from it in a new process, which compares every bit of the rest.

    python -m tests.train.resuming FOLDER

continues the cases that `save` left in FOLDER and prints what differs, as JSON.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch.utils._pytree import tree_flatten_with_path

from mlcli.config.settings import Settings, settings
from mlcli.run.build import Parts, build
from mlcli.run.lifecycle import plan_of
from mlcli.store import checkpoint
from mlcli.train import loop
from mlcli.train.loop import Epoch, Progress, fit
from mlcli.train.state import can_continue, restore, state_of

EPOCHS = 3
PLACES = ("boundary", "within")
ROOT = Path(__file__).parents[2]


def differences(cases: Mapping[str, Settings], folder: Path) -> dict[str, str]:
    """What differs after a resume, by case and place; for each case "boundary" and, if it has one, "within"."""
    _tick_after_each_step()
    for name, cfg in cases.items():
        save(cfg, folder / name)
    command = [sys.executable, "-m", "tests.train.resuming", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"PYTHONHASHSEED": "7"})
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


def save(cfg: Settings, folder: Path) -> None:
    """Trains to the end, with a checkpoint after the first epoch and one within the second."""
    cfg.trainer.epochs = EPOCHS
    parts, progress = build(cfg), Progress()
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(cfg))
    metrics: dict[str, Any] = {}
    for event in fit(parts.task, plan_of(cfg), progress):
        if isinstance(event, Epoch):
            metrics[str(event.epoch)] = event.metrics
            continue
        place = _place(parts, progress)
        if place and not (folder / place).exists():
            checkpoint.save(folder / place, {"trial": state_of(parts.task, progress), "metrics": dict(metrics)})
    checkpoint.save(folder / "end", _outcome(parts, progress, metrics))


def _place(parts: Parts, progress: Progress) -> str | None:
    if progress.position is None:
        return "boundary" if progress.epoch == 1 else None
    later = progress.epoch == 1 and progress.position.batches >= min(2, parts.steps_per_epoch)
    return "within" if later and can_continue(parts.task, progress) else None


def _outcome(parts: Parts, progress: Progress, metrics: Mapping[str, Any]) -> dict[str, Any]:
    ended = {name: getattr(progress, name) for name in ("epoch", "step", "stopped", "best_epoch", "best_score")}
    return {"metrics": dict(metrics), "task": parts.task.state_dict(), "best": progress.best_weights, "ended": ended}


def go_on(folder: Path, place: str) -> str | None:
    """Continues from a checkpoint. Returns what differs from the training that was not interrupted."""
    cfg = settings(json.loads((folder / "config.json").read_text()))
    parts = build(cfg)
    saved, expected = checkpoint.latest(folder / place), checkpoint.latest(folder / "end")
    assert saved is not None and expected is not None
    torch.manual_seed(12345)  # the generators, too, come from the checkpoint
    progress = restore(saved["trial"], parts.task, parts.device)
    metrics = saved["metrics"]
    for event in fit(parts.task, plan_of(cfg), progress):
        if isinstance(event, Epoch):
            metrics[str(event.epoch)] = event.metrics
    return _first_difference(_outcome(parts, progress, metrics), expected)


def _first_difference(got: Any, expected: Any) -> str | None:
    ours, theirs = (dict(tree_flatten_with_path(each)[0]) for each in (got, expected))
    if ours.keys() != theirs.keys():
        return f"only in one: {sorted(map(str, ours.keys() ^ theirs.keys()))[:5]}"
    return next(
        (f"{path}: {value} is not {theirs[path]}" for path, value in ours.items() if _differ(value, theirs[path])),
        None,
    )


def _differ(one: Any, other: Any) -> bool:
    if not isinstance(one, torch.Tensor):
        return repr(one) != repr(other)
    if one.dtype != other.dtype or (one.shape != other.shape and not _is_archive(other)):
        return True
    same = one.detach().cpu().contiguous().numpy().tobytes() == other.numpy().tobytes()
    return not (same or (_is_archive(one) and _is_archive(other)))


def _is_archive(tensor: torch.Tensor) -> bool:
    """Whether these are the bytes of an estimator of scikit-learn, in which skops states times and places in memory.
    Its metrics are compared nevertheless."""
    return tensor.dtype == torch.uint8 and bytes(tensor[:2].tolist()) == b"PK"


def _tick_after_each_step() -> None:
    loop.TICK = -1.0
    checkpoint.sync = lambda path: None  # type: ignore[assignment]  # a power cut is not tested


def main(folders: Iterable[Path]) -> None:
    _tick_after_each_step()
    found = {}
    for folder in folders:
        for place in PLACES:
            if (folder / place).exists():
                found[f"{folder.name}/{place}"] = go_on(folder, place) or ""
    print(json.dumps(found))


if __name__ == "__main__":
    main(sorted(each for each in Path(sys.argv[1]).iterdir() if each.is_dir()))
