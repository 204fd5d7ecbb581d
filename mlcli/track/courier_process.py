"""The process of the courier, so that training never waits for a tracker and never imports MLflow.

It reads the folders to follow from standard input, one per line. The end of that input means that training has ended
or its process has died.

    MLCLI_COURIER_URI=URI python -m mlcli.track.courier_process --outputs FOLDER [--experiment NAME]
"""

import argparse
import os
import queue
import sys
import threading
import time
from functools import partial
from pathlib import Path

from mlcli.config.gc_policy import collect_rarely
from mlcli.system import lower_session_priority, raise_open_file_limit
from mlcli.track.courier import Courier
from mlcli.track.courier_handle import NOTE, OUT_OF_REACH, URI
from mlcli.track.mlflow_store import Store
from mlcli.track.request_watchdog import RequestWatchdog, response_timeout
from mlcli.track.undelivered import undelivered_runs

PAUSE = 0.5  # seconds between two deliveries, and at least IDLE times the duration of the last one
IDLE = 5.0


def _read(inbox: "queue.Queue[str | None]", watchdog: RequestWatchdog) -> None:
    for line in sys.stdin:
        inbox.put(line.rstrip("\n"))
    watchdog.begin()
    inbox.put(None)


def _next(inbox: "queue.Queue[str | None]", pause: float) -> str | None:
    """The next folder to follow, "" if none arrives within `pause` seconds, None at the end of the input."""
    try:
        return inbox.get(timeout=pause) if pause else inbox.get_nowait()
    except queue.Empty:
        return ""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m mlcli.track.courier_process", description="Delivers runs to MLflow."
    )
    parser.add_argument("--outputs", type=Path, required=True)
    parser.add_argument("--experiment", default="mlcli")
    parser.add_argument("--no-mlflow", action="store_true", help="do not import MLflow in advance")
    parser.add_argument("--check", action="store_true", help="deliver again what the store has lost")
    given = parser.parse_args()
    courier = Courier(given.outputs.absolute(), os.environ.get(URI, ""), given.experiment)
    courier.store.local.notify = lambda text: print(f"{NOTE}{text}", flush=True)
    inbox: queue.Queue[str | None] = queue.Queue()
    watchdog = RequestWatchdog(response_timeout(given.check), partial(_give_up, courier))
    threading.Thread(target=_read, args=(inbox, watchdog), daemon=True).start()
    raise_open_file_limit()
    importing = threading.Thread(target=_import_mlflow, args=(courier.store, watchdog), daemon=True)
    if not given.no_mlflow:
        importing.start()
    folder = inbox.get()
    if folder is None and not given.check and not any(undelivered_runs(courier.outputs, courier.store)):
        return 0
    if not given.no_mlflow:
        importing.join()
    while folder is not None:
        while folder:
            courier.follow(Path(folder), is_live=True)
            folder = _next(inbox, 0.0)
        if folder is None:
            break
        began = time.monotonic()
        courier.advance()
        # Leaves most of the time to training, however many folders there are.
        folder = _next(inbox, max(PAUSE, IDLE * (time.monotonic() - began)))
    courier.finish(given.check)
    if courier.problem:
        print(f"{courier.problem}; {courier.remaining()}")
        return OUT_OF_REACH
    return 0


def _import_mlflow(store: Store, watchdog: RequestWatchdog) -> None:
    store.import_mlflow()
    if not store.is_local:
        watchdog.watch_requests()


def _give_up(courier: Courier) -> None:
    print(f"{courier.store.address} has not answered; {courier.remaining()}", flush=True)
    os._exit(OUT_OF_REACH)


if __name__ == "__main__":
    lower_session_priority()
    collect_rarely()
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # skips the slow deallocation of MLflow's modules, for which the user would wait
