"""How long the end of a command waits for a tracking server: while whole answers come, and a little longer."""

import http.client
import os
import threading
import time
from collections.abc import Callable
from typing import Any

LOOK = 0.1  # seconds between two looks
AT_THE_END = 5.0  # seconds without a whole answer that end the wait, once training has ended,
SYNC_PATIENCE = 30.0  # and where bringing MLflow up to date is all that the command does


def answer_timeout(is_sync: bool) -> float:
    """How long an answer may take. MLflow's own limit counts where the user has set a longer one."""
    own = os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT", "")
    return max(SYNC_PATIENCE if is_sync else AT_THE_END, float(own) if own.isdigit() else 0.0)


class RequestWatchdog:
    """Calls `give_up` once a request has been on its way for `seconds` after the end of training. What counts is a
    whole answer, or that some of what is sent has been taken: an answer that comes byte by byte never ends."""

    def __init__(self, seconds: float, give_up: Callable[[], None]) -> None:
        self.seconds = seconds
        self.give_up = give_up
        self.advanced: float | None = None  # when the request that is on its way last did, by the monotonic clock

    def watch_requests(self) -> None:
        """From now on those of `requests`, by which MLflow talks, for the rest of this process's life."""
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
        """Training has ended."""
        threading.Thread(target=self._wait, args=(time.monotonic(),), daemon=True).start()

    def _wait(self, ended: float) -> None:
        while True:
            time.sleep(LOOK)
            advanced = self.advanced
            if advanced is not None and time.monotonic() - max(advanced, ended) > self.seconds:
                self.give_up()
                return
