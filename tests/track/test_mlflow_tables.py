"""A new store with cached tables equals one that MLflow creates."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mlcli.track.mlflow_store import Store
from mlcli.track.mlflow_tables import cache_tables, cached_tables, copy_tables, has_cached_tables


def contents(database: Path) -> dict[str, Any]:
    """The schema, and all rows without their timestamps."""
    with closing(sqlite3.connect(database)) as connection:
        schema = set(connection.execute("SELECT type, name, sql FROM sqlite_master"))
        rows = {
            name: [[value for value in row if not isinstance(value, int) or value < 1e12] for row in found]
            for kind, name, _ in schema
            if kind == "table"
            for found in [connection.execute(f"SELECT * FROM {name}").fetchall()]
        }
    return {"schema": schema, **rows}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLCLI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def opened(outputs: Path) -> Store:
    store = Store(outputs, "", "mlcli")
    assert store.client.get_experiment("0").name == "Default"
    return store


def test_the_second_store_is_as_the_first(cache: Path, tmp_path: Path) -> None:
    first = opened(tmp_path / "first")
    assert [path.name for path in cache.iterdir()] == [cached_tables().name]
    first.experiment("sines")
    made = contents(first.local.database)
    kept = cached_tables().stat().st_mtime_ns
    second = opened(tmp_path / "second")
    second.experiment("sines")
    copied = contents(second.local.database)
    assert cached_tables().stat().st_mtime_ns == kept
    assert made.keys() == copied.keys()
    assert len(made["schema"]) > 100
    for part, content in made.items():
        if part == "experiments":  # whose artifacts lie beside their own store
            content = [[str(v).replace("/first/", "/second/") for v in row] for row in content]
            copied[part] = [[str(v) for v in row] for row in copied[part]]
        assert copied[part] == content, part


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MLCLI_CACHE", str(tmp_path / "file" / "cache"))
    assert not copy_tables(tmp_path / "mlflow.db")
    assert not (tmp_path / "mlflow.db").exists()
    assert opened(tmp_path / "outputs").experiment("sines") == "1"


def test_to_look_at_the_tables_leaves_nothing_behind(cache: Path, tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.client._tracking_client.store.engine.dispose()
    assert has_cached_tables(store.local.database)
    assert not has_cached_tables(tmp_path / "none.db")
    assert [path.name for path in tmp_path.glob("*.db*")] == ["mlflow.db"]


def test_cached_tables_that_hold_runs_are_not_those_of_a_new_store(cache: Path, tmp_path: Path) -> None:
    first = opened(tmp_path / "first")
    with closing(sqlite3.connect(cached_tables())) as connection, connection:
        connection.execute("INSERT INTO runs (run_uuid, name) VALUES ('somebody', 'else''s')")
    assert not copy_tables(tmp_path / "mlflow.db")
    cached_tables().unlink()
    first.create_run(first.experiment("sines"), {}, 1.0)
    cache_tables(first.local.database)
    assert not cached_tables().exists()
