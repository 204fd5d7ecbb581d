"""Clustering: examples in groups that nobody has named, by K-means.

Shapes: B batch, N examples of a split, D features, K clusters, T trials.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.config.ranges import Range
from mlcli.figure.plot import Plot
from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.task.kmeans.lloyd import assign
from mlcli.task.kmeans.search import COURSE, Searches
from mlcli.train.metric_values import collect_metrics
from mlcli.train.protocols import Evaluation
from mlcli.traits import TaskTraits


class Clustering:
    """The centres of a K-means `model`, found on the training split without a look at its targets.

    mini_batch: null moves every centre to the mean of all its examples, once an epoch, until none changes its cluster
    (Lloyd 1982); a number moves them a little after each batch of so many (Sculley 2010, "Web-scale k-means
    clustering"). The loss is the mean squared distance to the nearest centre; the inertia is the sum.
    solver: this search, iteration by iteration, or scikit-learn's at one go.
    """

    traits = TaskTraits(test_split_optional=True)

    def __init__(
        self,
        data: DataSet,
        model: nn.Module,
        loader: Loader,
        seed: int,
        *,
        mini_batch: Annotated[int, Range(1)] | None = None,
        solver: Literal["torch", "scikit-learn"] = "torch",
    ) -> None:
        if mini_batch and solver == "scikit-learn":
            raise ValueError("task.solver=scikit-learn takes all examples at once: use task.mini_batch=null.")
        self.data, self.model, self.loader, self.seed = data, model, loader, seed
        self.mini_batch, self.solver = mini_batch, solver
        self.searches: Searches | None = None  # from the first batch on

    @staticmethod
    def outputs(data: DataSet) -> None:
        """None: how many clusters there are is the model's to say."""

    @staticmethod
    def epoch_steps(data: DataSet, cfg: Any) -> int:
        size = cfg.task.mini_batch
        return max(1, -(-len(data.splits["train"]) // size)) if size else 1

    @staticmethod
    def stack(tasks: "Sequence[Clustering]") -> "ClusteringStack":
        return ClusteringStack(tasks)

    def check_data(self) -> None:
        """Raises ValueError where there are more clusters than examples to train on."""
        count = len(self.data.splits["train"])
        if self.model.clusters > count:  # type: ignore[operator]  # a number
            raise ValueError(
                f"model.clusters={self.model.clusters}: there are {count} examples to train on; use fewer clusters"
            )

    @property
    def trial_bytes(self) -> int:
        """Bytes of a trial: of each search the examples' clusters and distances, and the centres of its course."""
        count, centres = len(self.data.splits["train"]), self.model.centroids.numel()  # type: ignore[operator]
        return int(self.model.starts * (16 * count + COURSE * 8 * centres))  # type: ignore[operator]  # numbers

    @property
    def converged(self) -> bool:
        return self.searches is not None and self.searches.still[0]

    def batches(self, epoch: int) -> Iterable[Tensor | None]:
        self.searches = self.searches or Searches([self])
        yield from drive(self.searches, epoch, self.mini_batch)
        self._keep_best()

    def step(self, batch: Tensor | None) -> dict[str, Any]:
        assert self.searches is not None
        advance(self.searches, batch)
        self._keep_best()
        return {"loss": self.searches.losses()[0]}

    def _keep_best(self) -> None:
        assert self.searches is not None
        self.model.centroids = self.searches.best()[0]

    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        points = torch.cat([inputs for inputs, _ in self.loader.split(split)])
        labels, distances = self._assign(points)
        evaluation = Evaluation({"loss": distances.mean(), "inertia": distances.sum()})
        if full:
            self._complete(evaluation, split, points.cpu().numpy(), labels.cpu().numpy(), distances.cpu().numpy())
        return evaluation

    @torch.inference_mode()
    def _assign(self, points: Tensor) -> tuple[Tensor, Tensor]:
        distances, labels = self.model(points).min(1)
        return labels, distances

    def _complete(
        self, evaluation: Evaluation, split: str, points: np.ndarray, labels: np.ndarray, distances: np.ndarray
    ) -> None:
        from mlcli.metric import clustering

        index = self.data.splits[split]
        classes, targets = self.data.classes, self.data.examples.targets[index].numpy()
        named = bool(classes) and targets.ndim == 1
        known = np.array(classes)[targets] if named else None
        evaluation.metrics |= clustering.scores(points, labels, targets if named else None)
        told = {"target": targets if known is None else known} if targets.ndim == 1 else {}
        evaluation.columns = {"index": index.numpy(), **told, **_columns(labels, distances)}
        centroids = self.model.centroids.cpu().numpy()  # type: ignore[operator]  # a tensor
        evaluation.plots = lambda: [
            *clustering.plots(points, labels, centroids, known, classes),
            *self._course(points, split),
        ]

    def _course(self, points: np.ndarray, split: str) -> list[Plot]:
        """How the centres moved; of a run that is loaded again nothing is known of it."""
        from mlcli.metric import clustering

        if self.searches is None or split != "train":
            return []
        row = int(self.searches.rows()[0])
        return [clustering.course(points, [centroids[row].cpu().numpy() for centroids in self.searches.course])]

    def observe(self, score: float) -> None:
        """Nothing reacts to it."""

    def predict(self, inputs: Tensor) -> dict[str, np.ndarray]:
        """The cluster of each input and the distance to its centre, in standard deviations of the features."""
        labels, distances = self._assign(self.loader.prepare(inputs))
        return _columns(labels.cpu().numpy(), distances.cpu().numpy())

    def state_dict(self) -> dict[str, Any]:
        found = vars(self.searches) if self.searches else {}
        tensors = {name: value for name, value in found.items() if isinstance(value, Tensor) and name != "points"}
        return {"model": self.model.state_dict(), "searches": tensors}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        centroids = state["model"]["centroids"][: self.model.clusters]
        self.model.load_state_dict({"centroids": centroids})
        if state.get("searches"):
            self.searches = self.searches or Searches([self])
            vars(self.searches).update(state["searches"])


def _columns(labels: np.ndarray, distances: np.ndarray) -> dict[str, np.ndarray]:
    return {"cluster": labels, "distance": np.sqrt(distances.astype(np.float64))}


def drive(searches: Searches, epoch: int, mini_batch: int | None) -> Iterator[Tensor | None]:
    """The batches of an epoch; None stands for all examples."""
    if mini_batch is None:
        yield None
        return
    yield from searches.batches(epoch, mini_batch)
    searches.settle()


def advance(searches: Searches, batch: Tensor | None) -> None:
    if batch is None:
        searches.iterate()
    else:
        searches.learn(batch)


class ClusteringStack:
    """Clustering of the same examples, with other seeds or numbers of clusters, as the loop's trials."""

    def __init__(self, tasks: Sequence[Clustering]) -> None:
        self.tasks = list(tasks)
        self.searches = Searches(tasks)

    def batches(self, epoch: int) -> Iterable[Tensor | None]:
        return drive(self.searches, epoch, self.tasks[0].mini_batch)

    def step(self, batch: Tensor | None) -> dict[str, Any]:
        advance(self.searches, batch)
        return {"loss": self.searches.losses()}

    def weight(self, batch: Tensor | None) -> float:
        return 1.0  # the loss is always that of all examples

    def evaluate(self, split: str, full: bool) -> dict[str, list[float]]:
        if full:
            self.write_back()
            each = [task.evaluate(split, full=True).metrics for task in self.tasks]
            return collect_metrics(each)
        points = torch.cat([inputs for inputs, _ in self.tasks[0].loader.split(split)])
        _, distances_TN = assign(points, self.searches.best())
        return {"loss": distances_TN.mean(1).tolist(), "inertia": distances_TN.sum(1).tolist()}

    def layer_statistics(self) -> dict[str, list[float]]:
        return {}

    def averaged(self) -> AbstractContextManager[None]:
        return nullcontext()

    def observe(self, scores: list[float]) -> None:
        """Nothing reacts to them."""

    def converged(self) -> list[bool]:
        return self.searches.still

    def weights(self) -> dict[str, Tensor]:
        return {"centroids": self.searches.best()}

    def keep(self, rows: list[int]) -> None:
        self.write_back(sorted(set(range(len(self.tasks))) - set(rows)))
        self.tasks = [self.tasks[row] for row in rows]
        if rows:
            self.searches.keep(rows)

    def write_back(self, rows: Sequence[int] | None = None) -> None:
        """Puts the centres as they are now into the own models of these tasks, by default of all."""
        best = self.searches.best()
        for row in range(len(self.tasks)) if rows is None else rows:
            self.tasks[row].load_state_dict({"model": {"centroids": best[row]}})
