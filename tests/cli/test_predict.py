"""mlcli predict and mlcli serve as real processes."""

import csv
import io
import json
import shlex
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

Mlcli = Callable[..., subprocess.CompletedProcess[str]]
QUIET = ["tracking=none", "tracking.figures=false", "device=cpu", "-q"]


@pytest.fixture(scope="module")
def flowers(mlcli: Mlcli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run on iris and a table of two flowers."""
    folder = tmp_path_factory.mktemp("flowers")
    trained = mlcli("train", "data=iris", "trainer.epochs=3", *QUIET, cwd=folder)
    assert trained.returncode == 0, trained.stderr
    (example,) = folder.glob("outputs/runs/*/model/example.json")
    inputs = json.loads(example.read_text())["inputs"]
    with (folder / "in.csv").open("w", newline="") as file:
        csv.writer(file).writerows([inputs["columns"], *inputs["data"][:2]])
    return folder


def test_a_run_goes_on_with_a_text(mlcli: Mlcli, tmp_path: Path) -> None:
    small = ["model.width=8", "model.heads=1", "model.layers=1", "trainer.max_steps=3", "trainer.epochs=1"]
    trained = mlcli("train", "task=language_model", *small, *QUIET, cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    written = mlcli("predict", "last", "--prompt", "The ", "--tokens", "30", "--temperature", "2", cwd=tmp_path)
    assert written.stdout.startswith("The ") and len(written.stdout) == len("The ") + 30 + 1
    refused = mlcli("predict", "last", "--prompt", "", cwd=tmp_path)
    assert refused.returncode == 2 and refused.stderr.startswith("error: the prompt is empty")


def test_a_table_gives_a_table(mlcli: Mlcli, flowers: Path) -> None:
    done = mlcli("predict", "last", "in.csv", cwd=flowers)
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 2 and {row["prediction"] for row in rows} <= {"setosa", "versicolor", "virginica"}
    written = mlcli("predict", "last", "in.csv", "--json", "--output", "out.json", cwd=flowers)
    assert (written.returncode, written.stdout) == (0, "")
    found = json.loads((flowers / "out.json").read_text())["predictions"]
    assert [row["prediction"] for row in found] == [row["prediction"] for row in rows]


@pytest.mark.parametrize("arguments", [["missing.csv", "-o", "none.csv"], [], ["in.csv", "--prompt", "a"]])
def test_a_mistake_is_one_line(mlcli: Mlcli, flowers: Path, arguments: list[str]) -> None:
    done = mlcli("predict", "last", *arguments, cwd=flowers)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert not (flowers / "none.csv").exists()


@pytest.mark.slow
def test_the_server_answers_as_predict_does_and_stops_cleanly(mlcli: Mlcli, flowers: Path) -> None:
    """Sends the example request that the server prints."""
    command = [sys.executable, "-m", "mlcli", "serve", "last", "--port", "0"]
    with subprocess.Popen(command, cwd=flowers, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None and server.stderr is not None
        try:
            address, to_try = server.stdout.readline(), server.stdout.readline()
            assert "http://127.0.0.1:" in address and to_try.startswith("try: curl ")
            url, _, header, _, sent = shlex.split(to_try.removeprefix("try: curl "))
            request = urllib.request.Request(url, sent.encode(), dict([header.split(": ")]))
            with urllib.request.urlopen(request, timeout=30) as response:
                (over_http,) = json.load(response)["predictions"]
        finally:
            server.send_signal(signal.SIGINT)
            complaints = server.stderr.read()
    assert (server.returncode, complaints) == (130, "interrupted\n")
    predicted = mlcli("predict", "last", "in.csv", "--json", cwd=flowers)
    in_process = json.loads(predicted.stdout)["predictions"][0]
    assert over_http.pop("prediction") == in_process.pop("prediction")
    assert over_http == pytest.approx(in_process, abs=1e-6)
