"""The courier: real processes, hand-made run folders, and MLflow read back with its own client."""

import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mlcli.locks import try_lock
from mlcli.track.courier import Courier
from mlcli.track.courier_handle import start_courier
from mlcli.track.delivery import LOCK, Delivery


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def make_run(outputs: Path, name: str, epochs: int = 3, status: str = "FINISHED", **more: Any) -> Path:
    """A run folder as training leaves it."""
    folder = outputs / "runs" / name
    record = {
        "id": name, "name": name, "status": status, "started": time.time(), "ended": time.time(), "pid": os.getpid(),
        "command": f"mlcli train name={name}", "host": socket.gethostname(), "parent": None, "trial": None,
        "swept": {}, "reason": None, "tracking": {"name": "mlflow", "experiment": "tests"},
    }  # fmt: skip
    write(folder / "run.json", record | more)
    (folder / "config.yaml").write_text("optimizer:\n  lr: 0.1\n  betas: [0.9, 0.999]\nname: null\n")
    add_epochs(folder, 1, epochs)
    metrics = {"test/accuracy": 0.9, "val/loss": 0.1, "test/roc_auc": None}
    write(folder / "result.json", {"best_epoch": 2, "seconds": 1.5, "metrics": metrics})
    description = {"name": "made", "digest": "abc", "source": "made", "kind": "vector", "shape": [2], "target": "y"}
    write(folder / "data.json", description | {"classes": ["a", "b"], "examples": {"train": 5}})
    write(folder / "figures" / "curve.json", [1, 2])
    return folder


def add_epochs(folder: Path, first: int, last: int) -> None:
    with (folder / "metrics.jsonl").open("a") as file:
        for epoch in range(first, last + 1):
            line = {"epoch": epoch, "step": epoch * 10, "time": time.time(), "metrics": {"val/loss": 1 / epoch}}
            file.write(json.dumps(line) + "\n")


def deliver(outputs: Path, *folders: Path, uri: str = "") -> str | None:
    courier = start_courier(outputs, uri, "tests")
    for folder in folders:
        courier.follow(folder)
    return courier.finish()


def client(outputs: Path) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{outputs}/mlflow.db")


def runs(outputs: Path) -> dict[str, Any]:
    """Every run in the store, by name."""
    mlflow = client(outputs)
    experiment = mlflow.get_experiment_by_name("tests")
    return {run.info.run_name: run for run in mlflow.search_runs([experiment.experiment_id])}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that is set up once, since a new one takes seconds; it holds the run `first`."""
    outputs = tmp_path_factory.mktemp("template")
    assert deliver(outputs, make_run(outputs, "first")) is None
    return outputs


@pytest.fixture
def outputs(template: Path, tmp_path: Path) -> Path:
    shutil.copy(template / "mlflow.db", tmp_path / "mlflow.db")
    return tmp_path


def test_a_run_arrives_whole(template: Path) -> None:
    run = runs(template)["first"]
    assert run.info.status == "FINISHED"
    assert run.data.params == {"optimizer.lr": "0.1", "optimizer.betas": "[0.9, 0.999]", "name": "None"}
    assert run.data.metrics["test/accuracy"] == 0.9
    assert "test/roc_auc" not in run.data.metrics
    history = client(template).get_metric_history(run.info.run_id, "val/loss")
    assert [(metric.step, metric.value) for metric in history] == [(1, 1.0), (2, 0.5), (3, pytest.approx(1 / 3))]
    assert run.data.tags["mlcli.run_id"] == "first"
    assert run.inputs.dataset_inputs[0].dataset.digest == "abc"
    artifacts = {artifact.path for artifact in client(template).list_artifacts(run.info.run_id)}
    assert artifacts == {"config.yaml", "data.json", "result.json", "figures"}


def test_nothing_is_written_where_nothing_runs(tmp_path: Path) -> None:
    assert deliver(tmp_path / "outputs") is None
    assert list(tmp_path.iterdir()) == []


def test_lines_arrive_while_the_run_goes_on(outputs: Path) -> None:
    folder = make_run(outputs, "live", epochs=2, status="RUNNING")
    courier = start_courier(outputs, "", "tests")
    courier.follow(folder)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and "live" not in runs(outputs):
        time.sleep(0.3)
    run = runs(outputs)["live"]
    assert run.info.status == "RUNNING"
    add_epochs(folder, 3, 4)
    write(folder / "run.json", json.loads((folder / "run.json").read_text()) | {"status": "FINISHED"})
    assert courier.finish() is None
    history = client(outputs).get_metric_history(run.info.run_id, "val/loss")
    assert [metric.step for metric in history] == [1, 2, 3, 4]
    assert runs(outputs)["live"].info.status == "FINISHED"


def test_a_run_that_cannot_be_written_does_not_hold_the_others_up(
    outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through MLflow's client, one by one, a hundred take a minute."""
    for index in range(20):
        folder = make_run(outputs, f"run{index}")
    write(folder / "run.json", json.loads((folder / "run.json").read_text()) | {"name": ""})
    courier = Courier(outputs, "", "tests")
    wrote: list[str] = []
    sent: list[str] = []
    arrived, advance = Delivery.mark_delivered, Delivery.advance
    monkeypatch.setattr(
        Delivery, "mark_delivered", lambda self, each: (wrote.append(self.folder.name), arrived(self, each))
    )
    monkeypatch.setattr(Delivery, "advance", lambda self: (sent.append(self.folder.name), advance(self)))
    courier.finish()
    assert len(wrote) == 19
    assert sent == ["run19"]


