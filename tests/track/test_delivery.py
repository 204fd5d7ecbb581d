"""Deliveries in process: everything arrives exactly once, also when MLflow fails in between."""

import json
import os
import shutil
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from mlflow import MlflowClient

from mlcli.track.courier import Courier
from mlcli.track.delivery import Delivery
from mlcli.track.local_store import LocalStore
from mlcli.track.mlflow_store import Store, tidy
from tests.track.couriers import run_courier

STARTED = 1_700_000_000.0
EXAMPLE = {
    "inputs": {"kind": "vector", "columns": ["a", "b"], "data": [[0.0, 1.0]]},
    "outputs": {"columns": ["prediction", "p/x"], "data": [["x", 0.7]]},
}


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def make_run(folder: Path, **more: Any) -> Path:
    """A finished run of two epochs with everything that a run can have."""
    record = {
        "id": folder.name, "name": folder.name, "status": "FINISHED", "started": STARTED, "ended": STARTED + 60,
        "pid": os.getpid(), "command": "mlcli train", "host": socket.gethostname(), "parent": None,
        "tracking": {"name": "mlflow", "experiment": "tests"}, "options": {"model": "lstm"},
    }  # fmt: skip
    write(folder / "run.json", record | more)
    (folder / "config.yaml").write_text("optimizer: {lr: 0.1}\n")
    write(folder / "environment.json", {"user": "ada", "git_commit": "f00", "device": "cpu"})
    for epoch in (1, 2):
        add_epoch(folder, epoch, {"val/loss": 1 / epoch})
    write(folder / "result.json", {"best_epoch": 2, "seconds": 1.5, "metrics": {"test/accuracy": 0.9}})
    data = {"name": "made", "digest": "abc", "source": "made up", "kind": "vector", "shape": [2], "target": "y"}
    write(folder / "data.json", data | {"classes": ["x", "y"], "examples": {"train": 5}})
    write(folder / "predictions" / "test.csv", "")
    write(folder / "figures" / "roc.json", {})
    write(folder / "model" / "example.json", EXAMPLE)
    return folder


def add_epoch(folder: Path, epoch: int, metrics: dict[str, float]) -> None:
    line = {"epoch": epoch, "step": epoch, "time": STARTED + epoch, "metrics": metrics}
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def set_status(folder: Path, status: str) -> None:
    write(folder / "run.json", json.loads((folder / "run.json").read_text()) | {"status": status})


def deliver(outputs: Path, *folders: Path) -> str | None:
    """Returns the problem of a complete delivery, None if there is none."""
    return run_courier(outputs, *folders).problem


