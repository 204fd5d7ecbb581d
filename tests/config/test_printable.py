"""Control characters never reach a terminal."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mlcli.cli.app import app
from mlcli.cli.errors import RunFailure, user_errors
from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.config.errors import ConfigError
from mlcli.config.printable import printable
from mlcli.run.build import build
from mlcli.run.finish import write_model


def test_control_characters_become_escapes_and_all_else_stays() -> None:
    text = "naïve\tx\n日本 👩‍🔬 \u00a0 ×"
    assert printable(text) == text
    assert printable("a\x1b[2Jb\rc\x9bd\u202ee\x00\ud800\x7f") == r"a\x1b[2Jb\rc\x9bd\u202ee\x00\ud800\x7f"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a class whose name clears the screen, and a flower to predict."""
    with hydra_session() as hydra:
        cfg = to_run(compose(hydra, ["device=cpu", "data=iris", "model=linear"]))
    folder = tmp_path_factory.mktemp("run")
    write_model(folder / "model", cfg, build(cfg))
    (folder / "run.json").write_text('{"id": "x", "name": "x", "status": "FINISHED", "started": 0}')
    described = folder / "model" / "model.json"
    described.write_text(described.read_text().replace("setosa", r"\u001b[2Jsetosa"))
    (folder / "in.json").write_text(json.dumps([[5.1, 3.5, 1.4, 0.2]]))
    return folder


def test_class_names_on_a_terminal(run: Path) -> None:
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "mlcli", "predict", str(run), str(run / "in.json")]
    subprocess.run(command, check=True, stdout=its, stderr=its)
    os.close(its)
    written = os.read(ours, 10_000)
    os.close(ours)
    assert rb"probability/\x1b[2Jsetosa" in written
    assert b"\x1b" not in written


def test_class_names_in_a_pipe_are_as_they_are(run: Path) -> None:
    done = CliRunner().invoke(app, ["predict", str(run), str(run / "in.json")])
    assert "probability/\x1b[2Jsetosa" in done.stdout


@pytest.mark.parametrize("error", [ConfigError, RunFailure])
def test_messages(error: type[Exception], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), user_errors():
        raise error("lacks the columns \x1b[2Jlength")
    assert r"lacks the columns \x1b[2Jlength" in capsys.readouterr().err
