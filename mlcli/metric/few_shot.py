"""Few-shot episodes: queries classified by the nearest prototype, or by the nearest neighbour.

Shapes: N examples, D dimensions, M episodes, W ways, S shots and Q queries of a class, E = S + Q.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from mlcli.metric.normal import NORMAL_95
from mlcli.precise import precise, squared_distances

Distance = Literal["euclidean", "cosine"]
Scores = Callable[[Tensor], Tensor]  # episodes M × W × E × D → M × W × Q × W: the score of each class for each query
AT_ONCE = 2**23  # numbers in the examples of the episodes evaluated at once


def similarity(queries: Tensor, others: Tensor, distance: Distance) -> Tensor:
    """M × Q × D and M × R × D → M × Q × R: minus the squared Euclidean distance, or the cosine of the angle."""
    if distance == "cosine":
        scores = _normalised(precise(queries)) @ _normalised(precise(others)).mT
    else:
        scores = -squared_distances(queries, others)
    return scores.to(torch.promote_types(queries.dtype, torch.float32))


def _normalised(vectors: Tensor) -> Tensor:
    """Zeros stay zeros."""
    length = vectors.norm(dim=-1, keepdim=True)
    return vectors / torch.where(length > 0, length, 1.0)


def prototypes(episodes: Tensor, shots: int, distance: Distance = "euclidean") -> Tensor:
    """Scores by the similarity of queries to the mean of each class's support, its prototype (Snell et al. 2017,
    arXiv 1703.05175)."""
    support, queries = episodes[:, :, :shots], episodes[:, :, shots:]
    return similarity(queries.flatten(1, 2), precise(support).mean(2), distance).view(*queries.shape[:3], -1)


def nearest_neighbour(episodes: Tensor, shots: int, distance: Distance = "euclidean") -> Tensor:
    """Scores by the similarity of queries to the nearest support example of each class."""
    support, queries = episodes[:, :, :shots], episodes[:, :, shots:]
    each = similarity(queries.flatten(1, 2), support.flatten(1, 2), distance)  # M × (W · Q) × (W · S)
    return each.view(*queries.shape[:3], *support.shape[1:3]).amax(4)


def losses_and_hits(episodes: Tensor, scores: Scores) -> tuple[Tensor, Tensor]:
    """From episodes M × W × E × D: the mean cross-entropy of each episode's queries, M, and whether each query is
    classified correctly, M × W × Q."""
    each = scores(episodes)
    own = each.log_softmax(-1).diagonal(dim1=1, dim2=3)  # M × Q × W: of the true class
    ways = torch.arange(each.shape[1], device=each.device)
    return -own.mean((1, 2)), each.argmax(-1).eq(ways.unsqueeze(1))


def evaluate_episodes(examples: Tensor, episodes: Tensor, scores: Scores) -> tuple[Tensor, Tensor]:
    """The same for episodes M × W × E of positions among N × D examples, a few at a time."""
    found = [losses_and_hits(examples[part], scores) for part in _parts(episodes, examples.shape[-1])]
    losses, hits = zip(*found, strict=True)
    return torch.cat(losses), torch.cat(hits)


def _parts(episodes: Tensor, numbers: int) -> tuple[Tensor, ...]:
    """Few enough at a time to limit memory."""
    return torch.split(episodes, max(1, AT_ONCE // (episodes.shape[1] * episodes.shape[2] * numbers)))


def counts_by_example(queries: Tensor, hits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """How often each of `count` examples was a query, and how often it was classified correctly. queries: M × W × Q
    positions among them; hits: M × W × Q."""
    return torch.bincount(queries.flatten(), minlength=count), torch.bincount(queries[hits], minlength=count)


def margin_of_error(accuracies: Tensor) -> Tensor:
    """The margin of error of the mean of M values: 1.96 standard errors, half of the 95 % confidence interval."""
    half: Tensor = NORMAL_95 * accuracies.std() / len(accuracies) ** 0.5
    return half
