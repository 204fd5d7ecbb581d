"""Properties of every task."""

from pathlib import Path
from typing import Any

import pytest
import torch

from mlcli.run.build import Parts, build
from tests.configs import run_config

CASES = {
    "clustering": [
        "task=clustering",
        "data=digits",
        "data.flat=true",
        "model.init=random",
        "model.starts=1",
        "split.val=0.2",
        "split.test=0.2",
    ],
    "classification": ["data=digits", "model=mlp"],
    "classification-binary": ["data=breast_cancer", "model=mlp", "trainer.class_weights=balanced"],
    "classification-sampler": ["data=breast_cancer", "model=mlp", "model.dropout=0.2", "trainer.sampler=balanced"],
    "classification-numpy": ["data=digits", "model=mlp_numpy", "model.width=32"],
    "classification-lstm": ["data=digits", "model=lstm", "model.hidden_size=16"],
    "classification-cnn-dropout": ["data=digits", "model=cnn", "model.dropout=0.3"],
    "classification-smoothing": ["data=iris", "model=linear", "task.label_smoothing=0.1", "optimizer.lr=0.05"],
    "regression": ["task=regression", "data=diabetes", "model=mlp", "model.dropout=0.2"],
    "classification-tokens": ["data=surnames", "model=gru", "model.hidden_size=16", "trainer.batch_size=256"],
    "sequence-labelling": ["task=sequence_labelling", "data.examples=300", "model.hidden_size=16"],
    "language-model": [
        "task=language_model",
        f"data.path={Path(__file__).parents[1] / 'README.md'}",
        "data.length=24",
        "model.width=16",
        "model.heads=2",
        "model.layers=1",
        "trainer.batch_size=16",
        "task.sample=0",
        "optimizer.lr=0.02",
    ],
    "multi-label": ["task=multi_label", "data.examples=300", "model.dropout=0.2"],
    "reconstruction": ["task=reconstruction", "model.width=32", "optimizer.lr=0.01"],
    "reconstruction-noisy": ["task=reconstruction", "model=conv_autoencoder", "model.width=4", "task.noise=0.5"],
    "reconstruction-vae": [
        "task=reconstruction",
        "model=vae",
        "model.width=32",
        "task.mask=0.1",
        "optimizer.lr=0.01",
    ],
    "control": ["task=control", "task.episodes=100"],
    "control-double": ["task=control", "data=cliff_walking", "task.method=double_q", "task.episodes=20"],
    "few-shot": [
        "task=few_shot",
        "data=blobs",
        "data.classes=30",
        "data.features=6",
        "data.noise=3",
        "model=mlp",
        "model.dropout=0.1",
        "task.episodes=20",
        "task.test_ways=4",
        "task.embedding=8",
    ],
    "meta-learning": ["task=meta_learning", "data.tasks=200", "task.steps=60"],
    "meta-learning-rates": [
        "task=meta_learning",
        "data.tasks=200",
        "task.steps=60",
        "task.learn_inner_rate=true",
        "task.evaluation_steps=[0,2]",
    ],
    "dqn": [
        "task=dqn",
        "task.gamma=0.5",
        "task.rounds=8",
        "task.warmup=200",
        "task.target_every=10",
        "model.dropout=0.1",
        "trainer.clip_norm=10",
    ],
    "reinforce": ["task=reinforce", "task.updates=3", "model.dropout=0.1", "task.entropy=0.01"],
    "regression-linear": ["task=regression", "data=house_prices", "scheduler=plateau"],
}


def parts_of(overrides: list[str]) -> Parts:
    return build(run_config("device=cpu", *overrides))


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def overrides(request: pytest.FixtureRequest) -> list[str]:
    return list(request.param)


def train(parts: Parts, first: int, epochs: int) -> list[float]:
    return [
        float(parts.task.step(batch)["loss"])
        for epoch in range(first, first + epochs)
        for batch in parts.task.batches(epoch)
    ]


def snapshot(state: Any) -> Any:
    return torch.utils._pytree.tree_map(lambda v: v.clone() if isinstance(v, torch.Tensor) else v, state)


def same(a: Any, b: Any) -> bool:
    flat_a, flat_b = (torch.utils._pytree.tree_leaves(each) for each in (a, b))
    return len(flat_a) == len(flat_b) and all(
        torch.equal(x, y) if isinstance(x, torch.Tensor) else x == y for x, y in zip(flat_a, flat_b, strict=True)
    )


def test_loss_falls(overrides: list[str]) -> None:
    if "task=reinforce" in overrides:
        pytest.skip("only the gradient of its loss is meaningful; tests/task tests its returns")
    losses = train(parts_of(overrides), 0, 5)
    fifth = len(losses) // 5
    assert sum(losses[-fifth:]) < 0.9 * sum(losses[:fifth])


def test_evaluate_changes_nothing(overrides: list[str]) -> None:
    parts = parts_of(overrides)
    train(parts, 0, 1)
    before, generator = snapshot(parts.task.state_dict()), torch.get_rng_state()
    first = parts.task.evaluate("val", full=True)
    second = parts.task.evaluate("val", full=True)
    assert same(before, parts.task.state_dict())
    assert torch.equal(generator, torch.get_rng_state())
    assert {k: float(v) for k, v in first.metrics.items()} == {k: float(v) for k, v in second.metrics.items()}


def test_resuming_from_the_state_is_bit_identical(overrides: list[str]) -> None:
    straight = parts_of(overrides)
    train(straight, 0, 2)
    saved = snapshot(straight.task.state_dict())
    rest = train(straight, 2, 2)
    resumed = parts_of(overrides)
    resumed.task.load_state_dict(saved)
    assert train(resumed, 2, 2) == rest
    assert same(resumed.task.state_dict(), straight.task.state_dict())


def test_the_seed_determines_the_numbers(overrides: list[str]) -> None:
    first, again = (train(parts_of(overrides), 0, 1) for _ in range(2))
    other = train(parts_of([*overrides, "trainer.seed=1"]), 0, 1)
    assert first == again
    assert first != other


def test_fast_metrics_equal_the_full_ones(overrides: list[str]) -> None:
    parts = parts_of(overrides)
    train(parts, 0, 2)
    fast = parts.task.evaluate("test").metrics
    full = parts.task.evaluate("test", full=True).metrics
    for name, value in fast.items():
        assert float(full[name]) == pytest.approx(float(value), rel=1e-5), name


def test_predict_equals_evaluate(overrides: list[str]) -> None:
    if any(override.startswith(("task.noise", "task.mask")) for override in overrides):
        pytest.skip("evaluates on corrupted inputs and predicts from clean ones")
    if {"task=dqn", "task=reinforce"} & set(overrides):
        pytest.skip("evaluates whole episodes and predicts an action")
    parts = parts_of(overrides)
    train(parts, 0, 1)
    columns = parts.task.evaluate(parts.data.evaluation_split, full=True).columns
    raw = parts.data.examples.inputs[parts.data.splits[parts.data.evaluation_split]]
    for name, values in parts.predict(raw).items():
        if name.startswith("reconstruction/"):
            continue  # one column per pixel is not stored with a run
        if values.dtype.kind == "f":
            assert values == pytest.approx(columns[name], rel=1e-4, abs=1e-5)
        else:
            assert (values == columns[name]).mean() > 0.99


def test_streamed_and_resident_data_train_the_same(overrides: list[str]) -> None:
    resident = train(parts_of([*overrides, "device.resident=true"]), 0, 1)
    streamed = train(parts_of([*overrides, "device.resident=false"]), 0, 1)
    assert streamed == resident
