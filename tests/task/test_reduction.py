"""Principal components against scikit-learn's."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from mlcli.cli.training import main
from mlcli.config.errors import ConfigError
from mlcli.run.build import Parts, build
from tests.configs import run_config

PIXELS = load_digits().data


def parts_of(*overrides: str) -> Parts:
    return build(run_config("task=reduction", "device=cpu", *overrides))


def solve(parts: Parts) -> Any:
    for batch in parts.task.batches(0):
        parts.task.step(batch)
    return parts.model


def test_components_are_scikit_learns() -> None:
    parts = parts_of("split.normalise=false", "model.components=41")
    model, theirs = solve(parts), PCA(41).fit(PIXELS)
    ratios = (model.variances / model.total).numpy()
    assert ratios[:3] == pytest.approx([0.1489, 0.1362, 0.1179], abs=5e-5)
    assert ratios[:41] == pytest.approx(theirs.explained_variance_ratio_, abs=1e-5)
    signs = np.sign((model.components.numpy() * theirs.components_).sum(1, keepdims=True))
    assert np.abs(model.components.numpy() - signs * theirs.components_).max() < 1e-5
    metrics = parts.task.evaluate("train", full=True).metrics
    assert [metrics[f"components_{share}"] for share in (90, 95, 99)] == [21, 29, 41]
    lost = np.square(theirs.inverse_transform(theirs.transform(PIXELS)) - PIXELS).mean()
    assert float(metrics["loss"]) == pytest.approx(lost, rel=1e-4)
    assert float(metrics["explained_variance_ratio"]) == pytest.approx(
        theirs.explained_variance_ratio_.sum(), abs=1e-5
    )


def test_incremental_steps_come_close() -> None:
    whole, parts = (parts_of("model.components=8", "trainer.batch_size=100", f"task.incremental={i}") for i in (0, 1))
    solve(whole)
    solve(parts)
    exact, close = (float(each.task.evaluate("train").metrics["loss"]) for each in (whole, parts))
    assert exact < close < 1.02 * exact


def test_a_run_shows_what_it_found_and_tells_new_points_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlcli.serve.predictor import Predictor

    monkeypatch.chdir(tmp_path)
    main(["-q", "task=reduction", "data=wine", "model.components=3", "task.tsne=true", "tracking=none", "device=cpu"])
    (run,) = tmp_path.glob("outputs/runs/*")
    shown = {path.stem for path in (run / "figures").glob("*.png")}
    assert shown >= {"explained_variance", "latent_space", "components", "reconstructions", "t_sne"}
    scores = json.loads((run / "result.json").read_text())["metrics"]
    assert scores["train/components_95"] == 10
    examples = json.loads((run / "model" / "example.json").read_text())["inputs"]["data"]
    found = Predictor(run / "model").predict(np.array(examples, dtype=np.float32))
    assert {"latent/0", "latent/2", "error"} <= set(found)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["data=iris", "model.components=5"], "there are 4 features; use at most 4"),
        (["task.incremental=true", "trainer.batch_size=8", "model.components=20"], "8 examples at a time"),
        (["model=mlp"], "use model=pca"),
    ],
)
def test_mistakes_are_told_with_what_to_type(overrides: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parts_of(*overrides)


@pytest.mark.parametrize(
    "task", [["task=reduction", "model.components=40"], ["task=clustering", "model.clusters=40"]]
)
def test_a_trained_model_judges_fewer_examples_than_it_could_be_trained_on(task: list[str]) -> None:
    cfg = run_config(*task, "device=cpu", "data=digits", "data.flat=true")
    whole = build(cfg).data
    few = replace(whole, splits={name: index[:20] for name, index in whole.splits.items()})
    assert float(build(cfg, few, weights_later=True).task.evaluate("train").metrics["loss"]) >= 0
    with pytest.raises(ConfigError, match=r"of 20 examples|there are 20 examples"):
        build(cfg, few)
