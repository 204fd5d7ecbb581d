"""The local MLflow store: an SQLite database under `outputs`, which is created once and written directly."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from mlcli.track import mlflow_rows
from mlcli.track.database import (
    Notify,
    check_database,
    checkpoint_wal,
    enable_wal,
    exclusive,
    retry_while_locked,
    usable,
    without_fsync,
)
from mlcli.track.mlflow_tables import cache_tables, copy_tables, has_cached_tables


class LocalStore:
    """The SQLite database under `outputs`. Opened when first used."""

    def __init__(self, outputs: Path) -> None:
        self.outputs = outputs
        self.database = outputs / "mlflow.db"
        self.notify: Notify = lambda text: None  # called with messages while waiting
        self._is_ready = False

    @cached_property
    def client(self) -> Any:
        """MLflow's client for the database, whose tables are created if missing."""
        import mlflow

        self._check_name()
        mlflow.set_tracking_uri(f"sqlite:///{self.database}")
        with usable(self.database, opening=True), self.exclusive(), without_fsync():
            if self.database.exists():
                check_database(self.database)  # MLflow would try for minutes
            makes_tables = not self.database.exists() and not copy_tables(self.database)
            client = mlflow.MlflowClient(f"sqlite:///{self.database}")
            client.search_experiments(max_results=1)  # creates the tables
            client._tracking_client.store.engine.dispose()  # later connections wait for the disk again
            if makes_tables:
                cache_tables(self.database)
            enable_wal(self.database)
        return client

    def write(self, updates: Sequence[mlflow_rows.RunUpdate]) -> None:
        """Writes what is new of many runs. MLflow is only imported to create the tables, or to
        report tables of another version."""
        self._prepare()
        with usable(self.database):
            write = partial(mlflow_rows.write, self.database, self.artifact_uri(), updates)
            retry_while_locked(write, self.database, self.notify)

    def lifecycle_stages(self, run_ids: Sequence[str]) -> dict[str, str]:
        """Of runs, by id: "active", or "deleted" by the user; without missing runs."""
        self._prepare()
        with usable(self.database):
            return retry_while_locked(
                partial(mlflow_rows.lifecycle_stages, self.database, run_ids), self.database, self.notify
            )

    def _prepare(self) -> None:
        if self._is_ready:
            return
        self._check_name()
        with usable(self.database, opening=True), self.exclusive():
            known = retry_while_locked(self._has_known_tables, self.database, self.notify)
        if not known:
            _ = self.client
        self._is_ready = True

    def _has_known_tables(self) -> bool:
        """Whether the tables are those of this version of MLflow, which a new store gets from the cache."""
        if self.database.exists():
            check_database(self.database)
            known = has_cached_tables(self.database)
        else:
            known = copy_tables(self.database)
        if known:
            enable_wal(self.database)
        return known

    def _check_name(self) -> None:
        if {"?", "%"} & set(str(self.database)):  # special in an SQLite address
            raise ValueError(f"an SQLite address cannot hold {self.database}: choose outputs without ? and %")

    def artifact_uri(self) -> str:
        return (self.outputs / "artifacts").as_uri()

    def close(self) -> None:
        if self.database.exists():
            checkpoint_wal(self.database)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """One process at a time creates the store, because concurrent migrations of MLflow crash."""
        self.outputs.mkdir(parents=True, exist_ok=True)
        with exclusive(self.outputs / ".mlflow.lock", self.database, self.notify):
            yield
