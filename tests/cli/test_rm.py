"""`mlcli rm`: what it removes, in the folders and in MLflow, and what it never touches."""

import json
import os
import re
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlcli.cli.app import main
from mlcli.locks import try_lock
from mlcli.store.process import current_process, hold_lock, release_lock
from mlcli.track.delivery import LOCK

SWEEP = "20260103-000000-dddd4444"
Rm = Callable[..., tuple[int, str, str]]


def make(folder: Path, status: str = "FINISHED", days: float = 1, **more: Any) -> Path:
    """A run folder with a log, hidden files and a picture. days: how long ago it ended."""
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "curve.png").write_bytes(b"x" * 1000)
    (folder / ".hidden").write_text("")
    record = {"id": folder.name, "name": folder.name, "status": status, "started": time.time() - 86_400 * days}
    record |= {"ended": time.time() - 86_400 * days, "pid": 2**22 + 1, "host": socket.gethostname(), "parent": None}
    record |= {"command": "mlcli train", "options": {"data": "iris"}, "tracking": {"name": "none", "experiment": "x"}}
    name = "sweep.json" if more.get("kind") == "sweep" else "run.json"
    (folder / name).write_text(json.dumps(record | more))
    return folder


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "outputs"
    make(folder / "runs" / "20260101-000000-aaaa1111")
    make(folder / "runs" / "20260101-000001-bbbb2222", status="FAILED", days=40)
    make(folder / "runs" / "20260101-000002-cccc3333", status="FAILED", options={"data": "wine"})
    make(folder / "sweeps" / SWEEP, kind="sweep", trials=2)
    for trial in (0, 1):
        status = "FAILED" if trial else "FINISHED"
        make(folder / "sweeps" / SWEEP / str(trial), status, id=f"{SWEEP}-{trial}", parent=SWEEP, trial=trial)
    return folder


