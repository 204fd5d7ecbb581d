"""`mlcli verify`: trains a stored run again, in a temporary folder, and compares weights, metrics and predictions."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mlcli.config.check import check
from mlcli.config.errors import ConfigError
from mlcli.config.settings import Settings
from mlcli.run.compatible import is_fitted
from mlcli.run.job import Job
from mlcli.run.lifecycle import train
from mlcli.run.repeat import changed_versions, completed, repeat_machine
from mlcli.store.records import read_json, try_read_json
from mlcli.store.stored_run import StoredRun, read_run
from mlcli.store.weights import load_tensors
from mlcli.track.console import RunDisplay
from mlcli.track.tracking import follow_nothing

WEIGHTS = "model/weights.safetensors"
DEVICE = ("device", "threads")  # of environment.json
LISTED = 5  # differences of one kind


@dataclass(frozen=True)
class Verification:
    """differences: what the repeated training has otherwise, the first one first; none if the run is reproducible.
    changes: what is different around it: data, versions, device. compared: what was, in words."""

    differences: list[str]
    changes: list[str]
    compared: str

    @property
    def is_reproducible(self) -> bool:
        return not self.differences


def verify(run: StoredRun, trust_run: bool, console: RunDisplay) -> Verification:
    """Trains the run again and compares. Writes to a temporary folder only, and calls no tracker. Raises ConfigError
    for a run that cannot be repeated, and what `train` raises."""
    _require_repeatable(run)
    cfg = completed(run, trust_run)
    cfg = Settings(cfg, trainer=Settings(cfg.trainer), device=Settings(cfg.device))
    repeat_machine(cfg, run)
    cfg.trainer.update({"checkpoint_every": None, "keep_checkpoints": False, "baseline": False})
    cfg["tracking"], cfg["conclusion"] = Settings(cfg.tracking, name="none", figures=False), None
    check(cfg)
    with tempfile.TemporaryDirectory(prefix="mlcli-verify-") as place:
        cfg["outputs"] = place
        path = Path(place) / "runs" / run.id
        train(Job(cfg, run.overrides(), path, run.record["command"], run.id), console, follow_nothing, save=None)
        again = read_run(path)
        assert again is not None
        return compare(run, again)


def _require_repeatable(run: StoredRun) -> None:
    name = run.folder.path.name
    if run.damage is not None:
        raise ConfigError(f"{name} is damaged: {run.damage}")
    if run.is_sweep or run.record.get("parent"):
        what = "a sweep" if run.is_sweep else "a trial of a sweep"
        raise ConfigError(f"{name} is {what}, and verify takes single runs, as of the command that `show` prints")
    if run.status != "FINISHED":
        raise ConfigError(f"{name} has not finished ({run.status}): use `mlcli resume {name}` first")
    if str(run.result().get("stopped") or "").startswith("trainer.max_time"):
        raise ConfigError(
            f"{name} was ended by trainer.max_time, after another number of updates each time: use trainer.max_steps "
            "for a training that can be repeated"
        )
    if run.record.get("resumed_with") or run.record.get("resumed_from"):
        raise ConfigError(
            f"{name} was trained further with other settings, and is not one training from its beginning"
        )


def compare(run: StoredRun, again: StoredRun) -> Verification:
    """Compares two finished runs: data, then the metrics of each epoch in turn, those of the result, predictions and
    weights."""
    old, new = run.folder.path, again.folder.path
    changes = _changed_data(old, new)
    history, repeated = run.history(), again.history()
    differences = _of_epochs(history, repeated)
    differences += _of_metrics("result.json", run.result()["metrics"], again.result()["metrics"])
    files = sorted(path.name for path in (old / "predictions").glob("*.csv"))
    for name in files:
        differences += _of_lines(f"predictions/{name}", old / "predictions" / name, new / "predictions" / name)
    fitted = is_fitted(run.folder.config().model)
    if not fitted:  # the archive of an estimator states times and places in memory
        differences += _of_weights(old / WEIGHTS, new / WEIGHTS)
    here, known = (try_read_json(path / "environment.json") or {} for path in (new, old))
    changes += changed_versions(run)
    changes += [f"{key} {known[key]} → {here[key]}" for key in DEVICE if key in known and known[key] != here.get(key)]
    parts = [
        f"{len(history)} epoch{'s'[: len(history) != 1]}",
        "" if fitted else "weights",
        "predictions" if files else "",
    ]
    return Verification(differences, changes, ", ".join(filter(None, parts)))


def _changed_data(old: Path, new: Path) -> list[str]:
    known, here = read_json(old / "data.json"), read_json(new / "data.json")
    if known["digest_version"] == here["digest_version"] and known["digest"] != here["digest"]:
        return ["the data have changed"]
    splits, again = load_tensors(old / "splits.safetensors"), load_tensors(new / "splits.safetensors")
    same = splits.keys() == again.keys() and all(torch.equal(own, again[name]) for name, own in splits.items())
    return [] if same else ["the splits have changed"]


def _of_epochs(history: list[dict[str, Any]], again: list[dict[str, Any]]) -> list[str]:
    """The differences of the first epoch that has some."""
    for own, other in zip(history, again, strict=False):
        found = _of_metrics(f"epoch {own['epoch']}", own["metrics"], other["metrics"])
        if own["step"] != other["step"]:
            found.append(f"epoch {own['epoch']}: {other['step']} updates, not {own['step']}")
        if found:
            return found
    return [] if len(history) == len(again) else [f"{len(again)} epochs, not {len(history)}"]


def _of_metrics(where: str, known: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """Metrics that are not equal bit for bit, in the order in which they were stored."""
    names = [name for name in {**known, **here} if not _is_same(known.get(name), here.get(name))]
    found = [f"{where}: {name} is {here.get(name)}, not {known.get(name)}" for name in names[:LISTED]]
    return found + ([f"{where}: and {len(names) - LISTED} more metrics"] if len(names) > LISTED else [])


def _is_same(one: Any, other: Any) -> bool:
    return bool(one == other or (one != one and other != other))  # NaN is not equal to itself


def _of_lines(name: str, old: Path, new: Path) -> list[str]:
    if not new.exists():
        return [f"{name} is missing"]
    known, here = old.read_bytes().splitlines(), new.read_bytes().splitlines()
    if known == here:
        return []
    wrong = [row for row, (one, other) in enumerate(zip(known, here, strict=False)) if one != other]
    count = len(wrong) + abs(len(known) - len(here))
    first = min(wrong, default=min(len(known), len(here))) + 1
    return [f"{name}: {count} of {max(len(known), len(here))} lines differ, the first is line {first}"]


def _of_weights(old: Path, new: Path) -> list[str]:
    known, here = load_tensors(old), load_tensors(new)
    if known.keys() != here.keys():
        return [f"{WEIGHTS}: the names of the tensors differ"]
    wrong = [name for name, own in known.items() if not _are_equal(own, here[name])]
    return [f"{WEIGHTS}: {len(wrong)} of {len(known)} tensors differ, the first is {wrong[0]}"] if wrong else []


def _are_equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Bit for bit, also where they are NaN."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return torch.equal(one.reshape(-1).view(torch.uint8), other.reshape(-1).view(torch.uint8))