def test_another_courier_goes_on_without_repeating(outputs: Path) -> None:
    folder = make_run(outputs, "twice", epochs=2, status="RUNNING")
    assert deliver(outputs, folder) is None  # the training process (this one) is still alive
    assert runs(outputs)["twice"].info.status == "RUNNING"
    add_epochs(folder, 3, 3)
    write(folder / "run.json", json.loads((folder / "run.json").read_text()) | {"status": "FAILED"})
    assert deliver(outputs) is None  # found as a leftover
    found = runs(outputs)
    assert found["twice"].info.status == "FAILED"
    history = client(outputs).get_metric_history(found["twice"].info.run_id, "val/loss")
    assert [metric.step for metric in history] == [1, 2, 3]


def test_a_trial_is_nested_in_its_sweep(outputs: Path) -> None:
    sweep = outputs / "sweeps" / "s"
    trial = {"trial": 0, "swept": {"optimizer.lr": 0.1}, "metrics": {"val/loss": 0.1}, "status": "FINISHED"}
    trial["seconds"] = 1.5
    write(sweep / "trials.json", {"monitor": "val/loss", "best_trial": 0, "trials": [trial]})
    record = json.loads((make_run(outputs, "0", parent="s") / "run.json").read_text())
    shutil.move(outputs / "runs" / "0", sweep / "0")
    write(sweep / "sweep.json", record | {"id": "s", "name": "sweep", "parent": None})
    assert deliver(outputs, sweep / "0") is None  # told of the trial alone
    found = runs(outputs)
    assert found["0"].data.tags["mlflow.parentRunId"] == found["sweep"].info.run_id
    assert found["sweep"].data.params["best.optimizer.lr"] == "0.1"
    assert found["sweep"].data.metrics["val/loss"] == 0.1


def test_tracking_none_stays_out(outputs: Path) -> None:
    folder = make_run(outputs, "private", tracking={"name": "none", "experiment": "tests"})
    assert deliver(outputs, folder) is None
    assert "private" not in runs(outputs)


def test_a_killed_training_process_leaves_a_killed_run(outputs: Path) -> None:
    """kill -9 of the training process: its courier detects the closed pipe and marks the run as killed."""
    folder = make_run(outputs, "victim", status="RUNNING")
    code = (
        "import json, os, sys, time; from pathlib import Path\n"
        "from mlcli.track.courier_handle import start_courier\n"
        f"folder = Path({str(folder)!r}); record = json.loads((folder / 'run.json').read_text())\n"
        "record['pid'] = os.getpid(); (folder / 'run.json').write_text(json.dumps(record))\n"
        f"courier = start_courier(Path({str(outputs)!r}), '', 'tests'); courier.follow(folder)\n"
        "print(courier.process.pid, flush=True); time.sleep(60)\n"
    )
    victim = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert victim.stdout is not None
    courier = int(victim.stdout.readline())
    time.sleep(1)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and Path(f"/proc/{courier}").exists():
        time.sleep(0.2)
    assert runs(outputs)["victim"].info.status == "KILLED"
    assert json.loads((folder / "run.json").read_text())["status"] == "KILLED"


class Refusing(http.server.BaseHTTPRequestHandler):
    """A server that is running and broken."""

    def do_GET(self) -> None:
        self.send_error(503)

    do_POST = do_GET

    def log_message(self, format: str, *arguments: Any) -> None: ...


