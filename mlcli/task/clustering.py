"""Clustering: K clusters of examples without labels, by K-means.

Shapes: B batch, N examples of a split, D features, K clusters.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.config.ranges import Range
from mlcli.figure.plot import Plot
from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.task.inference.columns import to_columns
from mlcli.task.inference.of_outputs import OfOutputs
from mlcli.task.kmeans.searches import HISTORY, KMeansSearches
from mlcli.task.kmeans.stack import KMeansStack
from mlcli.train.protocols import Evaluation
from mlcli.traits import TaskTraits


class Clustering:
    """The centroids of a K-means `model`, from the training split without its targets.

    mini_batch: null moves every centroid to the mean of its examples, once per epoch, until no example changes its
    cluster (Lloyd 1982); a number is the size of the batches of mini-batch K-means (Sculley 2010, "Web-scale k-means
    clustering"). solver: "torch" makes one iteration per epoch, "scikit-learn" makes all in one. The loss is the mean
    squared distance to the nearest centroid, the inertia the sum.
    """

    traits = TaskTraits(test_split_optional=True, names="", skips_batches=True)

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
            raise ValueError("task.solver=scikit-learn takes all examples at once: use task.mini_batch=null")
        self.data, self.model, self.loader, self.seed = data, model, loader, seed
        self.mini_batch, self.solver = mini_batch, solver
        self.searches: KMeansSearches | None = None  # from the first batch on

    @staticmethod
    def outputs(data: DataSet) -> None:
        """None: the number of clusters is a setting of the model."""

    @staticmethod
    def epoch_steps(data: DataSet, cfg: Any) -> int:
        size = cfg.task.mini_batch
        return max(1, -(-len(data.splits["train"]) // size)) if size else 1

    @staticmethod
    def stack(tasks: "Sequence[Clustering]") -> KMeansStack:
        return KMeansStack(tasks)

    def check_data(self) -> None:
        """Raises ValueError for more clusters than training examples."""
        count = len(self.data.splits["train"])
        if self.model.clusters > count:  # type: ignore[operator]  # a number
            raise ValueError(
                f"model.clusters={self.model.clusters}: there are {count} examples to train on; use fewer clusters"
            )

    @property
    def trial_bytes(self) -> int:
        """Bytes of a trial: for each start, cluster and distance of each example, and the history of centroids."""
        count, numbers = len(self.data.splits["train"]), self.model.centroids.numel()  # type: ignore[operator]
        return int(self.model.starts * (16 * count + HISTORY * 8 * numbers))  # type: ignore[operator]  # numbers

    @property
    def converged(self) -> bool:
        return self.searches is not None and self.searches.converged[0]

    def batches(self, epoch: int, start: int = 0) -> Iterable[Tensor | None]:
        self.searches = self.searches or KMeansSearches([self])
        yield from self.searches.batches(epoch, start)
        self._keep_best()

    def step(self, batch: Tensor | None) -> dict[str, Any]:
        assert self.searches is not None
        self.searches.step(batch)
        self._keep_best()
        return {"loss": self.searches.losses()[0]}

    def _keep_best(self) -> None:
        assert self.searches is not None
        self.model.centroids = self.searches.best_centroids()[0]

    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        points = torch.cat([inputs for inputs, _ in self.loader.split(split)])
        squares = self._squares(points)
        nearest = squares.amin(1)
        evaluation = Evaluation({"loss": nearest.mean(), "inertia": nearest.sum()})
        if full:
            self._complete(evaluation, split, points.cpu().numpy(), self.columns(Nearest()(squares)))
        return evaluation

    @torch.inference_mode()
    def _squares(self, points: Tensor) -> Tensor:
        """B × D → B × K squared distances to the centroids."""
        squares: Tensor = self.model(points)
        return squares

    def _complete(
        self, evaluation: Evaluation, split: str, points: np.ndarray, columns: dict[str, np.ndarray]
    ) -> None:
        from mlcli.metric import clustering
        from mlcli.task.plots.clustering import plots

        index, labels = self.data.splits[split], columns["cluster"]
        classes, targets = self.data.classes, self.data.examples.targets[index].numpy()
        named = bool(classes) and targets.ndim == 1
        known = np.array(classes)[targets] if named else None
        evaluation.metrics |= clustering.scores(points, labels, targets if named else None)
        target = {"target": targets if known is None else known} if targets.ndim == 1 else {}
        evaluation.columns = {"index": index.numpy(), **target, **columns}
        centroids = self.model.centroids.cpu().numpy()  # type: ignore[operator]  # a tensor
        evaluation.plots = lambda: [
            *plots(points, labels, centroids, known, classes),
            *self._course(points, split),
        ]

    def _course(self, points: np.ndarray, split: str) -> list[Plot]:
        """How the centroids moved; nothing for a loaded run, which has no history."""
        from mlcli.task.plots.clustering import iterations

        if self.searches is None or split != "train":
            return []
        row = int(self.searches.best_rows()[0])
        return [iterations(points, [centroids[row].cpu().numpy() for centroids in self.searches.history])]

    def observe(self, score: float) -> None:
        """Nothing depends on the score."""

    def inference(self) -> nn.Module:
        return OfOutputs(self.model, Nearest())

    def columns(self, predictions: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
        return to_columns(predictions)

    def state_dict(self) -> dict[str, Any]:
        searches = self.searches.state_dict() if self.searches else {}
        return {"model": self.model.state_dict(), "searches": searches}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        centroids = state["model"]["centroids"][: self.model.clusters]
        self.model.load_state_dict({"centroids": centroids})
        if state.get("searches"):
            self.searches = self.searches or KMeansSearches([self])
            self.searches.load_state_dict(state["searches"])


class Nearest(nn.Module):
    """Squared distances B × K → `cluster`, the index of the nearest centroid, and the `distance` to it, in standard
    deviations of the features."""

    def forward(self, squares: Tensor) -> dict[str, Tensor]:
        nearest, cluster = squares.min(1)
        return {"cluster": cluster, "distance": nearest.sqrt()}
