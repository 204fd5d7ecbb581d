"""Prediction from a run's model folder alone."""

import random
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from mlcli.config.compose import shipped_conf
from mlcli.run.build import Parts, build
from mlcli.run.finish import write_model
from mlcli.serve.predictor import Predictor
from mlcli.store.records import read_json
from tests.configs import run_config

README = Path(__file__).parents[2] / "README.md"
RUNS = [
    ["data=iris", "model.norm=batch_norm", "model.dropout=0.2"],
    ["data=digits", "model=lstm"],
    ["task=regression", "data=diabetes"],
    ["task=sequence_labelling", "data.examples=100", "model.hidden_size=8"],
    ["data=deliveries", "data.examples=100", "model=transformer"],
    ["task=multi_label", "data.examples=100"],
    ["task=reconstruction", "model.width=8"],
    ["task=reconstruction", "model=vae", "model.width=8", "model.norm=batch_norm", "task.noise=0.1"],
    ["task=clustering", "data=blobs"],
    ["task=reduction", "data=digits"],
    ["task=control", "data=frozen_lake"],
    [
        "task=dqn",
        "task.rounds=2",
        "task.warmup=100",
        "task.episodes=2",
        "task.val_episodes=2",
        "model.norm=batch_norm",
    ],
    ["task=reinforce", "task.updates=2", "task.episodes=2", "task.val_episodes=2", "model.norm=batch_norm"],
    ["task=few_shot", "data=blobs", "data.classes=30", "model=mlp", "task.episodes=2", "task.test_ways=4"],
    ["task=meta_learning", "data.tasks=20", "task.steps=2"],
    [
        "task=language_model",
        f"data.path={README}",
        "data.length=8",
        "model.width=8",
        "model.heads=1",
        "task.sample=0",
    ],
    ["data=iris", "model=random_forest", "model.estimator.n_estimators=5"],
    ["data=iris", "model=knn"],
    ["data=iris", "model=gradient_boosting"],
    ["data=iris", "model=mlp_numpy"],
]
THREADS, REQUESTS = 4, 48


@pytest.fixture(scope="module", params=RUNS, ids=[" ".join(run[:2]) for run in RUNS])
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Parts, Path]:
    """Parts after an epoch, and the model folder written from them."""
    cfg = run_config("device=cpu", *request.param)
    parts = build(cfg)
    for batch in parts.task.batches(0):
        parts.task.step(batch)
    folder = tmp_path_factory.mktemp("run") / "model"
    write_model(folder, cfg, parts)
    return parts, folder


def test_answers_as_the_run_did(saved: tuple[Parts, Path]) -> None:
    parts, folder = saved
    raw = parts.data.examples.inputs[:20]
    expected = pd.DataFrame(parts.predict(raw))
    pd.testing.assert_frame_equal(Predictor(folder).predict(raw.numpy()), expected, rtol=1e-4, atol=1e-5)


def test_every_task_is_here() -> None:
    used = {word.removeprefix("task=") for run in RUNS for word in run if word.startswith("task=")}
    tasks = {file.stem for file in (shipped_conf() / "task").glob("*.yaml")}
    assert {"classification", "auto", *used} == tasks  # which is one of the others


def global_state() -> dict[str, Any]:
    """Global state of the process that a library must not change."""
    return {
        "torch": torch.get_rng_state().tolist(),
        "numpy": str(np.random.get_state()),
        "python": random.getstate(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }


def bits(task: Any) -> dict[str, Any]:
    """The task's state, comparable bit for bit."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(each) for key, each in value.items()}
        return (value.dtype, value.numpy().tobytes()) if isinstance(value, torch.Tensor) else value

    return {key: plain(value) for key, value in task.state_dict().items()}


def test_requests_side_by_side_are_answered_as_one_after_another(saved: tuple[Parts, Path]) -> None:
    parts, folder = saved
    raw = parts.data.examples.inputs.numpy()
    requests = [raw[start : start + 1 + start % 3] for start in range(REQUESTS)]
    predictor = Predictor(folder)
    task: Any = predictor.parts.task
    before, outside = bits(task), global_state()
    with ThreadPoolExecutor(THREADS) as pool:
        together = list(pool.map(predictor.predict, requests))
    alone = [predictor.predict(request) for request in requests]
    for one, other in zip(alone, together, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert bits(task) == before
    assert global_state() == outside
    assert not any(module.training for module in task.model.modules())


def test_loading_leaves_the_process_as_it_was(saved: tuple[Parts, Path]) -> None:
    torch.set_num_threads(2)
    try:
        outside = global_state()
        Predictor(saved[1])
        assert global_state() == outside
    finally:
        torch.set_num_threads(1)


def test_predictions_during_training_leave_the_training_mode(saved: tuple[Parts, Path]) -> None:
    parts, _ = saved
    task: Any = parts.task
    raw = parts.data.examples.inputs[:5]
    task.model.eval()
    expected = pd.DataFrame(parts.predict(raw))
    task.model.train()
    pd.testing.assert_frame_equal(pd.DataFrame(parts.predict(raw)), expected, check_exact=True)
    assert task.model.training
    task.model.eval()


def test_columns_in_any_order(saved: tuple[Parts, Path]) -> None:
    parts, folder = saved
    if not parts.data.features:
        pytest.skip("images and tokens have no columns")
    table = pd.DataFrame(parts.data.examples.inputs[:5].numpy(), columns=list(parts.data.features))
    predictor = Predictor(folder)
    pd.testing.assert_frame_equal(predictor.predict(table[table.columns[::-1]]), predictor.predict(table))
    with pytest.raises(ValueError, match=re.escape(f"lacks the columns {parts.data.features[0]}")):
        predictor.predict(table.drop(columns=parts.data.features[0]))


def test_wrong_shape(saved: tuple[Parts, Path]) -> None:
    _, folder = saved
    with pytest.raises(ValueError, match="inputs must be B ×"):
        Predictor(folder).predict(np.zeros((2, 3, 1), dtype=np.float32))


def test_texts_become_tokens_as_they_did_for_training(tmp_path: Path) -> None:
    cfg = run_config("device=cpu", "task=sequence_labelling", "data.examples=50", "data.length=9")
    parts = build(cfg)
    write_model(tmp_path / "model", cfg, parts)
    predictor = Predictor(tmp_path / "model")
    example = read_json(tmp_path / "model" / "example.json")
    given = pd.DataFrame(example["inputs"]["data"], columns=example["inputs"]["columns"])
    assert predictor.predict(given).to_numpy().tolist() == example["outputs"]["data"]
    (row,) = predictor.predict(["a(b)"])["prediction"]
    tokens = np.array([[*map(parts.data.vocabulary.index, "a(b)"), 0, 0, 0, 0, 0]])
    assert predictor.predict(tokens)["prediction"].tolist() == [row]
    assert len(row.split()) == 4
