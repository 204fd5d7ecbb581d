"""When a run saves its state, what is left of that when it has finished, and what signals do."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mlcli.cli.training import main
from mlcli.run import checkpoints
from mlcli.store import checkpoint
from tests.commands import QUICK

RUN = [*QUICK, "hydra.run.dir=run", "trainer.epochs=6"]
OFTEN = "trainer.checkpoint_every=1e-9"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def saved(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The states that are saved from here on."""
    states: list[Any] = []
    save = checkpoint.save
    monkeypatch.setattr(checkpoint, "save", lambda folder, state: states.append(state) or save(folder, state))
    return states


def kept() -> list[str]:
    return [path.name for path in checkpoint.numbered(Path("run/checkpoints"))]


def test_a_short_run_saves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    states = saved(monkeypatch)
    main(RUN)
    assert states == [] and not Path("run/checkpoints").exists() and not Path("run/best.safetensors").exists()


def test_a_run_that_took_longer_than_the_interval_keeps_its_last_state(monkeypatch: pytest.MonkeyPatch) -> None:
    states = saved(monkeypatch)
    main([*RUN, OFTEN])
    assert len(states) > 1 and kept() == [f"{len(states):06}"]
    found = checkpoints.latest(Path("run"))
    assert found is not None and found["progress"]["epoch"] == 6 and found["position"] is None
    last = load_file("run/last.safetensors")
    assert all(torch.equal(last[f"model.{name}"], tensor) for name, tensor in found["task"]["model"].items())


def test_two_are_kept_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    states = saved(monkeypatch)
    main([*RUN, "trainer.keep_checkpoints=true"])
    assert len(states) == 1 and kept() == ["000001"]
    main([*RUN, "hydra.run.dir=other", "trainer.keep_checkpoints=true", OFTEN])
    assert len(checkpoint.numbered(Path("other/checkpoints"))) == 2


def test_null_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    states = saved(monkeypatch)
    main([*RUN, "trainer.checkpoint_every=null", "trainer.keep_checkpoints=true"])
    assert states == [] and kept() == []


def test_slow_savings_are_rare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes at most one percent of the time until the next."""
    states: list[Any] = []
    monkeypatch.setattr(checkpoint, "save", lambda folder, state: states.append(state) or time.sleep(0.1))
    main([*RUN, OFTEN])
    assert len(states) == 2  # the first one, and the one at the end


def test_the_best_weights_are_on_disk_before_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "FAST", 0.0)
    monkeypatch.setattr(checkpoints, "SHARE", 1e9)
    found: list[Any] = []
    monkeypatch.setattr(checkpoints.Checkpoints, "end", lambda self: found.append(load_file(self.best)))
    main(RUN)
    (best,) = found
    final = load_file("run/model/weights.safetensors")
    assert best.keys() == final.keys() and all(torch.equal(best[name], final[name]) for name in best)
    assert not Path("run/best.safetensors").exists()


def test_a_state_that_cannot_be_saved_is_one_line_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path, state: Any) -> None:
        raise ValueError("the state holds a set")

    monkeypatch.setattr(checkpoint, "save", refuse)
    main([*RUN, OFTEN])
    assert json.loads(Path("run/run.json").read_text())["status"] == "FINISHED"
    assert Path("run/train.log").read_text().count("there are no checkpoints of this run: the state holds a set") == 1


def test_a_full_disk_ends_the_run_and_leaves_the_last_checkpoint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save, count = checkpoint.save, iter(range(10))

    def once(folder: Path, state: Any) -> None:
        if next(count):
            raise OSError(28, os.strerror(28))
        save(folder, state)

    monkeypatch.setattr(checkpoint, "save", once)
    with pytest.raises(SystemExit) as ended:
        main([*RUN, OFTEN])
    assert ended.value.code == 1 and "no space is left on the disk" in capsys.readouterr().err
    assert kept() == ["000001"] and json.loads(Path("run/run.json").read_text())["status"] == "FAILED"


LONG = [
    "train",
    "data=digits",
    "model=mlp",
    "trainer.epochs=100000",
    "tracking=none",
    "hydra.run.dir=run",
    "device=cpu",
]


def started(*overrides: str) -> "subprocess.Popen[str]":
    """A run that has trained for some epochs."""
    command = [sys.executable, "-m", "mlcli", *LONG, *overrides]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 120
    while not _epochs() and time.monotonic() < deadline:
        time.sleep(0.05)
    return process


def _epochs() -> int:
    journal = Path("run/metrics.jsonl")
    return len(journal.read_text().splitlines()) if journal.exists() else 0


@pytest.mark.parametrize(
    ("number", "status", "word"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")]
)
def test_a_signal_saves_a_checkpoint(number: int, status: int, word: str) -> None:
    with started() as process:
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == status
    assert errors.splitlines()[-1] == f"{word}; `mlcli resume run` continues the run"
    record = json.loads(Path("run/run.json").read_text())
    assert (record["status"], record["reason"]) == ("KILLED", "interrupted")
    found = checkpoints.latest(Path("run"))
    assert found is not None
    assert found["progress"]["epoch"] == _epochs()
    last = load_file("run/last.safetensors")
    assert all(torch.equal(last[f"model.{name}"], tensor) for name, tensor in found["task"]["model"].items())


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    """While the training cannot be saved: its steps take a minute."""
    (tmp_path / "slow.py").write_text(
        "import time\nfrom mlcli.task.classification import Classification\n"
        "class Slow(Classification):\n"
        "    def step(self, batch):\n"
        "        if self.update.steps == 60:\n"
        "            print('asleep', flush=True)\n"
        "            time.sleep(60)\n"
        "        return super().step(batch)\n"
    )
    (tmp_path / "conf" / "task").mkdir(parents=True)
    (tmp_path / "conf" / "task" / "slow.yaml").write_text("# Slow\n_target_: slow.Slow\n")
    command = [sys.executable, "-m", "mlcli", *LONG, "task=slow"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "asleep\n"
        process.send_signal(signal.SIGINT)
        time.sleep(1)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130 and "continues the run" in errors.splitlines()[-1]
    assert json.loads(Path("run/run.json").read_text())["status"] == "KILLED"
    assert checkpoints.latest(Path("run")) is None


def test_an_agent_is_saved_between_its_epochs() -> None:
    """Its environments have no other place to start from."""
    agent = ["task=reinforce", "data=cartpole", "model.width=8", "task.updates=2", "task.batch_episodes=2"]
    with started(*agent) as process:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 143
    found = checkpoints.latest(Path("run"))
    assert found is not None and found["position"] is None and found["progress"]["epoch"] == _epochs()
