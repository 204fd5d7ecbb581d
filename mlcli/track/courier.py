"""The courier: brings MLflow up to date from run folders, live while they are written, or later.

A process of its own, so that training never waits for a tracker and never imports one. It is told on standard input
which folders to follow; the end of that input means that training is over, or dead.

    MLCLI_COURIER_URI=URI python -m mlcli.track.courier --outputs FOLDER [--experiment NAME]
"""

import argparse
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from mlcli.config.gc_policy import collect_rarely
from mlcli.files import passes_a_link
from mlcli.store.records import try_read_json
from mlcli.store.status import is_running, mark_dead, record_path
from mlcli.track.courier_handle import NOTE, OUT_OF_REACH, URI
from mlcli.track.delivery import Delivery
from mlcli.track.event_log import EventLog
from mlcli.track.mlflow_rows import RunUpdate
from mlcli.track.mlflow_store import Store
from mlcli.track.process_limits import lower_priority, raise_open_file_limit
from mlcli.track.request_watchdog import RequestWatchdog, answer_timeout
from mlcli.track.undelivered import reset_missing_runs, undelivered_runs

PAUSE = 0.5  # seconds between two looks at the folders
IDLE = 5.0  # times as long as a look took
RETRY = 30.0  # seconds until a store that has failed is tried again while training goes on
SHORT = 10.0  # seconds that a trial may train before it is shown in MLflow,
EACH = 1.0  # and so many more for each trial under way
MOST_LIVE = 100  # trials under way that are shown
AT_ONCE = 100  # runs in one transaction
EXITING = 0.5  # seconds that a process may take to be gone after it has closed its pipe


