"""Delivery of untrusted run folders: only their own files, and only to their own place."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from mlcli.track.artifacts import artifacts
from mlcli.track.courier import Courier
from mlcli.track.event_log import EventLog
from mlcli.track.mlflow_store import Store
from tests.track.test_delivery import EXAMPLE, deliver, make_run, runs, write

SECRET = "-----BEGIN PRIVATE KEY-----"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty store."""
    outputs = tmp_path_factory.mktemp("store")
    with mock.patch.dict(os.environ):
        store = Store(outputs, "", "tests")
        _ = store.client
        store.close()
        yield outputs / "mlflow.db"


@pytest.fixture
def outputs(template: Path, tmp_path: Path) -> Path:
    (tmp_path / "outputs").mkdir()
    shutil.copy(template, tmp_path / "outputs" / "mlflow.db")
    private = tmp_path / "private"
    private.mkdir()
    (private / "key").write_text(SECRET)
    (private / "result.json").write_text(json.dumps({"best_epoch": 1, "seconds": 1.0, "metrics": {"test/key": 1.0}}))
    (private / "config.yaml").write_text(f"key: '{SECRET}'\n")
    (private / "run.json").write_text((make_run(tmp_path / "scratch" / "linked") / "run.json").read_text())
    return tmp_path / "outputs"


def everything_in(outputs: Path) -> str:
    """All delivered data: files, and the database."""
    files = [path for path in outputs.rglob("*") if path.is_file() and not path.is_symlink()]
    return "".join(path.read_text("latin-1") for path in files if "runs" not in path.relative_to(outputs).parts[0])


@pytest.mark.parametrize("straight", [True, False], ids=["straight", "by_client"])
def test_links_in_a_run_folder_are_not_followed(
    outputs: Path, monkeypatch: pytest.MonkeyPatch, straight: bool
) -> None:
    monkeypatch.setattr(Store, "is_local", straight)
    folder, private = make_run(outputs / "runs" / "a"), outputs.parent / "private"
    (folder / "train.log").symlink_to(private / "key")
    (folder / "result.json").unlink()
    (folder / "result.json").symlink_to(private / "result.json")
    (folder / "answer.json").symlink_to(private / "key")
    (folder / "figures" / "key.png").symlink_to(private / "key")
    (folder / "figures" / "deep").symlink_to(private)
    shutil.rmtree(folder / "predictions")
    (folder / "predictions").symlink_to(private)
    (folder / "model" / "key").symlink_to(private / "key")
    assert [path.name for path in artifacts(folder)] == ["config.yaml", "environment.json", "data.json", "roc.json"]
    assert deliver(outputs, folder) is None
    run = runs(outputs)["a"]
    assert run.info.status == "FINISHED" and "test/key" not in run.data.metrics
    assert SECRET not in everything_in(outputs)
    assert not [path for path in (outputs / "artifacts").rglob("*") if path.is_symlink()]


@pytest.mark.parametrize("name", ["config.yaml", "metrics.jsonl", "environment.json", "data.json"])
def test_what_is_read_is_no_link(outputs: Path, name: str) -> None:
    folder = make_run(outputs / "runs" / "a")
    (folder / name).unlink()
    (folder / name).symlink_to(outputs.parent / "private" / "config.yaml")
    deliver(outputs, folder)
    assert SECRET not in everything_in(outputs)


def test_a_model_behind_a_link_is_none(outputs: Path) -> None:
    folder = make_run(outputs / "runs" / "a")
    shutil.rmtree(folder / "model")
    write(outputs.parent / "private" / "example.json", EXAMPLE)
    (folder / "model").symlink_to(outputs.parent / "private")
    assert deliver(outputs, folder) is None
    assert not runs(outputs)["a"].outputs or not runs(outputs)["a"].outputs.model_outputs
    assert SECRET not in everything_in(outputs)


@pytest.mark.parametrize("linked", ["runs/linked", "runs", "sweeps/s/0", "sweeps/s", "sweeps"])
def test_a_folder_behind_a_link_is_not_delivered(outputs: Path, linked: str) -> None:
    """At any level between the outputs and the run."""
    path = outputs / linked
    target = outputs.parent / "private"
    if linked in ("runs", "sweeps", "sweeps/s"):
        target = outputs.parent / "elsewhere"
        depth = {"runs": "x", "sweeps": "s/0", "sweeps/s": "0"}[linked]
        shutil.copytree(outputs.parent / "private", target / depth)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
    courier = Courier(outputs, "", "tests")
    for found in outputs.glob("*/*"):
        courier.follow(found)
    courier.finish(check=True)
    assert courier.deliveries == {} and courier.problem is None
    assert not list(outputs.parent.rglob(".mlflow.json")) and not list(outputs.parent.rglob(".courier.lock"))


@pytest.mark.parametrize("name", [".courier.lock", ".tensorboard.lock"])
def test_locks_are_not_written_through_a_link(outputs: Path, name: str) -> None:
    folder = make_run(outputs / "runs" / "a", tracking={"name": "both", "experiment": "tests"})
    key = outputs.parent / "private" / "key"
    (folder / name).symlink_to(key)
    deliver(outputs, folder)
    EventLog(folder).acquire()
    assert key.read_text() == SECRET


@pytest.mark.parametrize("key", ["run_id", "model_id", "new_model_id"])
@pytest.mark.parametrize("identity", ["../../../../private", "/tmp", "", "x" * 32, "m-../../x", None, 3])
def test_ids_are_those_of_mlflow(outputs: Path, key: str, identity: object) -> None:
    """Ids become names of folders in the store."""
    folder = make_run(outputs / "runs" / "a")
    state = {"uri": "", "offset": 0, "complete": False, "run_id": "0" * 32, "new_model_id": f"m-{'0' * 32}"}
    write(folder / ".mlflow.json", state | {key: identity})
    before = {path for path in outputs.parent.rglob("*") if outputs not in path.parents}
    assert deliver(outputs, folder) is None
    assert {path for path in outputs.parent.rglob("*") if outputs not in path.parents} == before
    places = [path.name for path in (outputs / "artifacts").iterdir()]
    assert all(name == "models" or (len(name) == 32 and name.isalnum()) for name in places)
    assert runs(outputs)["a"].info.status == "FINISHED"


def test_event_files_are_written_beside_the_run_alone(outputs: Path) -> None:
    folder = make_run(outputs / "runs" / "a", tracking={"name": "tensorboard", "experiment": "tests"})
    private = outputs.parent / "private"
    (folder / "tensorboard").symlink_to(private)
    (folder / "figures" / "key.png").symlink_to(private / "key")
    (folder / "figures" / "cut.png").write_bytes(b"\x89PNG")
    log = EventLog(folder)
    assert log.acquire()
    with pytest.raises(OSError, match="link"):
        log.advance()
    (folder / "tensorboard").unlink()
    log.advance()
    log.release()
    assert log.state["complete"] and not [path for path in private.iterdir() if "tfevents" in path.name]
    assert SECRET not in "".join(path.read_text("latin-1") for path in (folder / "tensorboard").iterdir())
