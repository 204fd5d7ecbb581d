"""Ends the wait for a tracking server that has stopped answering, after the end of training."""

import http.client
import os
import threading
import time
from collections.abc import Callable
from typing import Any

INTERVAL = 0.1  # seconds between two checks
TRAIN_TIMEOUT = 5.0  # seconds without a complete response that end the wait after training,
SYNC_TIMEOUT = 30.0  # and in commands that only bring MLflow up to date


def response_timeout(is_sync: bool) -> float:
    """How many seconds a response may take: at least MLflow's own limit, if the user has set it."""
    own = os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT", "")
    return max(SYNC_TIMEOUT if is_sync else TRAIN_TIMEOUT, float(own) if own.isdigit() else 0.0)


class RequestWatchdog:
    """Calls `give_up` when a request makes no progress for `seconds` after the end of training.

    Progress is a complete response, or sent data that was accepted. Received bytes are not, because a server could
    send a response byte by byte without end.
    """

    def __init__(self, seconds: float, give_up: Callable[[], None]) -> None:
        self.seconds = seconds
        self.give_up = give_up
        self.advanced: float | None = None  # last progress of the current request, monotonic time

    def watch_requests(self) -> None:
        """Watches all requests of this process from now on. MLflow sends them by the package requests."""
        import requests

        send, write = requests.Session.send, http.client.HTTPConnection.send

        def timed(session: Any, request: Any, **settings: Any) -> Any:
            self.advanced = time.monotonic()
            try:
                return send(session, request, **settings)
            finally:
                self.advanced = None

        def counted(connection: Any, data: Any) -> None:
            write(connection, data)
            if self.advanced is not None:
                self.advanced = time.monotonic()

        setattr(requests.Session, "send", timed)  # noqa: B010  # mypy takes no other assignment to a method
        setattr(http.client.HTTPConnection, "send", counted)  # noqa: B010

    def begin(self) -> None:
        """Starts the countdown at the end of training."""
        threading.Thread(target=self._wait, args=(time.monotonic(),), daemon=True).start()

    def _wait(self, ended: float) -> None:
        while True:
            time.sleep(INTERVAL)
            advanced = self.advanced
            if advanced is not None and time.monotonic() - max(advanced, ended) > self.seconds:
                self.give_up()
                return
