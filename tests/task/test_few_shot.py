"""What a few-shot task minimises and tells, and what it says to what cannot be."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mlcli.config.errors import ConfigError
from mlcli.loading.few_shot_loader import EpisodeSize
from mlcli.run.build import Parts, build
from mlcli.train.layer_statistics import layer_statistics
from tests.configs import run_config

BLOBS = (
    "data=blobs",
    "data.classes=30",
    "data.features=6",
    "data.noise=3",
    "model=mlp",
    "task.episodes=20",
    "task.test_ways=4",
    "task.embedding=8",
)


def cfg_of(*overrides: str) -> Any:
    return run_config("device=cpu", "device.threads=1", "task=few_shot", *overrides)


def parts_of(*overrides: str) -> Parts:
    return build(cfg_of(*BLOBS, *overrides))


def test_the_task_brings_its_data_and_splits_by_class_and_the_command_line_wins() -> None:
    cfg = cfg_of()
    assert cfg.split.by == "class" and cfg.data._target_.endswith("glyphs") and cfg.model._target_.endswith("CNN")
    assert cfg_of("split.by=example").split.by == "example"


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_loss_is_the_cross_entropy_of_queries_over_prototypes(distance: str) -> None:
    parts = parts_of("task.shots=2", f"task.distance={distance}", "task.scale=7")
    task: Any = parts.task
    inputs, targets = next(iter(task.batches(0)))
    found = task.model(inputs).view(5, 7, 8)
    means, queries = found[:, :2].mean(1), found[:, 2:].flatten(0, 1)
    if distance == "cosine":
        logits = 7 * F.cosine_similarity(queries.unsqueeze(1), means, dim=-1)
    else:
        logits = -torch.cdist(queries, means).square()
    expected = F.cross_entropy(logits, torch.arange(5).repeat_interleave(5))
    torch.testing.assert_close(task.loss(inputs, targets), expected)


def test_no_class_of_a_split_is_in_another_and_accuracy_is_that_of_its_rows() -> None:
    task: Any = parts_of().task
    classes = [set(task.data.examples.targets[indices].tolist()) for indices in task.data.splits.values()]
    assert sum(map(len, classes)) == len(set.union(*classes)) == 30
    evaluation = task.evaluate("test", full=True)
    rows, metrics = evaluation.columns, evaluation.metrics
    assert set(rows["target"]) == {task.data.classes[label] for label in classes[2]}
    assert rows["asked"].sum() == 600 * 4 * 5
    assert rows["right"].sum() / rows["asked"].sum() == pytest.approx(metrics["accuracy"], abs=1e-6)
    # An episode's 20 answers are not independent, so the interval is no narrower than 12,000 answers' would be.
    accuracy = metrics["accuracy"]
    assert metrics["accuracy_margin_of_error"] >= 1.96 * np.sqrt(accuracy * (1 - accuracy) / 12_000)
    assert 0.25 < metrics["nearest_neighbour_accuracy"] < 1


def test_more_ways_are_harder_and_more_shots_easier() -> None:
    task: Any = parts_of().task
    embeddings = task.embeddings("train")
    easy, hard = (task.compare("train", embeddings, EpisodeSize(ways, 1, 5)) for ways in (2, 15))
    assert (
        easy["accuracy"] > hard["accuracy"]
        and easy["nearest_neighbour_accuracy"] > hard["nearest_neighbour_accuracy"]
    )
    more = task.compare("train", embeddings, EpisodeSize(15, 10, 5))
    assert more["accuracy"] > hard["accuracy"]


def test_layer_statistics_of_an_episode() -> None:
    task: Any = parts_of().task
    measured = layer_statistics(task)
    assert measured["gradient_norm/head"] > 0
    inputs, _ = next(iter(task.loader.split("train")))
    task.model.eval()
    assert task.loss(inputs[: task.loader.batch_size], torch.empty(0)).isfinite()


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (
            ["data=digits", "model=cnn"],
            r"task\.test_ways=5: the val split of digits has 2 classes; use task\.test_ways=2",
        ),
        (["data=diabetes", "model=mlp"], r"split\.by=class"),
        (["data=iris", "model=mlp", "split.by=example", "task.ways=3"], r"use split\.by=class"),
        (["data=iris", "model=mlp", "split.val=0.4", "split.test=0.4"], r"the train split of iris has 1 classes"),
        (["task.shots=4", "data=digits", "model=cnn", "trainer.accumulate=2"], r"trainer\.accumulate=1"),
        (
            ["task.shots=4"],
            r"task\.shots=4 and task\.queries=5 take 9 examples .* use task\.shots=4 task\.queries=4",
        ),
    ],
)
def test_what_cannot_be(overrides: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build(cfg_of(*overrides))


def test_images_are_plotted_with_their_predictions() -> None:
    task: Any = build(cfg_of("data=digits", "task.ways=3", "task.test_ways=2", "task.test_episodes=20")).task
    plots = {plot.name: plot for plot in task.evaluate("test", full=True).plots()}
    assert set(plots) == {"accuracy_by_ways", "latent_space", "episode"}
    episode = plots["episode"].data
    assert len(episode["names"]) == 2 and np.shape(episode["images"]) == (2, 6, 8, 8)
    predictions = np.array(episode["predictions"])
    assert (predictions == np.array(episode["names"])[:, None]).sum() == episode["right"]
    assert {curve["shots"] for curve in plots["accuracy_by_ways"].data["curves"]} == {1, 5}
    for plot in plots.values():
        plot.figure()
