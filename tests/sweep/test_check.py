"""Checks of a sweep before anything is written."""

import json
import sys
from pathlib import Path

import pytest

from mlcli.cli.training import main


def swept(models: str) -> object:
    words = ["-q", "-m", "data=iris", f"model={models}", "trainer.epochs=1", "tracking=none", "hydra/launcher=serial"]
    with pytest.raises(SystemExit) as end:
        main([*words, "tracking.figures=false", "device=cpu"])
    return end.value.code


def test_a_package_that_is_not_installed_fails_its_own_trials_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("tensorflow", "keras"):
        monkeypatch.setitem(sys.modules, name, None)
    assert swept("mlp_keras") == 2
    assert "needs keras and tensorflow: run pip install" in capsys.readouterr().err and not Path("outputs").exists()
    assert swept("mlp_keras,mlp") == 1
    records = [json.loads(path.read_text()) for path in Path("outputs/sweeps").glob("*/*/run.json")]
    assert sorted(record["status"] for record in records) == ["FAILED", "FINISHED"]
    assert "needs keras and tensorflow" in next(
        record["reason"] for record in records if record["status"] == "FAILED"
    )