def client(outputs: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{outputs}/mlflow.db")


def runs(outputs: Path, experiment: str = "tests") -> dict[str, Any]:
    """The runs in the store by name; fails for duplicates."""
    mlflow = client(outputs)
    found = mlflow.search_runs([mlflow.get_experiment_by_name(experiment).experiment_id])
    named = {run.info.run_name: run for run in found}
    assert len(named) == len(found)
    return named


def history(outputs: Path, run: Any, metric: str) -> list[tuple[int, float, int]]:
    points = client(outputs).get_metric_history(run.info.run_id, metric)
    return [(point.step, point.value, point.timestamp) for point in points]


@pytest.fixture(scope="module", autouse=True)
def environment() -> Iterator[None]:
    """MLflow stores its address in the environment, where later tests must not find it."""
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store: a new one takes seconds."""
    outputs = tmp_path_factory.mktemp("store")
    store = Store(outputs, "", "tests")
    store.import_mlflow()
    store.client.search_experiments()
    store.close()
    return outputs / "mlflow.db"


@pytest.fixture
def outputs(template: Path, tmp_path: Path) -> Path:
    shutil.copy(template, tmp_path / "mlflow.db")
    return tmp_path


def check_whole(outputs: Path, run: Any) -> None:
    assert run.info.status == "FINISHED"
    assert (run.info.start_time, run.info.end_time) == (STARTED * 1000, (STARTED + 60) * 1000)
    assert run.data.params == {"optimizer.lr": "0.1"}
    first, second = int((STARTED + 1) * 1000), int((STARTED + 2) * 1000)
    assert history(outputs, run, "val/loss") == [(1, 1.0, first), (2, 0.5, second)]
    assert history(outputs, run, "test/accuracy") == [(2, 0.9, int((STARTED + 60) * 1000))]
    assert [given.dataset.name for given in run.inputs.dataset_inputs] == ["made"]
    assert len(run.outputs.model_outputs) == 1
    model = client(outputs).get_logged_model(run.outputs.model_outputs[0].model_id)
    assert (model.name, str(model.status)) == ("model", "READY")
    artifacts = {artifact.path for artifact in client(outputs).list_artifacts(run.info.run_id)}
    assert artifacts >= {"config.yaml", "data.json", "environment.json", "result.json", "figures", "predictions"}


def test_a_run_arrives_whole(outputs: Path) -> None:
    folder = make_run(outputs / "runs" / "a")
    assert deliver(outputs, folder) is None
    run = runs(outputs)["a"]
    check_whole(outputs, run)
    expected = {
        "mlflow.user": "ada", "mlflow.source.name": "mlcli train", "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": "f00", "host": socket.gethostname(), "device": "cpu", "mlcli.run_id": "a",
        "mlcli.folder": str(folder), "mlcli.model": "lstm",
    }  # fmt: skip
    assert {key: run.data.tags.get(key) for key in expected} == expected


SENDS = ("create_run", "log_params", "log_history", "log_metrics", "log_data_set", "log_files", "create_model", "log_model", "end_run")  # fmt: skip  # noqa: E501


@pytest.mark.parametrize("answered", [True, False], ids=["refused", "answer_lost"])
@pytest.mark.parametrize("goes_on", ["by_client", "straight"])
@pytest.mark.parametrize("method", SENDS)
def test_a_failure_anywhere_loses_and_doubles_nothing(
    outputs: Path, monkeypatch: pytest.MonkeyPatch, method: str, goes_on: str, answered: bool
) -> None:
    """Starts by MLflow's client, and continues by it or by direct writes."""
    folder = make_run(outputs / "runs" / "a")
    with monkeypatch.context() as patch:
        patch.setattr(Store, "is_local", False)
        patch.setattr(Store, method, failing(getattr(Store, method), does_nothing=answered))
        assert deliver(outputs, folder) == "RuntimeError: no"
    with monkeypatch.context() as patch:
        patch.setattr(Store, "is_local", goes_on == "straight")
        assert deliver(outputs) is None
    check_whole(outputs, runs(outputs)["a"])


def failing(method: Callable[..., Any], does_nothing: bool) -> Callable[..., Any]:
    def fail(*arguments: Any, **named: Any) -> None:
        if not does_nothing:
            method(*arguments, **named)
        raise RuntimeError("no")

    return fail


def test_more_metrics_than_a_batch_holds(outputs: Path) -> None:
    folder = make_run(outputs / "runs" / "a")
    for epoch in range(3, 33):
        add_epoch(folder, epoch, {f"val/{number}": epoch for number in range(50)})
    assert deliver(outputs, folder) is None
    assert [step for step, *_ in history(outputs, runs(outputs)["a"], "val/49")] == list(range(3, 33))


def test_a_line_that_a_kill_cut_off_is_left_out(outputs: Path) -> None:
    folder = make_run(outputs / "runs" / "a")
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "ste{"epoch": 3}\n')
    add_epoch(folder, 4, {"val/loss": 0.25})
    assert deliver(outputs, folder) is None
    assert [step for step, *_ in history(outputs, runs(outputs)["a"], "val/loss")] == [1, 2, 4]


def test_half_a_line_waits_for_its_other_half(outputs: Path) -> None:
    folder = make_run(outputs / "runs" / "a", status="RUNNING")
    line = json.dumps({"epoch": 3, "step": 3, "time": STARTED + 3, "metrics": {"val/loss": 0.1}}) + "\n"
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(line[:20])
    assert deliver(outputs, folder) is None
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(line[20:])
    assert deliver(outputs, folder) is None
    assert [step for step, *_ in history(outputs, runs(outputs)["a"], "val/loss")] == [1, 2, 3]


@pytest.mark.parametrize(
    "name", ["f1/Smileys & Emotion", "f1/T-shirt/top", "f1/../..", "/a", "a//b", "..", "é" * 300]
)
def test_any_class_name_makes_a_metric(name: str) -> None:
    from mlflow.utils.validation import _validate_metric

    _validate_metric(tidy(name), 1.0, 0, 0)


def test_ordinary_names_stay() -> None:
    for name in ("val/loss", "optimizer.lr", "f1/class 1", "a-b_c:d"):
        assert tidy(name) == name


def test_a_run_that_the_user_deleted_in_mlflow_is_done_with(outputs: Path) -> None:
    folder = make_run(outputs / "runs" / "a", status="RUNNING")
    assert deliver(outputs, folder) is None
    client(outputs).delete_run(runs(outputs)["a"].info.run_id)
    set_status(folder, "FINISHED")
    assert deliver(outputs) is None
    assert runs(outputs) == {}


def test_in_a_new_store_a_run_starts_again(outputs: Path, template: Path) -> None:
    folder = make_run(outputs / "runs" / "a", status="RUNNING")
    assert deliver(outputs, folder) is None
    for file in outputs.glob("mlflow.db*"):
        file.unlink()
    shutil.copy(template, outputs / "mlflow.db")
    set_status(folder, "FINISHED")
    assert deliver(outputs) is None
    check_whole(outputs, runs(outputs)["a"])


def test_one_broken_folder_does_not_keep_the_others(outputs: Path) -> None:
    broken = make_run(outputs / "runs" / "a")
    (broken / "config.yaml").write_text("a: [")
    problem = deliver(outputs, broken, make_run(outputs / "runs" / "b"))
    assert problem is not None and "config.yaml: not a config that mlcli wrote" in problem
    check_whole(outputs, runs(outputs)["b"])


def test_a_folder_that_another_courier_has_is_left(outputs: Path) -> None:
    folder = make_run(outputs / "runs" / "a")
    store = Store(outputs, "", "tests")
    first, second = Delivery(folder, store), Delivery(folder, store)
    assert first.acquire()
    assert not second.acquire()
    first.advance()
    first.release()
    assert not second.acquire()  # what it had read before is out of date
    assert list(runs(outputs)) == ["a"]


def test_delivered_runs_are_release_if_complete(outputs: Path) -> None:
    courier = Courier(outputs, "", "tests")
    courier.follow(make_run(outputs / "runs" / "a"))
    courier.follow(make_run(outputs / "runs" / "b", status="RUNNING"))
    courier.advance()
    assert [folder.name for folder in courier.deliveries] == ["b"]
    courier.deliveries.popitem()[1].release()


def test_a_trial_waits_for_its_sweep(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = make_run(outputs / "sweeps" / "s", status="RUNNING")
    (sweep / "run.json").rename(sweep / "sweep.json")
    trial = make_run(sweep / "0", parent="s")
    held = Delivery(sweep, Store(outputs, "", "tests"))
    assert held.acquire()
    assert deliver(outputs, trial) is None
    assert not (trial / ".mlflow.json").exists()
    held.advance()
    held.release()
    assert deliver(outputs) is None
    found = runs(outputs)
    assert found["0"].data.tags["mlflow.parentRunId"] == found["s"].info.run_id


@pytest.mark.parametrize("name", ["with space", "a#b", "it's", "é"])
def test_odd_folder_names_hold_a_store(template: Path, tmp_path: Path, name: str) -> None:
    outputs = tmp_path / name
    outputs.mkdir()
    shutil.copy(template, outputs / "mlflow.db")
    assert deliver(outputs, make_run(outputs / "runs" / "a")) is None
    check_whole(outputs, runs(outputs)["a"])
    assert list((outputs / "artifacts").rglob("figures/roc.json"))


@pytest.mark.parametrize("name", ["a?b", "a%20b"])
def test_a_folder_name_that_sqlite_addresses_cannot_hold_is_told_at_once(tmp_path: Path, name: str) -> None:
    problem = deliver(tmp_path / name, make_run(tmp_path / name / "runs" / "a"))
    assert problem is not None and "cannot hold" in problem
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_password_in_the_address_is_not_told(tmp_path: Path) -> None:
    store = Store(tmp_path, "https://ada:secret@example.org:5000/mlflow", "tests")
    assert store.address == "https://example.org:5000/mlflow"
    assert Store(tmp_path, "", "tests").address == ""


def test_many_runs_left_over_arrive(outputs: Path) -> None:
    for number in range(5):
        make_run(outputs / "runs" / str(number))
    assert deliver(outputs) is None
    assert sorted(runs(outputs)) == ["0", "1", "2", "3", "4"]


def make_sweep(outputs: Path, trials: int, **more: Any) -> list[Path]:
    """A sweep that has ended, with its trials; the folders, its own first."""
    sweep = outputs / "sweeps" / "s"
    record = json.loads((make_run(outputs / "scratch") / "run.json").read_text())
    shutil.rmtree(outputs / "scratch")
    write(sweep / "sweep.json", record | {"id": "s", "name": "s", "drawn": [0]})
    make = [make_run(sweep / str(i), id=f"s-{i}", name=f"t{i}", parent="s", trial=i, **more) for i in range(trials)]
    return [sweep, *make]


def contents(outputs: Path, run: Any) -> dict[str, Any]:
    """The content of a run in MLflow, without ids and locations."""
    mlflow = client(outputs)
    models = [mlflow.get_logged_model(output.model_id) for output in run.outputs.model_outputs if run.outputs]
    info = {key: value for key, value in dict(run.info).items() if key not in ("run_id", "run_uuid", "artifact_uri")}
    root = Path(run.info.artifact_uri.removeprefix("file://"))
    return {
        "info": {key: str(value) for key, value in info.items()},
        "params": run.data.params,
        "tags": {key: value for key, value in run.data.tags.items() if key not in ("mlflow.parentRunId",)},
        "latest": run.data.metrics,
        "histories": {name: history(outputs, run, name) for name in run.data.metrics},
        "inputs": [(dict(each.dataset), [dict(tag) for tag in each.tags]) for each in run.inputs.dataset_inputs],
        "models": [(each.name, str(each.status), each.model_type, each.params, each.tags) for each in models],
        "from_this_run": [each.source_run_id == run.info.run_id for each in models],
        "files": files_below(root),
        "model_files": [files_below(Path(each.artifact_location.removeprefix("file://"))) for each in models],
    }


def files_below(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def test_trials_at_once_are_what_the_client_writes_one_by_one(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = make_sweep(outputs, 3)
    found = {"trial": 1, "swept": {"optimizer.lr": 0.1}, "metrics": {"val/loss": 0.1, "test/roc_auc": None}}
    found |= {"status": "FINISHED", "seconds": 1.5}
    write(folders[0] / "trials.json", {"monitor": "val/loss", "best_trial": 1, "trials": [found]})
    write(folders[0] / "answer.json", {"sentence": "0.1 is best."})
    with monkeypatch.context() as patch:
        patch.setattr(Store, "is_local", False)
        assert deliver(outputs, *folders) is None
    expected = {name: contents(outputs, run) for name, run in runs(outputs).items()}
    shutil.rmtree(outputs / "artifacts")
    for folder in folders:
        (folder / ".mlflow.json").unlink()
    for run in runs(outputs).values():
        client(outputs).delete_run(run.info.run_id)
    calls: list[int] = []
    write_all = LocalStore.write
    monkeypatch.setattr(LocalStore, "write", lambda store, some: (calls.append(len(some)), write_all(store, some))[1])
    assert deliver(outputs, *folders) is None
    found = runs(outputs)
    assert calls == [1, 3]
    assert {name: contents(outputs, run) for name, run in found.items()} == expected
    assert {run.data.tags.get("mlflow.parentRunId") for name, run in found.items() if name != "s"} == {
        found["s"].info.run_id
    }


def test_a_run_in_parts_is_what_the_client_writes(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shown at its start, then line by line, then ended."""
    found = {}
    for way in ("by_client", "straight"):
        with monkeypatch.context() as patch:
            patch.setattr(Store, "is_local", way == "straight")
            folder = make_run(outputs / way, status="RUNNING", id="a", name="a", ended=None)
            assert deliver(outputs, folder) is None
            assert runs(outputs)["a"].info.status == "RUNNING"
            add_epoch(folder, 3, {"val/loss": 0.2, "val/late": 1.0})
            assert deliver(outputs, folder) is None
            assert history(outputs, runs(outputs)["a"], "val/loss")[-1] == (3, 0.2, int((STARTED + 3) * 1000))
            write(folder / "run.json", json.loads((folder / "run.json").read_text()) | {"ended": STARTED + 9})
            set_status(folder, "FINISHED")
            assert deliver(outputs, folder) is None
        run = runs(outputs)["a"]
        found[way] = contents(outputs, run)
        found[way]["tags"].pop("mlcli.folder")
        client(outputs).delete_run(run.info.run_id)
    assert found["straight"] == found["by_client"]


def test_tables_of_another_version_are_left_to_mlflow(outputs: Path) -> None:
    """The store rejects them with a message on what to do."""
    with closing(sqlite3.connect(outputs / "mlflow.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'd3e4f5a6b7c8'")
    folder = make_run(outputs / "runs" / "a")
    problem = deliver(outputs, folder)
    assert problem is not None and "schema" in problem
    with closing(sqlite3.connect(outputs / "mlflow.db")) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (0,)
    assert not json.loads((folder / ".mlflow.json").read_text())["complete"]


def test_an_experiment_that_the_user_deleted_is_told(outputs: Path) -> None:
    assert deliver(outputs, make_run(outputs / "runs" / "a")) is None
    mlflow = client(outputs)
    mlflow.delete_experiment(mlflow.get_experiment_by_name("tests").experiment_id)
    problem = deliver(outputs, make_run(outputs / "runs" / "b"))
    assert problem is not None and "active" in problem


@pytest.mark.parametrize("answered", [True, False], ids=["refused", "answer_lost"])
def test_trials_at_once_arrive_once_whatever_fails(
    outputs: Path, monkeypatch: pytest.MonkeyPatch, answered: bool
) -> None:
    folders = make_sweep(outputs, 3)
    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "write", failing(LocalStore.write, does_nothing=answered))
        deliver(outputs, *folders)
    assert deliver(outputs) is None
    found = runs(outputs)
    assert set(found) == {"s", "t0", "t1", "t2"}
    for i in range(3):
        check_whole(outputs, found[f"t{i}"])


def test_a_pruned_trial_is_told_apart(outputs: Path) -> None:
    assert deliver(outputs, *make_sweep(outputs, 1, status="PRUNED")) is None
    run = runs(outputs)["t0"]
    assert (run.info.status, run.data.tags["mlcli.status"]) == ("KILLED", "PRUNED")


def test_figures_that_a_sweep_draws_at_its_end_arrive(outputs: Path) -> None:
    """The trial has long been delivered when the sweep ends."""
    sweep, trial = make_sweep(outputs, 1)
    shutil.rmtree(trial / "figures")
    record = json.loads((sweep / "sweep.json").read_text())
    write(sweep / "sweep.json", record | {"status": "RUNNING", "drawn": []})
    assert deliver(outputs, sweep, trial) is None
    write(trial / "figures" / "roc.json", {"x": 1})
    write(sweep / "sweep.json", record | {"drawn": [0]})
    assert deliver(outputs, sweep) is None
    figures = client(outputs).list_artifacts(runs(outputs)["t0"].info.run_id, "figures")
    assert "figures/roc.json" in [artifact.path for artifact in figures]


def test_a_trial_under_way_is_shown_after_a_while(outputs: Path) -> None:
    _, young = make_sweep(outputs, 1, status="RUNNING", started=time.time())
    courier = Courier(outputs, "", "tests")
    courier.follow(young)
    courier.advance()
    assert "t0" not in runs(outputs)
    write(young / "run.json", json.loads((young / "run.json").read_text()) | {"started": time.time() - 60})
    courier.advance()
    assert runs(outputs)["t0"].info.status == "RUNNING"
    assert history(outputs, runs(outputs)["t0"], "val/loss")
    for delivery in courier.deliveries.values():
        delivery.release()
