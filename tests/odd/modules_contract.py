"""What mlcli does with each module of `tests.odd.zoo`: two trials are trained alone and as a stack, saved, evaluated,
predicted, and opened in a new process."""

import copy
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mlcli.config.errors import ConfigError
from mlcli.config.settings import Settings
from mlcli.run.build import build
from mlcli.run.evaluate import evaluate_run
from mlcli.run.failure import first_line
from mlcli.run.job import Job
from mlcli.run.lifecycle import train
from mlcli.run.load import load_model
from mlcli.run.member import StackMember
from mlcli.run.stacked import build_trials, stack_of, train_stacked
from mlcli.store.weights import load_weights
from mlcli.traits import model_traits
from tests.configs import run_config
from tests.odd import zoo

ROOT = Path(__file__).resolve().parents[2]
SEEDS = (0, 1)
QUICK = ["device=cpu", "device.threads=1", "tracking=none", "tracking.figures=false", "trainer.epochs=2"]
QUICK += ["optimizer=sgd", "trainer.batch_size=32", "trainer.max_steps=5"]
DATA = {"vector": "data=wine", "sequence": "data=digits", "image": "data=digits"}
# Sums in another order differ by rounding, which two epochs of training enlarge.
WEIGHTS, METRICS = 1e-5, 1e-4
BASES = (zoo.Vector, zoo.Sequence, zoo.Image)


class Silent:
    """A console that shows nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


@dataclass(frozen=True)
class Found:
    name: str
    how: str  # stacked, alone, refused
    reason: str = ""
    folders: tuple[Path, ...] = ()


def names() -> list[str]:
    """The modules, in the order of the file."""
    kinds = {name: each for name, each in vars(zoo).items() if isinstance(each, type) and issubclass(each, BASES)}
    return [name for name, kind in kinds.items() if kind not in BASES]


def configs() -> dict[str, Settings]:
    """A config by kind of input. Composing takes longer than training, so each module replaces the model of one."""
    return {kind: run_config(*QUICK, data) for kind, data in DATA.items()}


def examine(name: str, folder: Path, base: dict[str, Settings]) -> Found:
    """Trains a module alone and as a stack. Fails if they differ by more than rounding."""
    (kind,) = model_traits(vars(zoo)[name]).accepts
    cfgs = [copy.deepcopy(base[kind]) for _ in SEEDS]
    for cfg, seed in zip(cfgs, SEEDS, strict=True):
        cfg.model = Settings({"_target_": f"{zoo.__name__}.{name}"})
        cfg.trainer.seed = seed
    try:
        build(cfgs[0])
    except ConfigError as error:
        return Found(name, "refused", str(error))
    alone = [_job(cfg, folder / f"{name}-alone-{cfg.trainer.seed}") for cfg in cfgs]
    metrics = [train(job, Silent(), lambda path: None, None)["metrics"] for job in alone]
    jobs = [_job(cfg, folder / f"{name}-stacked-{cfg.trainer.seed}") for cfg in cfgs]
    errors: list[str] = []
    try:
        parts = build_trials(cfgs)
        stack_of(parts)
        members = [StackMember(job, each) for job, each in zip(jobs, parts, strict=True)]
        train_stacked(members, lambda path: None, lambda *_: None, errors.append, 0, lambda *_: None)
    except ValueError as error:  # CannotStack
        return Found(name, "alone", str(error), (alone[1].path,))
    except RuntimeError as error:  # of torch.vmap
        return Found(name, "alone", _short(first_line(error)), (alone[1].path,))
    if errors:
        return Found(name, "alone", errors[0], (alone[1].path,))
    for own, member, job in zip(metrics, members, alone, strict=True):
        _require_close(f"{name} weights", _weights(member.folder.path), _weights(job.path), WEIGHTS)
        got = {key: torch.tensor(value) for key, value in member.result["metrics"].items()}
        expected = {key: torch.tensor(value) for key, value in own.items()}
        _require_close(f"{name} metrics", got, expected, METRICS)
    return Found(name, "stacked", "", (alone[1].path, jobs[1].path))


def _short(text: str) -> str:
    """The first sentence, without the advice of torch."""
    return text.partition(". ")[0].partition(", see")[0].rstrip(".")


def _job(cfg: Settings, path: Path) -> Job:
    return Job(cfg, [], path, "mlcli train", path.name)


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_weights(folder / "model" / "weights.safetensors")[0]


def _require_close(what: str, got: dict[str, Any], expected: dict[str, Any], tolerance: float) -> None:
    assert got.keys() == expected.keys(), what
    for name, tensor in expected.items():
        kind = torch.complex128 if tensor.is_complex() else torch.float64
        distance = (got[name].to(kind) - tensor.to(kind)).norm() / tensor.to(kind).norm().clamp(min=1e-2)
        assert float(distance) < tolerance, f"{what}: {name} differs by {float(distance):.2g}"


def opened(folder: Path) -> dict[str, Any]:
    """Predictions for the inputs of the run's example, and metrics of its test split, in this process."""
    parts = load_model(folder / "model")
    inputs = torch.tensor(json.loads((folder / "model" / "example.json").read_text())["inputs"]["data"])
    columns = parts.predict(inputs)
    return {
        "predictions": {name: column.tolist() for name, column in columns.items()},
        "metrics": evaluate_run(str(folder), folder.parent, [], None, None),
    }


def recorded(folder: Path) -> dict[str, Any]:
    """The same as the training process has recorded it."""
    outputs = json.loads((folder / "model" / "example.json").read_text())["outputs"]
    metrics = json.loads((folder / "result.json").read_text())["metrics"]
    return {
        "predictions": dict(zip(outputs["columns"], map(list, zip(*outputs["data"], strict=True)), strict=True)),
        "metrics": {name: value for name, value in metrics.items() if name.startswith("test/")},
    }


def opened_in_a_new_process(folders: Sequence[Path]) -> list[dict[str, Any]]:
    environment = os.environ | {"MLCLI_TRUST": "tests", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", __spec__.name if __spec__ else __name__, *map(str, folders)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def examine_all(folder: Path) -> list[Found]:
    base = configs()
    return [examine(name, folder, base) for name in names()]


def rows(found: Sequence[Found] | None = None) -> list[tuple[str, str, str]]:
    """For docs/compatibility.md."""
    if found is None:
        with tempfile.TemporaryDirectory() as folder:
            found = examine_all(Path(folder))
    return [(_described(each.name), each.how, each.reason.removeprefix(f"{each.name}: ")) for each in found]


def _described(name: str) -> str:
    """`BatchNorm1d` → "batch norm1d", followed by the docstring."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
    notes = " ".join((vars(vars(zoo)[name]).get("__doc__") or "").split()).rstrip(".")
    return f"{words}: {notes[0].lower()}{notes[1:]}" if notes else words


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps([opened(Path(each)) for each in sys.argv[1:]]))