def test_a_server_out_of_reach_loses_nothing(outputs: Path) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        uri = f"http://127.0.0.1:{server.server_port}"
        folder = make_run(outputs, "later")
        began = time.monotonic()
        problem = deliver(outputs, folder, uri=uri)
        assert problem is not None and "out of reach" in problem
        assert time.monotonic() - began < 30
        server.shutdown()
    closed = deliver(outputs, folder, uri=uri)
    assert closed is not None and "out of reach" in closed
    assert "later" not in runs(outputs)
    assert deliver(outputs) is None  # to the store under outputs this time
    assert runs(outputs)["later"].info.status == "FINISHED"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_server_that_never_answers_is_given_up(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")  # the user's own word counts
    folders = [make_run(outputs, f"silent{number}") for number in range(10)]
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        began = time.monotonic()
        problem = deliver(outputs, *folders, uri=f"http://ada:secret@127.0.0.1:{silent.getsockname()[1]}")
    assert problem is not None and "out of reach" in problem and "secret" not in problem
    assert time.monotonic() - began < 20


@pytest.mark.slow
def test_a_server_that_comes_up_gets_what_it_missed(outputs: Path) -> None:
    """MLflow's own server, over HTTP: metrics, artifacts and model."""
    from mlflow import MlflowClient

    uri = f"http://127.0.0.1:{free_port()}"
    folder = make_run(outputs, "missed", status="RUNNING")
    example = {"inputs": {"columns": ["a"], "data": [[1.0]]}, "outputs": {"columns": ["p"], "data": [[0.5]]}}
    write(folder / "model" / "example.json", example)
    closed = deliver(outputs, folder, uri=uri)
    assert closed is not None and "out of reach" in closed
    with server(uri, outputs):
        assert deliver(outputs, folder, uri=uri) is None
        write(folder / "run.json", json.loads((folder / "run.json").read_text()) | {"status": "FINISHED"})
        assert deliver(outputs, uri=uri) is None
        mlflow = MlflowClient(uri)
        experiment = mlflow.get_experiment_by_name("tests")
        (run,) = mlflow.search_runs([experiment.experiment_id], "attributes.run_name = 'missed'")
        assert run.info.status == "FINISHED"
        assert [point.step for point in mlflow.get_metric_history(run.info.run_id, "val/loss")] == [1, 2, 3]
        assert "figures" in {artifact.path for artifact in mlflow.list_artifacts(run.info.run_id)}
        (model,) = run.outputs.model_outputs
        assert "MLmodel" in {artifact.path for artifact in mlflow.list_logged_model_artifacts(model.model_id)}


@contextmanager
def server(uri: str, outputs: Path) -> Iterator[None]:
    store = f"sqlite:///{outputs}/mlflow.db"
    command = [sys.executable, "-m", "mlflow", "server", "--port", uri.rpartition(":")[2], "--workers", "1"]
    command += ["--backend-store-uri", store, "--artifacts-destination", str(outputs / "served")]
    env = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, env=env, stdout=quiet, stderr=quiet)
    try:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{uri}/health", timeout=2).close()
                break
            except OSError:
                time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait(20)


def test_the_courier_loads_nothing_heavy(outputs: Path) -> None:
    """Nor MLflow, whose tables are cached: importing it takes longer than a small run."""
    folder = make_run(outputs, "light")
    example = {"inputs": {"columns": ["a"], "data": [[1.0]]}, "outputs": {"columns": ["p"], "data": [[0.5]]}}
    write(folder / "model" / "example.json", example)
    code = (
        "import io, sys; sys.stdin = io.StringIO(sys.argv.pop() + chr(10))\n"
        "from mlcli.track.courier_process import main\n"
        "assert main() == 0\n"
        "heavy = {'torch', 'sklearn', 'matplotlib', 'hydra', 'omegaconf', 'mlflow', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    command = [sys.executable, "-c", code, "--outputs", str(outputs), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert runs(outputs)["light"].info.status == "FINISHED"


def test_a_students_own_random_py_is_not_pythons(
    outputs: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path_factory.mktemp("work")
    (work / "random.py").write_text("raise SystemExit('mine')")
    monkeypatch.chdir(work)
    assert deliver(outputs, make_run(outputs, "shadowed")) is None
    assert runs(outputs)["shadowed"].info.status == "FINISHED"


def test_who_will_not_wait_is_told_so(outputs: Path) -> None:
    courier = start_courier(outputs, "", "tests")
    courier.follow(make_run(outputs, "patient"))
    said = courier.finish(timeout=0.01)
    assert said is not None and "still delivering" in said
    assert courier.finish() is None


def test_eight_couriers_set_up_one_store(tmp_path: Path) -> None:
    couriers = []
    for number in range(8):
        folder = make_run(tmp_path, f"run{number}")
        couriers.append(start_courier(tmp_path, "", "tests"))
        couriers[-1].follow(folder)
    assert [courier.finish() for courier in couriers] == [None] * 8
    found = runs(tmp_path)
    assert sorted(found) == [f"run{number}" for number in range(8)]
    assert {run.info.status for run in found.values()} == {"FINISHED"}


def test_what_another_courier_delivers_is_not_called_up_to_date(outputs: Path) -> None:
    """`mlcli sync` during a training, or during another `mlcli sync`."""
    make_run(outputs, "held")
    held = try_lock(outputs / "runs" / "held" / LOCK)
    assert held is not None
    told = start_courier(outputs, "", "tests", check=True).finish()
    assert told is not None and "another command is still delivering; 1 run is left" in told
    held.release()
    assert start_courier(outputs, "", "tests", check=True).finish() is None
    assert "held" in runs(outputs)
