"""Credentials reach no file, tracker, log or terminal; what needs them still has them."""

import base64
import logging
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mlcli.cli.app import app
from mlcli.cli.training import main
from mlcli.config.redact import has_password, redact, redacted
from mlcli.run.log import log_to

PASSWORD = "s3cr3t"
CASES = {
    "http://user:pw@host/x": "http://***@host/x",
    "http://user:p@w@host:80/x": "http://***@host:80/x",
    "postgresql+psycopg2://u:p/w@host/db": "postgresql+psycopg2://***@host/db",
    "postgresql://u:p#w?@host/db": "postgresql://***@host/db",
    "https://token@host": "https://***@host",
    "a 'http://u:p@h' and http://v:q@i,http://w:r@j": "a 'http://***@h' and http://***@i,http://***@j",
    "uri=http://:pw@host": "uri=http://***@host",
}
PLAIN = [
    "http://host:80/path@v1",
    "http://host/x?mail=a:b@c.d",
    "sqlite:////tmp/a@b/mlflow.db",
    "mail@host",
    "http://host:5000",
    "s3://bucket/a:b@c",
]


@pytest.mark.parametrize(("text", "wanted"), CASES.items())
def test_credentials_are_left_out(text: str, wanted: str) -> None:
    assert redact(text) == wanted
    assert redacted({"a": [text, {text: 1}], "b": None}) == {"a": [wanted, {wanted: 1}], "b": None}


@pytest.mark.parametrize("text", PLAIN)
def test_other_addresses_stay(text: str) -> None:
    assert redact(text) == text


@pytest.fixture
def tracker() -> Iterator[tuple[str, list[str | None]]]:
    """A server that refuses everything, and the credentials that it was given."""
    given: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given.append(self.headers.get("Authorization"))
            self.send_response(404)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, format: str, *arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://user:{PASSWORD}@127.0.0.1:{server.server_port}", given
    server.shutdown()
    server.server_close()


def test_a_password_of_the_tracker(
    tracker: tuple[str, list[str | None]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    uri, given = tracker
    arguments = ["data=xor", "model=linear", "trainer.epochs=1", f"tracking.uri={uri}", "tracking.figures=false"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["mlcli", "train", "-v", "-m", *arguments, "trainer.seed=0,1"])
    main(sys.argv[2:])
    printed = capfd.readouterr()
    assert f"Basic {base64.b64encode(f'user:{PASSWORD}'.encode()).decode()}" in given
    assert PASSWORD not in printed.out + printed.err
    # What was never delivered goes to a local store now.
    assert CliRunner().invoke(app, ["sync"]).exit_code == 0
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"config.yaml", "overrides.yaml", "run.json", "model.json", "mlflow.db"} <= {path.name for path in files}
    assert [str(path) for path in files if PASSWORD.encode() in path.read_bytes()] == []
    (config, *_) = tmp_path.glob("outputs/*/*/config.yaml")
    assert "uri: http://***@127.0.0.1" in config.read_text()


def test_a_trial_named_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    uris = f"tracking.uri=http://a:{PASSWORD}@h,http://b:{PASSWORD}@i"
    monkeypatch.setattr(sys, "argv", ["mlcli", "train", "-m", uris])
    main(["-q", "-m", "data=xor", "model=linear", "trainer.epochs=1", "tracking=none", uris])
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [str(path) for path in files if PASSWORD.encode() in path.read_bytes()] == []


def test_the_log_of_a_run(tmp_path: Path) -> None:
    address = f"http://user:{PASSWORD}@host"
    with log_to(tmp_path / "train.log"):
        try:
            raise RuntimeError(address + " is out of reach")
        except RuntimeError:
            logging.getLogger("mlcli").exception("no answer from %s", address)
    text = (tmp_path / "train.log").read_text()
    assert PASSWORD not in text
    assert text.count("http://***@host") == 2


def test_a_mistake_is_told_without_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([f"trainer.epochs=http://user:{PASSWORD}@host"])
    assert "http://***@host" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://me:secret@host/db", True),
        ("postgresql+psycopg://me:p@ss:w/rd@host:5432/db", True),
        ("mysql://me:12345@host/db", True),
        ("postgresql://host/db?user=me&password=x", True),
        ("https://host/a.csv?access_token=abc", True),
        ("data.url=postgresql://me:secret@host/db", True),
        ("postgresql://me@host/db", False),
        ("postgresql://host:5432/db", False),
        ("http://host:5432/a@b", False),
        ("sqlite:///houses.db", False),
        ("env:DATABASE", False),
        ("a:b@c", False),
    ],
)
def test_passwords_in_urls(text: str, expected: bool) -> None:
    assert has_password(text) is expected
