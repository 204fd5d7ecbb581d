"""`mlcli resume`: which runs go on, where, and with which numbers."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mlcli.cli.resume import resume
from mlcli.cli.training import main
from mlcli.run import checkpoints
from mlcli.store import checkpoint
from mlcli.track.journal import Journal
from tests.commands import QUICK, sweep

EPOCHS = 8
RUN = [*QUICK[1:], "model=mlp", "model.width=8", "model.dropout=0.2", f"trainer.epochs={EPOCHS}"]
OFTEN = "trainer.checkpoint_every=1e-9"
TIMES = ("seconds", "examples_per_second", "peak_memory")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpoints, "SHARE", 1e9)


def train(name: str, *overrides: str) -> Path:
    path = Path("outputs/runs") / name
    main(["-q", *RUN, f"hydra.run.dir={path}", *overrides])
    return path


def ended(name: str, epoch: int, error: BaseException, *overrides: str) -> Path:
    """A run that this error ended after it had recorded an epoch."""
    write = Journal.write

    def write_until(self: Journal, number: int, step: int, metrics: Any) -> None:
        write(self, number, step, metrics)
        if number == epoch:
            raise error

    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(Journal, "write", write_until)
        train(name, *overrides)
    return Path("outputs/runs") / name


def interrupted(name: str, epoch: int = 4, *overrides: str) -> Path:
    return ended(name, epoch, KeyboardInterrupt(), OFTEN, *overrides)


def go_on(run: str, *overrides: str, **flags: Any) -> None:
    given = {
        "quiet": False,
        "verbose": False,
        "as_json": False,
        "trust_run": False,
        "outputs": None,
        "config_dir": None,
    }
    resume(run, ["tracking=none", *overrides], **given | flags)


def refused(capsys: pytest.CaptureFixture[str], run: str, *overrides: str, **flags: Any) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        go_on(run, *overrides, **flags)
    message = capsys.readouterr().err
    assert end.value.code == 2 and message.startswith("error: ") and message.count("\n") == 1
    return message


def record(path: Path) -> dict[str, Any]:
    return dict(json.loads((path / "run.json").read_text()))


def journal(path: Path) -> list[Any]:
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    return [(line["epoch"], line["step"], line["metrics"]) for line in lines]


def assert_same(one: Path, other: Path) -> None:
    for name in ("model/weights.safetensors", "last.safetensors"):
        ours, theirs = load_file(one / name), load_file(other / name)
        assert ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours), name
    assert journal(one) == journal(other)
    assert (one / "predictions/test.csv").read_bytes() == (other / "predictions/test.csv").read_bytes()
    results = [json.loads((path / "result.json").read_text()) for path in (one, other)]
    ours, theirs = ({key: value for key, value in each.items() if key not in TIMES} for each in results)
    assert ours == theirs


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, os.strerror(28)), MemoryError()], ids=repr)
def test_an_unfinished_run_goes_on_in_its_folder(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    path = ended("a", 4, error, OFTEN)
    before = record(path)
    lines = (path / "metrics.jsonl").read_bytes()
    go_on("a")
    assert "resuming a from epoch 3, update 9" in capsys.readouterr().err
    after = record(path)
    assert (after["status"], after["reason"], after["resumed"]) == ("FINISHED", None, 1)
    assert {key: after[key] for key in ("id", "started", "command")} == {
        key: before[key] for key in ("id", "started", "command")
    }
    assert (path / "metrics.jsonl").read_bytes().startswith(lines)  # epoch 4 came again, and its line stayed
    assert_same(path, train("whole", OFTEN))


def test_a_run_is_resumed_several_times() -> None:
    path = interrupted("a", 3)
    write = Journal.write
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(
            Journal, "write", lambda self, n, s, m: write(self, n, s, m) or (n == 6 and signal.raise_signal(2))
        )
        go_on("last")
    assert record(path)["status"] == "KILLED"
    go_on("a")
    assert record(path)["resumed"] == 2
    assert_same(path, train("whole", OFTEN))


def test_without_a_checkpoint_it_starts_over(capsys: pytest.CaptureFixture[str]) -> None:
    path = ended("a", 3, KeyboardInterrupt())
    assert checkpoints.latest(path) is None
    go_on("a")
    assert "there is no checkpoint yet: the training starts over" in capsys.readouterr().err
    assert_same(path, train("whole"))


def test_a_run_that_failed_after_its_training_is_finished() -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr("mlcli.run.lifecycle.finish", lambda *given: exec("raise MemoryError"))
        train("a", OFTEN)
    path = Path("outputs/runs/a")
    assert record(path)["status"] == "FAILED"
    go_on("a")
    assert_same(path, train("whole", OFTEN))


def test_a_damaged_checkpoint_falls_back_to_the_one_before(capsys: pytest.CaptureFixture[str]) -> None:
    path = interrupted("a", 5)
    newest = checkpoint.numbered(path / "checkpoints")[-1]
    (newest / "tensors.safetensors").write_bytes(b"")
    go_on("a")
    err = capsys.readouterr().err
    assert err.count("is damaged: the checksum of tensors.safetensors is wrong") == 1 and "from epoch 3," in err
    assert_same(path, train("whole", OFTEN))


def test_nothing_to_do_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    path = train("a")
    before = {each: each.stat().st_mtime_ns for each in path.rglob("*")}
    for overrides in ([], ["trainer.epochs=8"], ["trainer.epochs=3"], ["trainer.patience=100"]):
        capsys.readouterr()
        go_on("a", *overrides)
        message = capsys.readouterr()
        assert message.err == "a has finished: nothing to do; `mlcli resume a trainer.epochs=N` trains further\n"
        assert message.out == ""
    assert {each: each.stat().st_mtime_ns for each in path.rglob("*")} == before


def the_new_run(before: set[Path]) -> Path:
    (found,) = set(Path("outputs/runs").iterdir()) - before
    return found


@pytest.mark.parametrize("kept", ["true", "false"])
def test_a_finished_run_goes_further_as_a_new_one(kept: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = train("a", f"trainer.keep_checkpoints={kept}")
    before, result = set(Path("outputs/runs").iterdir()), (path / "result.json").read_bytes()
    go_on("a", "trainer.epochs=12")
    said = capsys.readouterr().err
    assert ("from epoch 8, update 24" if kept == "true" else "the new run trains from its first epoch") in said
    made = the_new_run(before)
    assert record(made)["resumed_from"] == "a" and "resumed" not in record(made)
    assert (path / "result.json").read_bytes() == result and record(path)["status"] == "FINISHED"
    assert_same(made, train("whole", "trainer.epochs=12", f"trainer.keep_checkpoints={kept}"))
    assert "trainer.epochs=12" in (made / "overrides.yaml").read_text()


@pytest.mark.parametrize(
    ("limit", "further"),
    [("trainer.max_steps=6", "trainer.max_steps=15"), ("trainer.max_time=1e-9", "trainer.max_time=null")],
)
def test_a_run_that_reached_a_limit_goes_on_behind_it(limit: str, further: str) -> None:
    path = train("a", limit, "trainer.keep_checkpoints=true")
    first, before = journal(path), set(Path("outputs/runs").iterdir())
    go_on("a", further)
    made = the_new_run(before)
    assert journal(made)[: len(first)] == first and len(journal(made)) > len(first)


def test_more_patience_goes_further() -> None:
    impatient = ["trainer.patience=1", "trainer.min_delta=5", "trainer.keep_checkpoints=true"]
    path = train("a", *impatient)
    assert len(journal(path)) == 2
    before = set(Path("outputs/runs").iterdir())
    go_on("a", "trainer.patience=3")
    assert_same(the_new_run(before), train("whole", *impatient, "trainer.patience=3"))


def test_a_schedule_that_depends_on_the_length_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    train("a", "scheduler=cosine", "trainer.keep_checkpoints=true", "optimizer.lr=0.01")
    go_on("a", "trainer.epochs=16")
    assert "from here on it is that of 48 updates, not of 24 (learning rate 0.005, not 0)" in capsys.readouterr().err


def test_an_unfinished_run_takes_overrides_in_place() -> None:
    path = interrupted("a")
    go_on("a", "trainer.epochs=12")
    assert record(path)["resumed_with"] == ["trainer.epochs=12"]
    assert "epochs: 12" in (path / "config.yaml").read_text()
    assert_same(path, train("whole", OFTEN, "trainer.epochs=12"))


def test_a_shorter_training_cuts_the_journal() -> None:
    path = interrupted("a", 7)
    shutil.rmtree(checkpoint.numbered(path / "checkpoints")[-1])  # as if epoch 6 had never been saved
    go_on("a", "trainer.max_steps=16")
    assert [epoch for epoch, _, _ in journal(path)] == [1, 2, 3, 4, 5, 6]
    assert journal(path)[-1][1] == 16 and record(path)["cuts"] == 1


def test_what_cannot_be_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    path = interrupted("a")
    allowed = "trainer.epochs, trainer.max_steps, trainer.max_time, trainer.patience, device and tracking"
    for text in ("optimizer.lr=1", "model=cnn", "trainer.seed=3", "trainer.epochs", "data=iris", "+x=1"):
        assert f"error: {text}: resume takes only {allowed}" in refused(capsys, "a", text)
    assert "trainer.epochs=-1" in refused(capsys, "a", "trainer.epochs=-1")
    made = sweep([*QUICK, "trainer.seed=0,1"])
    assert "is a sweep, and resume takes single runs" in refused(capsys, str(made))
    assert "is a trial of a sweep" in refused(capsys, str(made / "0"))
    changed = record(path) | {"status": "FAILED", "diverged": True, "reason": "loss is nan at step 3"}
    (path / "run.json").write_text(json.dumps(changed))
    assert "a diverged, and would again: loss is nan at step 3" in refused(capsys, "a")


def test_a_diverged_run_says_so_in_its_record(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        train("a", "optimizer=sgd", "optimizer.lr=1e30", "model.dropout=0")
    assert "would again" in refused(capsys, "a")


def test_a_running_run_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """By its lock, which another resume holds, too."""
    interrupted("a")
    hold = "import sys, time\nfrom pathlib import Path\nfrom mlcli.store.process import hold_lock\n"
    hold += "assert hold_lock(Path(sys.argv[1]).absolute()); print('held', flush=True); time.sleep(60)"
    command = [sys.executable, "-c", hold, "outputs/runs/a"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        assert "a is running: another command resumes it" in refused(capsys, "a")
        process.kill()
    go_on("a")


def test_changed_data_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    rows = "\n".join(f"{x},{x % 7},{'no' if x % 3 else 'yes'}" for x in range(80))
    Path("rows.csv").write_text(f"a,b,label\n{rows}\n")
    table = ["data=csv", "data.path=rows.csv", "data.target=label", "trainer.baseline=false"]
    path = interrupted("a", 3, *table)
    before = record(path)
    text = Path("rows.csv").read_text()
    Path("rows.csv").write_text(text.replace("5,5,no", "6,5,no"))
    assert "has changed since a started: train a new run" in refused(capsys, "a")
    assert record(path) == before
    Path("rows.csv").write_text(text)
    go_on("a")
    assert_same(path, train("whole", OFTEN, *table))


def test_somebody_elses_run_needs_trust(capsys: pytest.CaptureFixture[str]) -> None:
    path = interrupted("a", 4, "model.init_from=null")
    config = (path / "config.yaml").read_text()
    (path / "run.json").write_text(json.dumps(record(path) | {"host": "elsewhere"}))
    (path / "config.yaml").write_text(config.replace("init_from: null", "init_from: /tmp/theirs.safetensors"))
    message = refused(capsys, "a")
    assert "was made on another machine, elsewhere" in message and "/tmp/theirs.safetensors" in message
    assert "--trust-run" in message
    (path / "config.yaml").write_text(config)
    assert "would touch no other files and no addresses" in refused(capsys, "a")
    go_on("a", trust_run=True)
    assert record(path)["host"] == socket.gethostname()
    assert_same(path, train("whole", OFTEN))


def test_code_in_a_config_needs_trust(capsys: pytest.CaptureFixture[str]) -> None:
    path = interrupted("a")
    config = (path / "config.yaml").read_text()
    for old, new in (
        ("_target_: mlcli.model.mlp.MLP", "_target_: subprocess.Popen"),
        ("class_weights: null", "class_weights: {_target_: os.system}"),
        ("conclusion: null", "conclusion: {_target_: os.system, command: touch planted}"),
        ("conclusion: null", "conclusion: {_target_: mlcli.experiment.curves.curves, x: {_target_: os.system}}"),
    ):
        assert old in config
        (path / "config.yaml").write_text(config.replace(old, new))
        assert "--trust-run" in refused(capsys, "a")
    assert not Path("planted").exists()


def test_the_tracker_of_the_folder_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    path = interrupted("a")
    config = (path / "config.yaml").read_text()
    theirs = config.replace("uri: null", "uri: http://127.0.0.1:9/theirs").replace(
        "outputs: outputs", "outputs: theirs"
    )
    (path / "config.yaml").write_text(theirs)
    used: list[Any] = []

    @contextmanager
    def tracked(outputs: str, settings: Any) -> Iterator[Any]:
        used.append((outputs, settings.name, settings.uri))
        yield lambda folder: None

    monkeypatch.setattr("mlcli.track.tracking.tracked", tracked)
    go_on("a", "tracking=mlflow")
    assert used == [("outputs", "mlflow", None)] and not Path("theirs").exists()
    assert record(path)["tracking"]["name"] == "mlflow"


def test_a_checkpoint_of_another_network_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    path, other = interrupted("a"), interrupted("b", 4, "model.width=9")
    before = record(path)
    shutil.rmtree(path / "checkpoints")
    shutil.copytree(other / "checkpoints", path / "checkpoints")
    assert "a/checkpoints: not the state of this training" in refused(capsys, "a")
    assert record(path) == before
