"""Prototypes and nearest neighbours against scikit-learn, and the interval against its formula."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from torch.nn import functional as F

from mlcli.metric.few_shot import evaluate_episodes, margin_of_error, nearest_neighbour, prototypes, similarity

WAYS, SHOTS, QUERIES = 4, 3, 5
LABELS = torch.arange(WAYS)


@pytest.fixture
def episodes() -> torch.Tensor:
    """M × W × E × D"""
    generator = torch.Generator().manual_seed(0)
    centres = 2 * torch.randn(6, WAYS, 1, 7, generator=generator)
    return centres + torch.randn(6, WAYS, SHOTS + QUERIES, 7, generator=generator)


def test_prototypes_are_scikit_learns_centroids(episodes: torch.Tensor) -> None:
    found = prototypes(episodes, SHOTS).argmax(-1)
    for episode, answers in zip(episodes, found, strict=True):
        model = NearestCentroid().fit(episode[:, :SHOTS].flatten(0, 1), LABELS.repeat_interleave(SHOTS))
        assert answers.flatten().tolist() == model.predict(episode[:, SHOTS:].flatten(0, 1)).tolist()


def test_nearest_neighbour_is_scikit_learns(episodes: torch.Tensor) -> None:
    for distance in ("euclidean", "cosine"):
        found = nearest_neighbour(episodes, SHOTS, distance).argmax(-1)
        for episode, answers in zip(episodes, found, strict=True):
            model = KNeighborsClassifier(1, metric=distance)
            model.fit(episode[:, :SHOTS].flatten(0, 1), LABELS.repeat_interleave(SHOTS))
            assert answers.flatten().tolist() == model.predict(episode[:, SHOTS:].flatten(0, 1)).tolist()


def test_with_one_shot_both_are_the_same(episodes: torch.Tensor) -> None:
    torch.testing.assert_close(prototypes(episodes, 1), nearest_neighbour(episodes, 1))


def test_likeness(episodes: torch.Tensor) -> None:
    one, other = episodes[:, 0], episodes[:, 1, :3]
    torch.testing.assert_close(similarity(one, other, "euclidean"), -torch.cdist(one, other).square())
    cosines = F.cosine_similarity(one.unsqueeze(2), other.unsqueeze(1), dim=-1)
    torch.testing.assert_close(similarity(one, other, "cosine"), cosines)


@pytest.mark.parametrize("scores", [prototypes, nearest_neighbour])
def test_where_the_origin_lies_does_not_matter(episodes: torch.Tensor, scores: Callable[..., torch.Tensor]) -> None:
    rounded = episodes * 1e-3 + 1000
    expected = scores(rounded.double(), SHOTS)
    torch.testing.assert_close(scores(rounded, SHOTS).double(), expected, rtol=0.02, atol=1e-7)
    assert torch.equal(scores(rounded, SHOTS).argmax(-1), expected.argmax(-1))


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_cosines_of_any_scale(episodes: torch.Tensor, scale: float) -> None:
    one, other = episodes[:, 0], episodes[:, 1, :3]
    torch.testing.assert_close(similarity(one * scale, other, "cosine"), similarity(one, other, "cosine"))
    assert similarity(torch.zeros_like(one), other, "cosine").eq(0).all()


def test_the_loss_is_the_cross_entropy_of_the_queries_classes(episodes: torch.Tensor) -> None:
    examples, positions = episodes.flatten(0, 2), torch.arange(episodes[..., 0].numel()).view(episodes.shape[:3])
    losses, hits = evaluate_episodes(examples, positions, lambda each: prototypes(each, SHOTS))
    for episode, loss, right in zip(episodes, losses, hits, strict=True):
        means = episode[:, :SHOTS].mean(1)
        logits = -(episode[:, SHOTS:].reshape(-1, 1, 7) - means).square().sum(-1)
        targets = LABELS.repeat_interleave(QUERIES)
        torch.testing.assert_close(loss, F.cross_entropy(logits, targets))
        assert right.flatten().tolist() == (logits.argmax(1) == targets).tolist()


def test_many_episodes_are_judged_in_parts(episodes: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    examples, positions = episodes.flatten(0, 2), torch.arange(episodes[..., 0].numel()).view(episodes.shape[:3])
    whole = evaluate_episodes(examples, positions, lambda each: prototypes(each, SHOTS))
    monkeypatch.setattr("mlcli.metric.few_shot.AT_ONCE", 500)
    for one, other in zip(
        whole, evaluate_episodes(examples, positions, lambda each: prototypes(each, SHOTS)), strict=True
    ):
        torch.testing.assert_close(one, other)


def test_interval_covers_the_mean_as_often_as_it_says() -> None:
    draws = torch.randn(2000, 600, generator=torch.Generator().manual_seed(0)) * 0.1 + 0.7
    covered = [abs(float(draw.mean()) - 0.7) < float(margin_of_error(draw)) for draw in draws]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)
