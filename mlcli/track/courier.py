"""The courier: brings MLflow up to date from run folders, live while they are written, or later.

A process of its own, so that training never waits for a tracker and never imports one. It is told on standard input
which folders to follow; the end of that input means that training is over, or dead.

    python -m mlcli.track.courier OUTPUTS URI EXPERIMENT
"""

import os
import queue
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlcli.track.delivery import STATE, Delivery, load
from mlcli.track.launch import OUT_OF_REACH
from mlcli.track.mlflow_store import Store

PAUSE = 0.5  # seconds between two looks at the folders


class Courier:
    """Follows folders until told to stop. The store is opened when there is something to deliver."""

    def __init__(self, outputs: Path, uri: str, experiment: str) -> None:
        self.outputs = outputs
        self.store = Store(outputs, uri, experiment)
        self.deliveries: dict[Path, Delivery] = {}
        self.problem: str | None = None

    def follow(self, folder: Path) -> None:
        """Takes on a folder, and first of all the sweep that it belongs to. One that another courier has is left."""
        if folder in self.deliveries:
            return
        delivery = Delivery(folder, self.store)
        if not delivery.wanted() or not delivery.lock():
            return
        record = delivery.record()
        if record.get("parent") and (folder.parent / "sweep.json").exists():
            self.follow(folder.parent)
        self.deliveries[folder] = delivery

    def advance(self) -> None:
        """Delivers what is new. After a failure nothing is tried until `finish`: a tracker that hangs must not
        make the courier hang with it, line after line."""
        for delivery in list(self.deliveries.values()) if self.problem is None else []:
            try:
                delivery.advance()
            except Exception as error:  # whatever a tracker raises, the folder stays the truth
                traceback.print_exc()
                self.problem = self._sentence(error)

    def _sentence(self, error: Exception) -> str:
        lines = str(error).strip().splitlines() or [""]
        if "failed with exception" in lines[0]:  # MLflow's words for a request that got no answer
            return f"{self.store.uri} is out of reach"
        return f"{type(error).__name__}: {lines[0]}"[:300]

    def finish(self) -> None:
        """Delivers everything, then what earlier couriers left over. Sweeps close after their trials."""
        self.problem = None
        for delivery in self.deliveries.values():
            delivery.bury()
        for folder in leftovers(self.outputs):
            self.follow(folder)
            if folder in self.deliveries:
                self.deliveries[folder].bury()
        self.advance()


def leftovers(outputs: Path) -> Iterator[Path]:
    """Folders of runs that have ended, by their record or because their process is gone, and are not delivered."""
    for pattern in ("sweeps/*/sweep.json", "runs/*/run.json", "sweeps/*/*/run.json"):
        for path in sorted(outputs.glob(pattern)):
            record, delivered = load(path), load(path.with_name(STATE)) or {}
            if record and not delivered.get("complete") and not _running(record):
                yield path.parent


def _running(record: dict[str, Any]) -> bool:
    if record["status"] != "RUNNING":
        return False
    if record["host"] != socket.gethostname():
        return True  # who can tell from here
    try:
        os.kill(record["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read(inbox: "queue.Queue[str | None]") -> None:
    for line in sys.stdin:
        inbox.put(line.rstrip("\n"))
    inbox.put(None)


def main() -> int:
    outputs, uri, experiment = sys.argv[1:]
    courier = Courier(Path(outputs), uri, experiment)
    inbox: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(inbox,), daemon=True).start()
    courier.store.warm_up()
    while True:
        try:
            told = inbox.get(timeout=PAUSE)
        except queue.Empty:
            courier.advance()
            continue
        if told is None:
            break
        courier.follow(Path(told))
    # A killed process may still be in the process table for a moment after its pipe has closed.
    time.sleep(0.05)
    courier.finish()
    if courier.problem:
        print(courier.problem)
        return OUT_OF_REACH
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
