"""Filters of `mlcli runs`."""

import json
import os
import socket
from pathlib import Path

import pytest

from mlcli.config.errors import ConfigError
from mlcli.store.query import query, setting_text


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    for started, (name, model) in enumerate((("first", "lstm.LSTM"), ("second", "mlp.MLP"))):
        folder = tmp_path / "runs" / f"20260101-00000{started}-aaaa000{started}"
        folder.mkdir(parents=True)
        record = {"id": folder.name, "name": name, "status": "FINISHED", "started": float(started)}
        record |= {"pid": os.getpid(), "host": socket.gethostname(), "parent": None, "command": "mlcli train"}
        (folder / "run.json").write_text(json.dumps(record))
        (folder / "config.yaml").write_text(
            f"model:\n  _target_: mlcli.model.{model}\noptimizer:\n  lr: 0.01\n  clip: null\n  fused: true\n"
        )
    return tmp_path


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (["model=lstm"], ["first"]),
        (["optimizer.lr=1e-2", "second"], ["second"]),
        (["optimizer.clip=null", "first"], ["first"]),
        (["optimizer.fused=true", "first"], ["first"]),
        (["status=finished"], ["second", "first"]),
        (["name=first"], ["first"]),
        (["optimizer.lr=3"], []),
        (["model=gru"], []),
        (["elsewhere"], []),
    ],
)
def test_filters(outputs: Path, filters: list[str], names: list[str]) -> None:
    assert [row["name"] for row in query(outputs, filters, "started")] == names


def test_settings_are_shown_as_they_are_typed() -> None:
    values = [None, True, 1e-8, 3, "adam", [0.9, 0.999]]
    assert [*map(setting_text, values)] == ["null", "true", "1e-08", "3", "adam", "[0.9, 0.999]"]


@pytest.mark.parametrize(
    ("key", "meant"), [("optimizer.lrr", "optimizer.lr"), ("modell", "model"), ("stattus", "status")]
)
def test_a_key_that_no_run_has_is_an_error(outputs: Path, key: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=rf"^no run has {key}\. Did you mean {meant}\?$"):
        query(outputs, ["first", f"{key}=1"], "started")


def test_without_runs_no_key_is_wrong(tmp_path: Path) -> None:
    assert query(tmp_path, ["optimizer.lrr=1"], "started") == []


@pytest.mark.parametrize("text", ["a: &a [x]\nb: *a\n", "[" * 100_000, "a: [", "name: ${oc.env:HOME}", ""])
def test_a_damaged_config_hides_no_other_run(outputs: Path, text: str) -> None:
    """Under filters of the config; without any, the run itself is listed."""
    (damaged,) = (outputs / "runs").glob("*-aaaa0000")
    (damaged / "config.yaml").write_text(text)
    assert [row["name"] for row in query(outputs, [], "started")] == ["second", "first"]
    assert [row["name"] for row in query(outputs, ["model=mlp"], "started")] == ["second"]
    assert query(outputs, ["model=lstm"], "started") == []
