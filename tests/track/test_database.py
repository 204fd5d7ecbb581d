"""Local stores that cannot be opened, or that other processes are writing to."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mlcli.config.errors import ConfigError
from mlcli.locks import lock
from mlcli.run.doctor import _mlflow, _tried
from mlcli.track.courier import Courier
from mlcli.track.courier_handle import start_courier
from mlcli.track.database import Unusable, exclusive, retry_while_locked, usable
from mlcli.track.mlflow_store import Store
from mlcli.track.ui import serve_ui
from tests.track.couriers import run_courier
from tests.track.test_courier import make_run


@pytest.mark.parametrize(
    "content", [os.urandom(9000), b"SQLite format 3\0" + os.urandom(9000)], ids=["random", "cut"]
)
def test_a_store_of_random_bytes_is_one_sentence_at_once(tmp_path: Path, content: bytes) -> None:
    """Not five minutes for each run."""
    (tmp_path / "mlflow.db").write_bytes(content)
    began = time.monotonic()
    courier = run_courier(tmp_path, *(make_run(tmp_path, str(number)) for number in range(20)))
    assert time.monotonic() - began < 20
    assert courier.problem is not None and "mlflow.db cannot be used (" in courier.problem
    assert courier.remaining() == "20 runs are left"
    assert (tmp_path / "mlflow.db").read_bytes() == content
    courier.store.close()  # says nothing


def test_a_command_ends_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(os.urandom(9000))
    courier = start_courier(tmp_path, "", "tests")
    courier.follow(make_run(tmp_path, "a"))
    problem = courier.finish()
    assert problem is not None and problem.endswith(
        "mlflow.db cannot be used (file is not a database); 1 run is left"
    )


@pytest.fixture
def full_disk(small_disk: Callable[[str], Path]) -> Path:
    """A file system with room for a few small files."""
    return small_disk("200k")


def test_a_full_disk_is_one_sentence_at_once(full_disk: Path) -> None:
    run = make_run(full_disk, "a")
    began = time.monotonic()
    courier = run_courier(full_disk, run)
    assert time.monotonic() - began < 40
    assert courier.problem is not None and "mlflow.db cannot be used (" in courier.problem
    assert not list(full_disk.rglob(".*.part"))


def test_a_folder_in_the_place_of_the_store(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").mkdir()
    courier = run_courier(tmp_path, make_run(tmp_path, "a"))
    assert courier.problem is not None and "mlflow.db cannot be used (" in courier.problem


def test_a_locked_store_is_waited_for(tmp_path: Path) -> None:
    database, told = tmp_path / "mlflow.db", list[str]()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE t (x)")
    other = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")

    def write() -> str:
        with closing(sqlite3.connect(database, timeout=0.1)) as connection, connection:
            connection.execute("INSERT INTO t VALUES (1)")
        return "written"

    ending = threading.Timer(1.0, lambda: other.execute("COMMIT"))
    ending.start()
    assert retry_while_locked(write, database, told.append) == "written"
    ending.join()
    other.close()
    assert told == [f"waiting for {database}, which another process is writing to"]


def test_who_creates_the_store_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcli.track.database.SILENT", 0.2)
    told = list[str]()
    other = lock(tmp_path / "lock")
    assert other is not None
    ending = threading.Timer(0.6, other.release)
    ending.start()
    with exclusive(tmp_path / "lock", tmp_path / "mlflow.db", told.append):
        ending.join()
    assert told == [f"waiting for {tmp_path}/mlflow.db, which another process is writing to"]


def test_a_fault_of_one_run_is_not_the_stores() -> None:
    with pytest.raises(PermissionError), usable(Path("mlflow.db")):
        raise PermissionError(13, "Permission denied")
    with pytest.raises(Unusable, match=r"mlflow.db cannot be used \(disk is full"), usable(Path("mlflow.db")):
        raise OSError(28, "disk is full")


def test_a_store_that_was_removed_gets_its_runs_again(tmp_path: Path) -> None:
    """By `mlcli sync`; a run that the user has deleted in MLflow stays deleted."""
    folders = [make_run(tmp_path, name) for name in ("a", "b")]
    assert run_courier(tmp_path, *folders).problem is None
    client = Store(tmp_path, "", "tests").client
    experiment = client.get_experiment_by_name("tests").experiment_id
    first = {run.info.run_name: run.info.run_id for run in client.search_runs([experiment])}
    client.delete_run(first["a"])
    assert synced(tmp_path) == {"b"}
    for file in tmp_path.glob("mlflow.db*"):
        file.unlink()
    assert synced(tmp_path) == {"a", "b"}


def synced(outputs: Path) -> set[str]:
    """The runs in MLflow afterwards."""
    courier = Courier(outputs, "", "tests")
    courier.finish(check=True)
    assert courier.problem is None
    client = Store(outputs, "", "tests").client
    runs = client.search_runs([client.get_experiment_by_name("tests").experiment_id])
    return {run.info.run_name for run in runs}


def test_what_looks_at_a_store_that_is_none_does_not_hang(tmp_path: Path) -> None:
    """MLflow would retry for minutes."""
    (tmp_path / "mlflow.db").write_bytes(os.urandom(9000))
    began = time.monotonic()
    (finding,) = [finding for finding in [_tried("mlflow", lambda: _mlflow(tmp_path))] if not finding.ok]
    assert "not a database" in finding.detail
    with pytest.raises(ConfigError, match=r"mlflow.db cannot be used \(file is not"):
        serve_ui(tmp_path, 0)
    assert time.monotonic() - began < 30
