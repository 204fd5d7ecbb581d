"""`mlcli ui` without a server: the page that it opens, and why a server has not started."""

import http.server
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlcli.config.errors import ConfigError
from mlcli.track import ui


class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.path == "/api/2.0/mlflow/experiments/get-by-name?experiment_name=mlcli"
        content = json.dumps({"experiment": {"experiment_id": "7"}} if known else {}).encode()
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None: ...


@pytest.fixture
def address() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_page_is_that_of_the_experiments_runs(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setenv("DISPLAY", ":0")
    ui.serve_ui(tmp_path, 0, address, browser=True)  # not on a terminal
    assert opened == []
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    ui.serve_ui(tmp_path, 0, address, browser=True)
    ui.serve_ui(tmp_path, 0, address)
    assert opened == [f"{address}/#/experiments/7/runs"]
    assert capsys.readouterr().out == f"runs are tracked at {address}/#/experiments/7/runs\n" * 3
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "other")
    ui.serve_ui(tmp_path, 0, address)
    assert capsys.readouterr().out == f"runs are tracked at {address}\n"


def test_a_server_that_does_not_start_says_why_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = "Traceback\\n  x\\nValueError: no store\\nINFO bye\\n"
    code = f"import sys; print('INFO x'); sys.stderr.write('{lines}'); sys.exit(3)"
    monkeypatch.setattr(ui, "python", lambda *arguments: [sys.executable, "-c", code])
    monkeypatch.setattr(
        ui, "start_courier", lambda *arguments, **settings: type("", (), {"finish": lambda self: None})()
    )
    with pytest.raises(
        ConfigError, match=r"ended with status 3: ValueError: no store \(log in (.*\.log)\)\.$"
    ) as error:
        ui.serve_ui(tmp_path, 0, f"sqlite:///{tmp_path}/x.db")
    log = Path(str(error.value).partition("(log in ")[2].removesuffix(")."))
    assert "INFO x" in log.read_text()
    log.unlink()
    assert capfd.readouterr() == ("", "")