@pytest.fixture
def rm(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Rm:
    """Runs `mlcli rm …`; returns its exit status, stdout and stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mlcli", "rm", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return int(end.value.code or 0), printed.out, printed.err

    return run


def left(outputs: Path) -> set[str]:
    return {path.name[-8:] for kind in ("runs", "sweeps") for path in (outputs / kind).iterdir()}


ALL = {"aaaa1111", "bbbb2222", "cccc3333", "dddd4444"}


@pytest.mark.parametrize(
    ("arguments", "gone"),
    [
        (["aaaa"], {"aaaa1111"}),
        (["aaaa", "bbbb"], {"aaaa1111", "bbbb2222"}),
        (["outputs/runs/20260101-000000-aaaa1111", "aaaa"], {"aaaa1111"}),
        ([SWEEP], {"dddd4444"}),
        ([SWEEP, f"{SWEEP}-1"], {"dddd4444"}),
        (["--failed"], {"bbbb2222", "cccc3333"}),
        (["--failed", "--older", "30d"], {"bbbb2222"}),
        (["--older", "5w"], {"bbbb2222"}),
        (["aaaa", "bbbb", "--failed"], {"bbbb2222"}),
        (["data=wine"], {"cccc3333"}),
        (["status=failed", "data=iris"], {"bbbb2222"}),
        (["--older", "100d"], set()),
    ],
)
def test_what_is_removed(outputs: Path, rm: Rm, arguments: list[str], gone: set[str]) -> None:
    status, listed, _ = rm(*arguments, "--dry-run")
    assert status == 0 and left(outputs) == ALL and "would remove" in listed
    assert all((run in listed) == (run in gone) for run in ALL)
    assert rm(*arguments, "--yes")[0] == 0
    assert left(outputs) == ALL - gone


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], "rm takes runs or a filter, as in `mlcli rm last` or `mlcli rm --failed --older 30d`."),
        (["aaaa"], "kB would be removed: use --yes, since there is no terminal to ask."),
        (["zzzz", "--yes"], "There is no run 'zzzz'."),
        (["aaaa", "zzzz", "--yes"], "There is no run 'zzzz'."),
        (["--older", "soon", "--yes"], "--older soon: use a number with a unit, as in 12h, 30d or 4w."),
        (["aaaa", "data=iris", "--yes"], "rm takes runs by name or a filter KEY=VALUE, not both"),
        (
            [f"{SWEEP}-1", "--yes"],
            f"it is a trial of the sweep {SWEEP}, whose report names it: remove the sweep, `mlcli",
        ),
    ],
)
def test_refused(outputs: Path, rm: Rm, arguments: list[str], wanted: str) -> None:
    status, printed, error = rm(*arguments)
    assert status == 2 and printed == "" and wanted in error and error.count("\n") == 1
    assert left(outputs) == ALL


@pytest.mark.parametrize(("answer", "status"), [(True, 0), (False, 1)])
def test_it_asks_on_a_terminal(
    outputs: Path, rm: Rm, answer: bool, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda text, err: asked.append(text) or answer)
    ended, printed, _ = rm(SWEEP, "aaaa")
    (question,) = asked
    assert re.fullmatch(r"Remove 1 sweep and 1 run, 5\.\d kB for good\?", question) and ended == status
    assert SWEEP in printed and "aaaa1111" in printed
    assert left(outputs) == (ALL - {"aaaa1111", "dddd4444"} if answer else ALL)


def test_json(outputs: Path, rm: Rm) -> None:
    found = json.loads(rm("bbbb", "--yes", "--json")[1])
    assert [(row["id"][-8:], row["bytes"] > 1000) for row in found["removed"]] == [("bbbb2222", True)]
    assert found["kept"] == []


def test_what_runs_stays(outputs: Path, rm: Rm) -> None:
    running = outputs / "runs" / "20260101-000002-cccc3333"
    for folder, name in ((running, "run.json"), (outputs / "sweeps" / SWEEP / "0", "run.json")):
        record = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(record | {"status": "RUNNING", "pid": os.getpid(), "ended": None}))
    status, _, error = rm("cccc", "--yes")
    assert status == 2 and "cccc3333 is not removed: it is running: stop it first." in error
    status, _, error = rm("status=RUNNING", "--yes")
    assert status == 1 and f"kept {running.name}: it is running: stop it first" in error
    assert rm(SWEEP, "--yes")[0] == 2  # one of its trials runs
    assert left(outputs) == ALL


def test_only_runs_under_outputs_and_no_links(outputs: Path, rm: Rm, tmp_path: Path) -> None:
    project = make(tmp_path / "project")  # hydra.run.dir=.
    assert "use --outputs FOLDER, or remove" in rm(str(project), "--yes")[2]
    elsewhere = make(tmp_path / "runs" / "20260105-000000-eeee5555")
    (outputs / "runs" / elsewhere.name).symlink_to(elsewhere)
    status, _, error = rm(f"outputs/runs/{elsewhere.name}", "--yes")
    assert status == 2 and "it is a link, which is not followed" in error
    assert (project / "run.json").exists() and (elsewhere / "run.json").exists()
    (outputs / "runs" / elsewhere.name).unlink()
    inside = outputs / "runs" / "20260101-000000-aaaa1111"
    (inside / "link").symlink_to(project)
    (inside / "figures" / "link").symlink_to(project / "run.json")
    assert rm("aaaa", "--yes")[0] == 0
    assert not inside.exists() and (project / "run.json").exists()


def test_a_damaged_run_is_removed_by_its_name_only(outputs: Path, rm: Rm) -> None:
    damaged = outputs / "runs" / "20260101-000001-bbbb2222" / "run.json"
    damaged.write_text("{")
    os.utime(damaged, (0, 0))
    assert rm("--older", "30d", "--yes")[0] == 0 and "bbbb2222" in left(outputs)
    assert rm("bbbb2222", "--yes")[0] == 0 and "bbbb2222" not in left(outputs)


def test_a_folder_that_cannot_be_removed_stays_listed(outputs: Path, rm: Rm, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("shutil.rmtree", fail)
    status, _, error = rm("aaaa", "bbbb", "--yes")
    assert status == 1 and error.count("kept ") == 2 and "Permission denied: " in error
    assert left(outputs) == ALL and (outputs / "runs" / "20260101-000000-aaaa1111" / "run.json").exists()


@pytest.fixture
def delivered(outputs: Path) -> dict[str, str]:
    """The sweep and its trials in the local MLflow store: run ids by name."""
    from mlcli.track.courier import Courier

    for path in outputs.glob("sweeps/**/*.json"):
        if path.name in ("run.json", "sweep.json"):
            path.write_text(path.read_text().replace('"none"', '"mlflow"'))
    courier = Courier(outputs, "", "x")
    courier.finish()
    states = {path.parent.name: json.loads(path.read_text()) for path in outputs.glob("sweeps/**/.mlflow.json")}
    assert len(states) == 3
    return {name: state["run_id"] for name, state in states.items()}


def test_mlflows_runs_go_too_and_do_not_come_back(outputs: Path, rm: Rm, delivered: dict[str, str]) -> None:
    import mlflow

    from mlcli.track.courier import Courier

    artifacts = [outputs / "artifacts" / run for run in delivered.values()]
    assert all(folder.exists() for folder in artifacts)
    lock = try_lock(outputs / "sweeps" / SWEEP / LOCK)
    assert lock is not None
    status, _, error = rm(SWEEP, "--yes")
    assert status == 1 and "another command is delivering it to MLflow: try again later" in error
    lock.release()
    status, printed, error = rm(SWEEP, "--yes")
    assert status == 0 and printed.startswith("removed 1 sweep, ") and error == ""
    assert "dddd4444" not in left(outputs)
    client = mlflow.MlflowClient(f"sqlite:///{outputs}/mlflow.db")
    assert {client.get_run(run).info.lifecycle_stage for run in delivered.values()} == {"deleted"}
    assert not any(folder.exists() for folder in artifacts)
    Courier(outputs, "", "x").finish(check=True)  # mlcli sync
    experiment = client.get_experiment_by_name("x").experiment_id
    assert client.search_runs([experiment]) == []


def test_an_unreachable_server_keeps_the_run(outputs: Path, rm: Rm, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    state = {"uri": address, "run_id": "0" * 32, "offset": 0, "complete": True}
    for name in ("20260101-000000-aaaa1111", "20260101-000001-bbbb2222"):
        (outputs / "runs" / name / ".mlflow.json").write_text(json.dumps(state))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    status, printed, error = rm("aaaa", "bbbb", "cccc", "--yes")
    assert status == 1 and error.count(f"{address} is out of reach") == 2 and "removed 1 run" in printed
    assert left(outputs) == ALL - {"cccc3333"}
    assert rm("aaaa", "--yes", "--keep-mlflow")[0] == 0
    assert "aaaa1111" not in left(outputs)


def test_the_lock_of_a_running_sweep_protects_it(outputs: Path, rm: Rm) -> None:
    folder = outputs / "sweeps" / SWEEP
    record = json.loads((folder / "sweep.json").read_text())
    (folder / "sweep.json").write_text(json.dumps(record | {"status": "RUNNING", "ended": None} | current_process()))
    hold_lock(folder)
    try:
        assert rm(SWEEP, "--yes")[0] == 2
    finally:
        release_lock(folder)
    assert "dddd4444" in left(outputs)
