"""Deletes the MLflow runs of run folders that are removed."""

import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlcli.locks import try_lock
from mlcli.store.records import Damaged, read_json, try_read_json
from mlcli.store.status import record_path
from mlcli.track.delivery import LOCK
from mlcli.track.late_updates import STATE
from mlcli.track.mlflow_store import Store, without_password

IDS = re.compile(r"(m-)?[0-9a-f]{32}")  # of runs and models, which name the folders of their artifacts


class NotDeleted(Exception):
    """The MLflow run of a folder could not be deleted; the message is the reason."""


class MLflowDeletion:
    """Deletes MLflow runs in the stores that the folders were delivered to.

    uri: address of MLflow, with its password; a run delivered to another address is deleted there. A store that does
    not respond is tried once.
    """

    def __init__(self, outputs: Path, uri: str) -> None:
        self.outputs = outputs.absolute()
        self.uri = uri
        self.stores: dict[str, Store] = {}
        self.unreachable: dict[str, str] = {}

    def delete(self, folder: Path) -> None:
        """Deletes the MLflow run of a run or sweep, if it has one. Raises NotDeleted."""
        try:
            state = read_json(folder / STATE)
        except FileNotFoundError:
            return
        except Damaged as error:
            raise NotDeleted(f"{error.reason}, so its MLflow run is unknown: use --keep-mlflow") from error
        if "run_id" not in state and "tried" not in state:
            return
        held = try_lock(folder / LOCK)
        if held is None:
            raise NotDeleted("another command is delivering it to MLflow: try again later")
        try:
            self._delete(folder, dict(state))
        finally:
            held.release()

    def _delete(self, folder: Path, state: dict[str, Any]) -> None:
        address = str(state.get("uri", ""))
        if address in self.unreachable:
            raise NotDeleted(self.unreachable[address])
        store = self._store(address)
        try:
            run_id = state.get("run_id") or _find(store, folder)
            if run_id:
                _delete_run(store, str(run_id), state.get("model_id"))
        except Exception as error:  # whatever a tracker raises
            reason = store.unreachable(error)
            if reason:
                self.unreachable[address] = reason
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise NotDeleted(reason or f"MLflow: {lines[0][:200]}") from error

    def _store(self, address: str) -> Store:
        if address not in self.stores:
            uri = self.uri if without_password(self.uri) == address else address
            self.stores[address] = Store(self.outputs, uri, "")
            self.stores[address].import_mlflow()
        return self.stores[address]

    def close(self) -> None:
        for store in self.stores.values():
            store.close()


def _find(store: Store, folder: Path) -> str | None:
    """The run of a folder, where the response to its creation was lost."""
    record = try_read_json(record_path(folder))
    if record is None:
        return None
    tags = {"mlcli.run_id": str(record["id"]), "mlcli.folder": str(folder), "host": str(record["host"])}
    return store.find_run(store.experiment(record["tracking"]["experiment"]), record["started"], tags)


def _delete_run(store: Store, run_id: str, model_id: Any) -> None:
    """Deletes a run and its model, in a store under `outputs` with their files. A missing run is deleted already."""
    from mlflow.exceptions import MlflowException

    if store.is_local and not store.local.database.exists():
        return
    for delete, identity in ((store.client.delete_run, run_id), (store.client.delete_logged_model, model_id)):
        try:
            if identity:
                delete(identity)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
    if store.is_local:
        for folder, identity in (("artifacts", run_id), ("artifacts/models", model_id)):
            _remove_files(store.outputs / folder, str(identity))


def _remove_files(parent: Path, identity: str) -> None:
    """Removes the artifacts of a run or model. They may be links to files of the run folder, or copies."""
    folder = parent / identity
    if IDS.fullmatch(identity) and not parent.is_symlink() and not folder.is_symlink():
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)
