"""Single runs as real processes, killed with -9 at random moments and resumed: they end as if nothing had happened.

pytest tests/faults --kills 200 -rP      # as `make faults`; the default is a few
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mlcli.store.checkpoint import numbered
from mlcli.store.records import read_lines
from mlcli.track.local_store import LocalStore
from mlcli.track.mlflow_names import tidy
from mlcli.track.summary import summarise

TEXT = Path(__file__).parents[2] / "docs" / "training.md"
LSTM = ["model=lstm", "model.hidden_size=16", "model.dropout=0.2", "model.layers=2"]
CNN = ["model=cnn", "model.width=4", "model.dropout=0.3", "task.shift=1", "task.noise=0.1", "trainer.average=ema"]
TABLE = ["data=csv", "data.path=rows.csv", "data.target=price", "trainer.baseline=false", "trainer.patience=null"]
GPT = [
    "task=language_model",
    f"data.path={TEXT}",
    "data.length=32",
    "model.width=16",
    "model.layers=1",
    "task.sample=0",
]
CASES = {
    "mlp": ["data=digits", "model=mlp", "model.dropout=0.2", "scheduler=plateau", "trainer.epochs=60"],
    "lstm": ["data=digits", *LSTM, "scheduler=cosine", "optimizer=momentum", "trainer.epochs=12"],
    "k-means": ["task=clustering", "data=digits", "data.flat=true", "task.mini_batch=64", "trainer.epochs=60"],
    "dqn": ["task=dqn", "data=cartpole", "task.rounds=24", "task.warmup=200", "trainer.epochs=8"],
    "cnn": ["data=digits", *CNN, "trainer.epochs=12"],
    "table": [*TABLE, "model=mlp", "model.dropout=0.2", "trainer.epochs=150"],
    "language-model": [*GPT, "trainer.batch_size=16", "trainer.epochs=10"],
    "q-learning": ["task=control", "task.episodes=100", "trainer.epochs=60"],
}
COMMON = ["tracking.figures=false", "trainer.checkpoint_every=0.05", "device=cpu"]
LONGEST = 600.0  # seconds of a run
AGAIN = 0.3  # of the resumes are killed, too


def process(folder: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "mlcli", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environment)


def train(folder: Path, case: str, name: str) -> "subprocess.Popen[bytes]":
    return process(folder, "train", *CASES[case], *COMMON, f"hydra.run.dir=outputs/runs/{name}", f"name={name}")


def finished(running: "subprocess.Popen[bytes]", folder: Path) -> None:
    assert running.wait(LONGEST) == 0, (folder / "log").read_text()[-3000:]


def killed(running: "subprocess.Popen[bytes]", run: Path, epochs: int, chosen: random.Random) -> bool:
    """Kills it in the first half of its epochs, at a random moment. Whether it had not ended yet."""
    least = chosen.randint(0, epochs // 2)
    while running.poll() is None and not ((run / "run.json").exists() and len(lines_of(run)) >= least):
        time.sleep(0.01)
    time.sleep(chosen.random() ** 2 / 10)
    running.send_signal(signal.SIGKILL)
    return running.wait() == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_killed_run_ends_with_the_bits_of_another(
    case: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    place, kills = list(CASES).index(case), request.config.getoption("--kills")
    count = kills // len(CASES) + (place < kills % len(CASES))
    if not count:
        pytest.skip("--kills is smaller than the number of cases")
    write_table(tmp_path / "rows.csv")
    runs, chosen, found = tmp_path / "outputs" / "runs", random.Random(case), Counter[str]()
    finished(train(tmp_path, case, "whole"), tmp_path)
    epochs = len(lines_of(runs / "whole"))
    for number in range(count):
        name = f"killed-{number}"
        found["killed"] += (was_killed := killed(train(tmp_path, case, name), runs / name, epochs, chosen))
        found["ended before"] += not was_killed
        found["without a checkpoint"] += not numbered(runs / name / "checkpoints")
        if chosen.random() < AGAIN:
            found["killed again"] += killed(process(tmp_path, "resume", name), runs / name, epochs, chosen)
        finished(process(tmp_path, "resume", name), tmp_path)
        assert_same(runs / name, runs / "whole")
        assert_in_mlflow(tmp_path / "outputs", runs / name)
    assert found["killed"]
    print(f"{case}: {dict(found)}")


def write_table(path: Path) -> None:
    chosen = random.Random(0)
    rows = [(chosen.random(), chosen.choice("abc"), chosen.randrange(50)) for _ in range(400)]
    lines = [f"{size:.4f},{kind},{age},{size * 3 + age / 10 + 'abc'.index(kind):.4f}" for size, kind, age in rows]
    path.write_text("\n".join(["size,kind,age,price", *lines]) + "\n")


def lines_of(run: Path) -> list[dict[str, Any]]:
    return read_lines(run / "metrics.jsonl")[0]


def assert_same(run: Path, whole: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    assert record["status"] == "FINISHED"
    for name in ("model/weights.safetensors", "last.safetensors"):
        ours, theirs = load_file(run / name), load_file(whole / name)
        assert ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours), name
    ours, theirs = (
        [(line["epoch"], line["step"], line["metrics"]) for line in lines_of(each)] for each in (run, whole)
    )
    assert ours == theirs
    (predictions,) = (run / "predictions").iterdir()
    assert predictions.read_bytes() == (whole / "predictions" / predictions.name).read_bytes()


def assert_in_mlflow(outputs: Path, run: Path) -> None:
    """The history of every metric is the journal and the summary of the run, row for row; by MLflow's client."""
    client = LocalStore(outputs).client
    run_id = json.loads((run / ".mlflow.json").read_text())["run_id"]
    stored = client.get_run(run_id)
    assert (stored.info.status, stored.data.tags["mlcli.status"]) == ("FINISHED", "FINISHED")
    rows: dict[str, list[tuple[int, int, float]]] = {}
    for line in lines_of(run):
        for name, value in line["metrics"].items():
            rows.setdefault(tidy(name), []).append((line["epoch"], int(line["time"] * 1000), value))
    summary = summarise(run, is_sweep=False)
    ended = int(json.loads((run / "run.json").read_text())["ended"] * 1000)
    for name, value in summary.finite().items():
        rows.setdefault(tidy(name), []).append((summary.epoch, ended, value))
    assert set(stored.data.metrics) == set(rows)
    for name, expected in rows.items():
        history = [(each.step, each.timestamp, each.value) for each in client.get_metric_history(run_id, name)]
        assert sorted(history) == sorted(expected), name
