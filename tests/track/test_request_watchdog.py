"""A command waits for a tracking server only while complete answers arrive."""

import http.client
import http.server
import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from mlcli.track import tracking
from mlcli.track.request_watchdog import RequestWatchdog
from tests.track.test_courier import deliver, make_run

BYTES = 300  # of an answer that drips, at most


class Handler(http.server.BaseHTTPRequestHandler):
    """/drip answers byte by byte without end; /slow answers completely after a delay."""

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        while length > 0:
            part = self.rfile.read(min(length, 65536))
            length -= len(part)
            time.sleep(0.005)
        self.server.asked.append(time.monotonic())  # type: ignore[attr-defined]
        self.send_response(200)
        if "slow" in self.path:
            time.sleep(0.3)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")
            return
        self.send_header("Content-Length", str(BYTES))
        self.end_headers()
        with suppress(OSError):
            for _ in range(BYTES):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.2)

    do_POST = do_GET

    def log_message(self, format: str, *arguments: Any) -> None: ...


@contextmanager
def server() -> Iterator[tuple[str, list[float]]]:
    """Its address, and when it was asked something."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads, running.block_on_close = True, False
        running.asked = []  # type: ignore[attr-defined]
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", running.asked  # type: ignore[attr-defined]
        running.shutdown()


@pytest.fixture
def given_up(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """An event that is set when the watchdog gives up after one second."""
    monkeypatch.setattr(requests.Session, "send", requests.Session.send)  # to be restored
    monkeypatch.setattr(http.client.HTTPConnection, "send", http.client.HTTPConnection.send)
    event = threading.Event()
    patience = RequestWatchdog(1.0, event.set)
    patience.watch_requests()
    patience.begin()
    return event


def test_an_answer_that_drips_is_not_waited_for(given_up: threading.Event) -> None:
    with server() as (address, _):
        began = time.monotonic()
        threading.Thread(target=requests.get, args=(f"{address}/drip",), daemon=True).start()
        assert given_up.wait(10)
        assert time.monotonic() - began < 3


def test_whole_answers_and_what_is_sent_are_waited_for(given_up: threading.Event) -> None:
    with server() as (address, _):
        for _ in range(4):
            assert requests.get(f"{address}/slow").json() == {}
        requests.post(f"{address}/slow", data=io.BytesIO(bytes(30_000_000)))  # takes two seconds
        time.sleep(1.2)
        assert not given_up.is_set()


def test_the_end_of_a_command_does_not_hang(tmp_path: Path) -> None:
    with server() as (address, asked):
        problem = deliver(tmp_path, make_run(tmp_path, "a"), make_run(tmp_path, "b"), uri=f"{address}/drip")
        spent = time.monotonic() - asked[0]
    assert problem == f"{address}/drip has not answered; 2 runs are left"
    assert 4 < spent < 12  # five seconds, on a machine that may be busy


@pytest.mark.parametrize("fails", [False, True])
def test_an_interrupt_says_that_the_run_has_finished(
    fails: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Courier:
        def finish(self) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(tracking, "start_courier", lambda *_, **__: Courier())
    settings = SimpleNamespace(name="mlflow", uri=None, experiment="tests")
    with pytest.raises(SystemExit) as end, tracking.tracked("outputs", settings, early=True):
        if fails:
            raise ValueError
    assert end.value.code == 130
    said = capsys.readouterr().err
    assert "`mlcli sync`" in said and ("the run has finished" in said) is not fails and said.count("\n") == 1
