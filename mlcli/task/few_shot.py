"""Few-shot classification by prototypical networks (Snell et al. 2017, arXiv 1703.05175): classes that are not in the
training split, from a few examples of each.

The network learns an embedding; the prototype of a class is the mean embedding of its support examples, and a query
belongs to the class of the nearest prototype.

Shapes: B batch, N examples of a split, D embedding, M episodes, W ways, E examples of a class, of which S are the
support and Q the queries.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np
from torch import Tensor, nn

from mlcli.config.ranges import Range
from mlcli.figure import few_shot as figure
from mlcli.figure.few_shot import Curve
from mlcli.figure.plot import Plot
from mlcli.loading.dataset import INDEX_KINDS, DataSet
from mlcli.loading.few_shot_loader import EpisodeLoader, EpisodeSize, StackedEpisodeLoader
from mlcli.loading.loader import Loader
from mlcli.metric.few_shot import (
    Distance,
    Scores,
    counts_by_example,
    evaluate_episodes,
    losses_and_hits,
    margin_of_error,
    nearest_neighbour,
    prototypes,
)
from mlcli.task.gradient.gradient_task import GradientTask, forward_split, require_single_target
from mlcli.task.inference.columns import to_columns
from mlcli.task.plots.few_shot import plane
from mlcli.train.protocols import Evaluation
from mlcli.train.stack.stack import Stack
from mlcli.train.update import Update
from mlcli.traits import TaskTraits

Count = Annotated[int, Range(1)]
Ways = Annotated[int, Range(2)]
WAYS, SHOTS = (2, 5, 10, 20, 50), (1, 5)  # in figures, as far as the data set allows
NAMES = {"accuracy": "prototypes", "nearest_neighbour_accuracy": "nearest, raw inputs"}
DECIMALS = 5  # of the numbers of an embedding in a table


class FewShot(GradientTask):
    """A network with outputs B × D, the embeddings, trained on episodes: the cross-entropy of the queries' classes,
    by a softmax over the negative squared distances to the prototypes, or over `scale` times the cosine similarities.

    The splits have different classes (split.by=class), and each episode is from one split. ways, shots, queries: of
    training episodes, of which an epoch has `episodes`; test_ways, test_shots: of the `test_episodes` that evaluate a
    split, by default the same. embedding: the dimension D.
    """

    traits = TaskTraits(per_trial=("scale",), names="", skips_batches=True)

    def __init__(
        self,
        data: DataSet,
        model: nn.Module,
        update: Update,
        loader: Loader,
        *,
        ways: Ways = 5,
        shots: Count = 1,
        queries: Count = 5,
        episodes: Count = 100,
        test_ways: Ways | None = None,
        test_shots: Count | None = None,
        test_episodes: Ways = 600,
        distance: Distance = "euclidean",
        scale: Annotated[float, Range(0, low_open=True)] = 10.0,
        embedding: Count = 64,
    ) -> None:
        if update and update.accumulate > 1:  # None for prediction
            raise ValueError("trainer.accumulate: an episode cannot be split; use trainer.accumulate=1")
        size = EpisodeSize(ways, shots, queries)
        evaluated = EpisodeSize(test_ways or ways, test_shots or shots, queries)
        self.loader: EpisodeLoader
        super().__init__(data, model, update, EpisodeLoader(loader, size, episodes, evaluated, test_episodes))
        self.distance: Distance = distance
        self.scale = scale

    @staticmethod
    def outputs(data: DataSet, cfg: Any) -> int:
        """The dimension of the embedding. Raises ValueError for data without one class per example."""
        require_single_target(data)
        if not data.classes:
            raise ValueError(f"data={data.name} has no classes: use task=regression, or other data")
        return int(cfg.task.embedding)

    @staticmethod
    def epoch_steps(data: DataSet, cfg: Any) -> int:
        """One step per episode."""
        return int(cfg.task.episodes)

    @staticmethod
    def stack(tasks: Sequence["FewShot"]) -> Stack:
        """One stack of networks, each with its own episodes."""
        return Stack(tasks, StackedEpisodeLoader([task.loader for task in tasks]))

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy of the queries of one episode, B = W · E. The order of the examples determines their
        classes and which are the support; the targets are not used."""
        size = self.loader.size
        episode = self.model(inputs).view(1, size.ways, size.of_class, -1)
        losses, _ = losses_and_hits(episode, self._scores(size))
        return losses.mean()

    def _scores(self, size: EpisodeSize) -> Scores:
        scores = partial(prototypes, shots=size.shots, distance=self.distance)
        if self.distance == "euclidean":
            return scores
        return lambda episodes: self.scale * scores(episodes)

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """The metrics of every epoch, from the embeddings N × D of a split, and its episodes as M × W × E positions
        among them."""
        losses, hits = evaluate_episodes(outputs, targets, self._scores(self.loader.evaluation_size))
        return {"loss": losses.mean(), "accuracy": hits.float().mean()}

    def complete(self, evaluation: Evaluation, split: str, outputs: Tensor, targets: Tensor) -> None:
        embeddings = outputs.float()
        evaluated, index = self.loader.evaluation_size, self.loader.ordered(split).cpu()
        evaluation.metrics |= self.compare(split, embeddings, evaluated)
        episodes = self.loader.episodes(split)
        _, hits = evaluate_episodes(embeddings, episodes, self._scores(evaluated))
        asked, right = counts_by_example(episodes[:, :, evaluated.shots :], hits, len(index))
        names = np.array(self.data.classes)[self.data.examples.targets[index].numpy()]
        evaluation.columns = {
            "index": index.numpy(),
            "target": names,
            "asked": asked.cpu().numpy(),
            "right": right.cpu().numpy(),
        }
        evaluation.columns |= self.columns(self.head()(outputs))
        evaluation.plots = lambda: self._plots(split, embeddings, names)

    def compare(self, split: str, embeddings: Tensor, size: EpisodeSize) -> dict[str, float]:
        """Mean accuracy over episodes of this size of a split, from its embeddings N × D, and its margin of error
        (95 %); the same of nearest neighbour on raw inputs, unless those are tokens."""
        methods = {"accuracy": (embeddings, self._scores(size))}
        if self.data.kind not in INDEX_KINDS:
            methods["nearest_neighbour_accuracy"] = (self._raw(split), partial(nearest_neighbour, shots=size.shots))
        found: dict[str, float] = {}
        for name, (examples, scores) in methods.items():
            _, hits = evaluate_episodes(examples, self.loader.episodes(split, size), scores)
            accuracies = hits.float().mean((1, 2))
            found |= {name: float(accuracies.mean()), f"{name}_margin_of_error": float(margin_of_error(accuracies))}
        return found

    def embeddings(self, split: str) -> Tensor:
        """N × D, in the order of `loader.ordered`."""
        return forward_split(self.model, self.loader, split)[0].float()

    def _raw(self, split: str) -> Tensor:
        """N × numbers, normalised; padding is 0, the mean."""
        raw = self.data.examples.inputs[self.loader.ordered(split).cpu()].to(self.loader.device)
        normalised: Tensor = self.loader.preprocessing(raw)
        return normalised.nan_to_num(0.0).flatten(1)

    def _plots(self, split: str, embeddings: Tensor, names: np.ndarray) -> list[Plot]:
        """Accuracy by ways and shots, some classes in the plane, and an episode with its predictions."""
        raw = None if self.data.kind in INDEX_KINDS else self._raw(split).cpu().numpy()
        curves = self.curves(split, embeddings)
        title = f"Accuracy by ways · {curves[0].accuracy[-1]:.3f} at {curves[0].ways[-1]}-way {curves[0].shots}-shot"
        plots = [figure.accuracy_by_ways(title, curves), plane(raw, embeddings.cpu().numpy(), names)]
        return [*plots, self._episode(split, embeddings, names)] if self.data.kind == "image" else plots

    def curves(self, split: str, embeddings: Tensor) -> list[Curve]:
        """Accuracy by ways, of the network and nearest neighbour, for each number of shots that the split allows."""
        classes, fewest = self.loader.limits(split)
        evaluated = self.loader.evaluation_size
        ways = sorted({ways for ways in (*WAYS, evaluated.ways) if ways <= classes})
        curves = []
        for shots in sorted({shots for shots in (*SHOTS, evaluated.shots) if shots < fewest}):
            queries = min(evaluated.queries, fewest - shots)
            found = [self.compare(split, embeddings, EpisodeSize(each, shots, queries)) for each in ways]
            for key in (key for key in ("accuracy", "nearest_neighbour_accuracy") if key in found[0]):
                accuracy, half = ([row[name] for row in found] for name in (key, f"{key}_margin_of_error"))
                curves.append(Curve(NAMES[key], shots, ways, accuracy, half, dashed=key != "accuracy"))
        return sorted(curves, key=lambda curve: curve.dashed)

    def _episode(self, split: str, embeddings: Tensor, names: np.ndarray) -> Plot:
        """The first episode with a wrong prediction; the first of all if there is none."""
        evaluated, episodes = self.loader.evaluation_size, self.loader.episodes(split)
        scores = self._scores(evaluated)
        right = evaluate_episodes(embeddings, episodes, scores)[1].flatten(1).all(1)
        one = episodes[int(right.int().argmin())]
        predictions = scores(embeddings[one].unsqueeze(0))[0].argmax(-1).cpu()
        inputs = self.data.examples.inputs[self.loader.ordered(split).cpu()[one.cpu()]]
        return figure.episode(
            inputs.numpy(), predictions.numpy(), evaluated.shots, names[one[:, 0].cpu().numpy()].tolist()
        )

    def head(self) -> nn.Module:
        return Embedding()

    def columns(self, predictions: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
        return to_columns({name: each.cpu().double().round(decimals=DECIMALS) for name, each in predictions.items()})


class Embedding(nn.Module):
    """Outputs B × D → `embedding`, the same. The class of an example is that of the nearest prototype, for which the
    caller needs support examples."""

    def forward(self, outputs: Tensor) -> dict[str, Tensor]:
        return {"embedding": outputs.float()}
