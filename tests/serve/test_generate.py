"""Text after a prompt, from a run's folder."""

from pathlib import Path

import pytest

from mlcli.config.errors import ConfigError
from mlcli.run.build import Parts, build
from mlcli.run.finish import write_model
from mlcli.serve.generate import generate
from tests.configs import run_config

GPT = ["task=language_model", "model.width=8", "model.heads=1", "model.layers=1", "data.length=16"]


def saved(folder: Path, *overrides: str) -> Parts:
    cfg = run_config("device=cpu", *overrides)
    parts = build(cfg)
    write_model(folder / "model", cfg, parts)
    return parts


def test_writes_as_the_run_would(tmp_path: Path) -> None:
    parts = saved(tmp_path, *GPT)
    text = generate(tmp_path, "The function ", 50, temperature=1.0, seed=3)
    assert text == parts.task.generate("The function ", 50, 1.0, 3)
    assert len(text) == 50 and set(text) <= set(parts.data.vocabulary)
    with pytest.raises(ConfigError, match="not in the model's vocabulary: ∮"):
        generate(tmp_path, "∮", 5, 1.0, 0)


def test_what_cannot_go_on_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did not finish"):
        generate(tmp_path, "a", 5, 1.0, 0)
    saved(tmp_path, "data=iris")
    with pytest.raises(ConfigError, match="is not a language model"):
        generate(tmp_path, "a", 5, 1.0, 0)


def test_extreme_temperatures(tmp_path: Path) -> None:
    saved(tmp_path, *GPT)
    coldest = generate(tmp_path, "The ", 20, temperature=0, seed=0)
    assert generate(tmp_path, "The ", 20, temperature=1e-320, seed=0) == coldest
    assert len(generate(tmp_path, "The ", 20, temperature=1e30, seed=0)) == 20
    for temperature in (float("inf"), float("nan")):
        with pytest.raises(ConfigError, match="use a finite number"):
            generate(tmp_path, "The ", 20, temperature, seed=0)
