"""Runs an experiment in its own folder and reads its conclusion."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlcli.cli.training import main


@dataclass(frozen=True)
class Stored:
    """An experiment's conclusion: `rows` as dictionaries by column, `folder` of the run or sweep."""

    folder: Path
    sentence: str
    rows: list[dict[str, Any]]

    def figures(self) -> set[str]:
        return {path.stem for path in (self.folder / "figures").glob("*.png")}


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Stored]:
    monkeypatch.chdir(tmp_path)

    def train(name: str, *overrides: str) -> Stored:
        """As `mlcli train experiment=NAME OVERRIDES` without MLflow and without figures of single runs."""
        main(["-q", f"experiment={name}", "tracking=none", "sweep.figures=0", "device=cpu", *overrides])
        (path,) = tmp_path.glob("outputs/*/*/answer.json")
        found = json.loads(path.read_text())
        rows = [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]
        return Stored(path.parent, found["sentence"], rows)

    return train