class Courier:
    """Follows folders until told to stop. The store is opened when there is something to deliver."""

    def __init__(self, outputs: Path, uri: str, experiment: str) -> None:
        self.outputs = outputs
        self.store = Store(outputs, uri, experiment)
        self.deliveries: dict[Path, Delivery] = {}
        self.logs: dict[Path, EventLog] = {}
        self.problem: str | None = None
        self.busy = 0  # runs that another courier has and has not delivered yet
        self.unreachable = False
        self.again_at = 0.0  # by the monotonic clock
        self.refused: set[Path] = set()  # what could not be written into a local store

    def follow(self, folder: Path) -> None:
        """Takes on a folder, and first of all the sweep that it belongs to. One that another courier has is left."""
        if passes_a_link(folder, self.outputs):
            return
        if folder not in self.logs and (own := EventLog(folder)).take():
            self.logs[folder] = own
        if folder in self.deliveries:
            return
        delivery = Delivery(folder, self.store)
        if not delivery.take():
            return
        if delivery.record().get("parent") and (folder.parent / "sweep.json").exists():
            self.follow(folder.parent)
        self.deliveries[folder] = delivery

    def advance(self) -> None:
        """Delivers what is new. After a failure nothing is tried for a while, and once the store has not answered,
        no further folder is: a tracker that hangs must not make the courier hang with it, line after line."""
        self._write_logs(list(self.logs))
        if time.monotonic() < self.again_at:
            return
        self.problem, self.unreachable = None, False
        self._deliver(list(self.deliveries))

    def _write_logs(self, folders: list[Path]) -> None:
        """TensorBoard's files lie beside the run and are written at once."""
        for folder in folders:
            try:
                self.logs[folder].advance()
            except Exception:  # a full disk, a missing package: the run folder stays the truth
                traceback.print_exc()
            if self.logs[folder].state["complete"]:
                self.logs.pop(folder).release()

    def _deliver(self, folders: list[Path]) -> None:
        sweeps = [folder for folder in folders if self.deliveries[folder].is_sweep]
        for some in (sweeps, [folder for folder in folders if folder not in sweeps]):  # trials are nested in sweeps
            if self.store.is_local:
                self._write(some)
                some = [folder for folder in some if folder in self.refused]
            self._send(some)

    def _send(self, folders: list[Path]) -> None:
        """One after another, by MLflow's client."""
        for folder in folders:
            if self.unreachable:
                return
            delivery = self.deliveries[folder]
            try:
                delivery.advance()
            except Exception as error:  # whatever a tracker raises, the folder stays the truth
                traceback.print_exc()
                self._failed(error)
            self._let_go(folder)

    def _write(self, folders: list[Path]) -> None:
        """What is new of many runs at once, into a local store. What cannot be written goes by MLflow's client."""
        if self.unreachable:
            return
        self.refused |= {folder for folder in folders if self.deliveries[folder].may_have_been_created}
        news = self._news([folder for folder in folders if folder not in self.refused])
        for first in range(0, len(news), AT_ONCE):
            self._write_part(news[first : first + AT_ONCE])
        for folder in folders:
            self._let_go(folder)

    def _write_part(self, news: list[RunUpdate]) -> None:
        """Of those that cannot be written together, each half by itself: one bad run refuses no other."""
        with self._refusing([each.folder for each in news]):
            try:
                self.store.write(news)
            except Exception as error:
                if len(news) == 1 or self.store.unreachable(error):
                    raise
                for half in (news[: len(news) // 2], news[len(news) // 2 :]):
                    self._write_part(half)
                return
            for each in news:
                self.deliveries[each.folder].arrived(each)

    def _news(self, folders: list[Path]) -> list[RunUpdate]:
        due = {folder: self.deliveries[folder] for folder in folders if not self._can_wait(self.deliveries[folder])}
        known = [each.state["run_id"] for each in due.values() if "run_id" in each.state]
        found: list[RunUpdate] = []
        with self._refusing(due):
            stages = self.store.stages(known) if known else {}
            for folder, delivery in due.items():
                with self._refusing([folder]):
                    found += filter(None, [delivery.news(stages)])
        return found

    @contextmanager
    def _refusing(self, folders: Iterable[Path]) -> Iterator[None]:
        """Where something fails meanwhile, these go by MLflow's client, which tells what it is."""
        try:
            yield
        except Exception as error:
            traceback.print_exc()
            if self.store.unreachable(error):
                self._failed(error)
            else:
                self.refused |= set(folders)

    def _let_go(self, folder: Path) -> None:
        """A thousand trials must not mean a thousand locks held and records read, twice a second."""
        if self.deliveries[folder].state["complete"]:
            self.deliveries.pop(folder).release()

    def _can_wait(self, delivery: Delivery) -> bool:
        """A trial that will soon have ended, or that is one of very many, comes whole, at half the cost."""
        if "run_id" in delivery.state:
            return False
        record = delivery.record()
        if not record.get("parent") or record["status"] != "RUNNING":
            return False
        trials = len(self.deliveries)
        return trials > MOST_LIVE or time.time() - record["started"] < max(SHORT, EACH * trials)

    def _failed(self, error: Exception) -> None:
        lines = str(error).strip().splitlines() or [""]
        reason = self.store.unreachable(error)
        self.unreachable = reason is not None
        self.problem = reason or f"{type(error).__name__}: {lines[0]}"[:300]
        self.again_at = time.monotonic() + RETRY

    def left(self) -> str:
        """How much has not been delivered."""
        count = len(self.deliveries) + self.busy
        return f"{count} run{'s are' if count != 1 else ' is'} left"

    def finish(self, check: bool = False) -> None:
        """Delivers everything, then what earlier couriers left over. check: and what the store has lost since."""
        self._await_exit()
        for folder in {*self.deliveries, *self.logs}:
            mark_dead(folder)
        self.again_at = 0.0
        self.advance()
        if check and not self.unreachable:
            try:
                reset_missing_runs(self.outputs, self.store)
            except Exception as error:
                traceback.print_exc()
                self._failed(error)
        known = set(self.deliveries)  # and failed a moment ago
        found = list(undelivered_runs(self.outputs, self.store))
        for folder in found:
            self.follow(folder)
        new = [each for each in self.deliveries if each not in known]
        for each in new:
            mark_dead(each)
        self.busy = sum(each not in self.deliveries and Delivery(each, self.store).wanted() for each in found)
        self._write_logs(list(self.logs))
        self._deliver(new)
        self.store.close()
        if check and self.busy and not self.problem:
            self.problem = "another command is still delivering"

    def _await_exit(self) -> None:
        """The kernel closes a killed process's pipe a little before the process is gone."""
        deadline = time.monotonic() + EXITING
        while time.monotonic() < deadline and any(map(_runs, {*self.deliveries, *self.logs})):
            time.sleep(0.02)


def _runs(folder: Path) -> bool:
    record = try_read_json(record_path(folder))
    return record is not None and is_running(record, folder)


def _read(inbox: "queue.Queue[str | None]", patience: RequestWatchdog) -> None:
    for line in sys.stdin:
        inbox.put(line.rstrip("\n"))
    patience.begin()
    inbox.put(None)


def _next(inbox: "queue.Queue[str | None]", pause: float) -> str | None:
    """The next folder to follow, "" when there was none for a while, None at the end."""
    try:
        return inbox.get(timeout=pause) if pause else inbox.get_nowait()
    except queue.Empty:
        return ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m mlcli.track.courier", description="Brings MLflow up to date.")
    parser.add_argument("--outputs", type=Path, required=True)
    parser.add_argument("--experiment", default="mlcli")
    parser.add_argument("--no-mlflow", action="store_true", help="nothing goes there: do not load it beforehand")
    parser.add_argument("--check", action="store_true", help="look whether the store still has what it was given")
    given = parser.parse_args()
    courier = Courier(given.outputs.absolute(), os.environ.get(URI, ""), given.experiment)
    courier.store.tell = lambda text: print(f"{NOTE}{text}", flush=True)
    inbox: queue.Queue[str | None] = queue.Queue()
    patience = RequestWatchdog(answer_timeout(given.check), partial(_give_up, courier))
    threading.Thread(target=_read, args=(inbox, patience), daemon=True).start()
    raise_open_file_limit()
    warming = threading.Thread(target=_warm_up, args=(courier.store, patience), daemon=True)
    if not given.no_mlflow:
        warming.start()
    told = inbox.get()
    if told is None and not given.check and not any(undelivered_runs(courier.outputs, courier.store)):
        return 0
    if not given.no_mlflow:
        warming.join()
    while told is not None:
        while told:
            courier.follow(Path(told))
            told = _next(inbox, 0.0)
        if told is None:
            break
        began = time.monotonic()
        courier.advance()
        # A thousand folders must not take the core that a trial trains on.
        told = _next(inbox, max(PAUSE, IDLE * (time.monotonic() - began)))
    courier.finish(given.check)
    if courier.problem:
        print(f"{courier.problem}; {courier.left()}")
        return OUT_OF_REACH
    return 0


def _warm_up(store: Store, patience: RequestWatchdog) -> None:
    store.warm_up()
    if not store.is_local:
        patience.watch_requests()


def _give_up(courier: Courier) -> None:
    print(f"{courier.store.address} has not answered; {courier.left()}", flush=True)
    os._exit(OUT_OF_REACH)


if __name__ == "__main__":
    lower_priority()
    collect_rarely()
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # Python would take most of a second to take MLflow apart, while the user waits
