"""`mlcli verify`: a run is trained again and compared bit for bit."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner, Result

from mlcli.cli.app import app
from mlcli.cli.training import main
from tests.commands import QUICK, sweep

RUN = [*QUICK, "model=mlp", "trainer.epochs=3"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def train(*overrides: str) -> Path:
    path = Path("outputs/runs/one")
    main([*RUN, f"hydra.run.dir={path}", *overrides])
    return path


def verify(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["verify", "one", "-q", *arguments])


def files() -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in Path().rglob("*") if path.is_file()}


def write_table(changed: bool = False) -> None:
    rows = [f"{i},{'abc'[i % 3]},{i * 1.5 + (i == 7 and changed)}" for i in range(60)]
    Path("t.csv").write_text("\n".join(["a,b,y", *rows]))


@pytest.mark.parametrize(
    "overrides",
    [
        ("model.dropout=0.2",),
        ("model=random_forest",),
        ("task=clustering", "model=kmeans", "data=blobs", "split.test=0", "split.val=0"),
        ("task=control", "data=gridworld", "model=q_table"),
        ("data=csv", "data.path=t.csv", "data.target=y", "model=tabm"),
    ],
)
def test_a_run_is_reproducible_and_only_read(overrides: tuple[str, ...]) -> None:
    write_table()
    train(*overrides)
    before = files()
    found = verify()
    assert found.exit_code == 0 and found.stdout.startswith("one is reproducible: "), found.output
    assert found.stdout.endswith("the same, bit for bit\n")
    assert ("weights" in found.stdout) == ("model=random_forest" not in overrides)
    assert files() == before


def test_the_first_difference_comes_first() -> None:
    path = train()
    config = yaml.safe_load((path / "config.yaml").read_text())
    config["trainer"]["seed"] = 1  # as if something were random without a seed
    (path / "config.yaml").write_text(yaml.safe_dump(config))
    found = verify()
    first, second, *_ = found.stdout.splitlines()
    assert found.exit_code == 1 and first == "one is not reproducible"
    assert second.startswith("  epoch 1: train/loss is 0.") and ", not 0." in second
    assert "  changed since: nothing that mlcli knows of" in found.stdout
    shown = json.loads(verify("--json").stdout)
    assert shown["reproducible"] is False and shown["differences"][0] == second.strip() and shown["changes"] == []


def test_changed_data_and_versions_are_named() -> None:
    write_table()
    path = train("data=csv", "data.path=t.csv", "data.target=y", "model=linear")
    write_table(changed=True)
    environment = json.loads((path / "environment.json").read_text())
    (path / "environment.json").write_text(json.dumps(environment | {"torch": "2.0.0"}))
    found = verify()
    changed = found.stdout.splitlines()[-1]
    assert found.exit_code == 1 and changed.startswith("  changed since: the data have changed, torch 2.0.0 → 2.")


def test_other_weights_or_predictions_are_found() -> None:
    path = train()
    weights = load_file(path / "model/weights.safetensors")
    name = sorted(name for name, own in weights.items() if own.is_floating_point() and own.numel() > 1)[-1]
    changed = weights[name].clone()
    changed.view(-1)[0] = torch.nextafter(changed.view(-1)[0], torch.tensor(torch.inf))
    save_file(weights | {name: changed}, path / "model/weights.safetensors")
    table = path / "predictions/test.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines[:4], lines[4] + "1", *lines[5:]]) + "\n")
    found = verify()
    assert found.exit_code == 1
    assert f"1 of {len(weights)} tensors differ" in found.stdout
    assert f"predictions/test.csv: 1 of {len(lines)} lines differ, the first is line 5" in found.stdout


def test_what_cannot_be_repeated_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    path = train("trainer.max_time=1e-9")
    assert "ended by trainer.max_time" in _refused(verify())
    record = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps(record | {"status": "KILLED"}))
    assert "has not finished (KILLED): use `mlcli resume one`" in _refused(verify())
    (path / "run.json").write_text(json.dumps(record | {"host": "elsewhere"}))
    result = json.loads((path / "result.json").read_text())
    (path / "result.json").write_text(json.dumps(result | {"stopped": None}))
    assert "was made on another machine, elsewhere" in _refused(verify())
    swept = sweep([*QUICK, "trainer.seed=0,1"])
    for run, words in ((swept, "is a sweep"), (swept / "0", "is a trial of a sweep")):
        assert words in _refused(CliRunner().invoke(app, ["verify", str(run)]))


def _refused(found: Result) -> str:
    assert found.exit_code == 2 and found.stderr.count("\n") == 1 and found.stdout == ""
    return found.stderr
