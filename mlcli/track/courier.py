"""Delivers run folders to MLflow and TensorBoard, live while they are written or afterwards."""

import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlcli.files import passes_a_link
from mlcli.store.records import try_read_json
from mlcli.store.status import is_running, mark_dead, record_path
from mlcli.track.delivery import Delivery
from mlcli.track.event_log import EventLog
from mlcli.track.mlflow_rows import RunUpdate
from mlcli.track.mlflow_store import Store
from mlcli.track.undelivered import reset_missing_runs, undelivered_runs

RETRY = 30.0  # seconds until a store that has failed is tried again while training continues
# A trial is shown in MLflow after it has trained for MIN_AGE seconds, plus AGE_PER_RUN for each run in progress.
MIN_AGE = 10.0
AGE_PER_RUN = 1.0
MAX_LIVE = 100  # runs in progress beyond which trials are delivered only when they have ended
BATCH = 100  # runs in one transaction
EXIT_TIMEOUT = 0.5  # seconds between the end of a process's pipe and of the process itself


class Courier:
    """Follows run folders. The store is opened when there is something to deliver."""

    def __init__(self, outputs: Path, uri: str, experiment: str) -> None:
        self.outputs = outputs
        self.store = Store(outputs, uri, experiment)
        self.deliveries: dict[Path, Delivery] = {}
        self.logs: dict[Path, EventLog] = {}
        self.problem: str | None = None
        self.held_elsewhere = 0  # undelivered runs that another courier has locked
        self.unreachable = False
        self.retry_at = 0.0  # monotonic time
        self.via_client: set[Path] = set()  # runs that cannot be written directly into a local store

    def follow(self, folder: Path, is_live: bool = False) -> None:
        """Adds a folder, after the sweep that it belongs to. A folder that another courier has locked is ignored.

        is_live: the process that started this courier trains the run.
        """
        if passes_a_link(folder, self.outputs):
            return
        if folder not in self.logs and (own := EventLog(folder)).acquire():
            self.logs[folder] = own
        if folder in self.deliveries:
            return
        delivery = Delivery(folder, self.store, is_live)
        if not delivery.acquire():
            return
        if delivery.record().get("parent") and (folder.parent / "sweep.json").exists():
            self.follow(folder.parent, is_live)
        self.deliveries[folder] = delivery

    def advance(self) -> None:
        """Delivers what is new.

        After a failure, deliveries pause for RETRY seconds, and once the store does not respond no other folder is
        tried: a tracker that hangs must not block the courier for each folder.
        """
        self._write_logs(list(self.logs))
        if time.monotonic() < self.retry_at:
            return
        self.problem, self.unreachable = None, False
        self._deliver(list(self.deliveries))

    def _write_logs(self, folders: list[Path]) -> None:
        """Writes the event files of TensorBoard, which are in the run folders."""
        for folder in folders:
            try:
                self.logs[folder].advance()
            except Exception:  # such as a full disk or a missing package; the run folder has everything
                traceback.print_exc()
            if self.logs[folder].state["complete"]:
                self.logs.pop(folder).release()

    def _deliver(self, folders: list[Path]) -> None:
        sweeps = [folder for folder in folders if self.deliveries[folder].is_sweep]
        runs = [folder for folder in folders if folder not in sweeps]
        for part in (sweeps, runs):  # sweeps first, because their trials are nested in them
            if self.store.is_local:
                self._write(part)
                part = [folder for folder in part if folder in self.via_client]
            self._send(part)

    def _send(self, folders: list[Path]) -> None:
        """Delivers one folder after another by MLflow's client."""
        for folder in folders:
            if self.unreachable:
                return
            delivery = self.deliveries[folder]
            try:
                delivery.advance()
            except Exception as error:  # the run folder has everything, whatever a tracker raises
                traceback.print_exc()
                self._failed(error)
            self._release_if_complete(folder)

    def _write(self, folders: list[Path]) -> None:
        """Writes what is new of many runs directly into a local store. Runs that cannot be written are left to the
        client."""
        if self.unreachable:
            return
        self.via_client |= {folder for folder in folders if self.deliveries[folder].creation_is_uncertain}
        updates = self._updates([folder for folder in folders if folder not in self.via_client])
        for first in range(0, len(updates), BATCH):
            self._write_part(updates[first : first + BATCH])
        for folder in folders:
            self._release_if_complete(folder)

    def _write_part(self, updates: list[RunUpdate]) -> None:
        """Writes a batch; if that fails, each half separately, so that a bad run affects no other."""
        with self._falling_back([each.folder for each in updates]):
            try:
                self.store.local.write(updates)
            except Exception as error:
                if len(updates) == 1 or self.store.unreachable(error):
                    raise
                for half in (updates[: len(updates) // 2], updates[len(updates) // 2 :]):
                    self._write_part(half)
                return
            for each in updates:
                self.deliveries[each.folder].mark_delivered(each)

    def _updates(self, folders: list[Path]) -> list[RunUpdate]:
        due = {
            folder: self.deliveries[folder] for folder in folders if not self._is_deferred(self.deliveries[folder])
        }
        known = [each.state["run_id"] for each in due.values() if "run_id" in each.state]
        found: list[RunUpdate] = []
        with self._falling_back(due):
            stages = self.store.local.lifecycle_stages(known) if known else {}
            for folder, delivery in due.items():
                with self._falling_back([folder]):
                    found += filter(None, [delivery.next_update(stages)])
        return found

    @contextmanager
    def _falling_back(self, folders: Iterable[Path]) -> Iterator[None]:
        """On an error, leaves these folders to MLflow's client, whose error is reported."""
        try:
            yield
        except Exception as error:
            traceback.print_exc()
            if self.store.unreachable(error):
                self._failed(error)
            else:
                self.via_client |= set(folders)

    def _release_if_complete(self, folder: Path) -> None:
        """Releases a folder that is delivered completely, which saves its lock and reading its record."""
        if self.deliveries[folder].state["complete"]:
            self.deliveries.pop(folder).release()

    def _is_deferred(self, delivery: Delivery) -> bool:
        """Whether a trial is delivered only when it has ended, in one delivery: a short one, or one of many."""
        if "run_id" in delivery.state:
            return False
        record = delivery.record()
        if not record.get("parent") or record["status"] != "RUNNING":
            return False
        trials = len(self.deliveries)
        return trials > MAX_LIVE or time.time() - record["started"] < max(MIN_AGE, AGE_PER_RUN * trials)

    def _failed(self, error: Exception) -> None:
        lines = str(error).strip().splitlines() or [""]
        reason = self.store.unreachable(error)
        self.unreachable = reason is not None
        self.problem = reason or f"{type(error).__name__}: {lines[0]}"[:300]
        self.retry_at = time.monotonic() + RETRY

    def remaining(self) -> str:
        """How many runs have not been delivered, in words."""
        count = len(self.deliveries) + self.held_elsewhere
        return f"{count} run{'s are' if count != 1 else ' is'} left"

    def finish(self, check: bool = False) -> None:
        """Delivers everything, then undelivered runs of earlier couriers. check: also runs that the store has
        lost."""
        self._await_exit()
        for folder in {*self.deliveries, *self.logs}:
            mark_dead(folder)
        self.retry_at = 0.0
        self.advance()
        if check and not self.unreachable:
            try:
                reset_missing_runs(self.outputs, self.store)
            except Exception as error:
                traceback.print_exc()
                self._failed(error)
        known = set(self.deliveries)  # these have just failed
        found = list(undelivered_runs(self.outputs, self.store))
        for folder in found:
            self.follow(folder)
        new = [each for each in self.deliveries if each not in known]
        for each in new:
            mark_dead(each)
        self.held_elsewhere = sum(
            each not in self.deliveries and Delivery(each, self.store).is_pending() for each in found
        )
        self._write_logs(list(self.logs))
        self._deliver(new)
        self.store.close()
        if check and self.held_elsewhere and not self.problem:
            self.problem = "another command is still delivering"

    def _await_exit(self) -> None:
        """Waits for the training processes to exit: the kernel closes the pipe of a killed process before it is
        gone."""
        deadline = time.monotonic() + EXIT_TIMEOUT
        while time.monotonic() < deadline and any(map(_runs, {*self.deliveries, *self.logs})):
            time.sleep(0.02)


def _runs(folder: Path) -> bool:
    record = try_read_json(record_path(folder))
    return record is not None and is_running(record, folder)
