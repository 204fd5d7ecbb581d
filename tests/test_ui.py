"""MLflow's UI on the runs of mlcli, in a real browser."""

import json
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.programs import program


@pytest.fixture(scope="module")
def work(mlcli: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ui")
    done = mlcli("train", "-m", "optimizer.lr=1e-3,1e-2", "trainer.epochs=3", "tracking.figures=false", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def address(work: Path) -> Iterator[str]:
    """The address that `mlcli ui` prints; Ctrl-C ends it."""
    command = [sys.executable, "-m", "mlcli", "ui", "--port", "0"]
    process = subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "http://127.0.0.1:" in line
    root, _, page = line.split()[2].partition("/#/")
    assert page == "experiments/1/runs"
    yield root
    process.send_signal(2)
    process.communicate(timeout=30)
    assert process.returncode == 130


def trials(work: Path) -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{work}/outputs/mlflow.db")
    experiment = client.get_experiment_by_name("mlcli")
    found = client.search_runs([experiment.experiment_id], "tags.mlflow.parentRunId != ''")
    assert len(found) == 2
    return list(found)


@pytest.mark.browser
def test_the_compare_page_shows_the_runs(work: Path, address: str, tmp_path: Path) -> None:
    found = trials(work)
    ids = urllib.parse.quote(json.dumps([run.info.run_id for run in found]))
    experiments = urllib.parse.quote(json.dumps([found[0].info.experiment_id]))
    page = rendered(f"{address}/#/compare-runs?runs={ids}&experiments={experiments}", "Comparing 2 Runs", tmp_path)
    for run in found:
        assert run.info.run_name in page
    assert "optimizer.lr" in page
    assert "val/loss" in page


def rendered(url: str, wanted: str, profile: Path) -> str:
    """The page's document once it holds the text. The UI loads asynchronously, so the browser is run repeatedly."""
    command = [
        program("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={profile}", "--window-size=1400,1200", "--virtual-time-budget=30000", "--dump-dom", url,
    ]  # fmt: skip
    page = ""
    deadline = time.monotonic() + 120
    while wanted not in page and time.monotonic() < deadline:
        page = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stdout
    assert wanted in page
    return page
