"""K-means searches of one trial or of many, side by side.

Shapes: T trials with S starts each, A = T · S searches, N points, D features, K centroids (of the trial with the most
clusters), B batch.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from mlcli.cannot_stack import CannotStack
from mlcli.precise import precise
from mlcli.task.kmeans.lloyd import FAR, assign, cluster_means, cluster_sums, initial_centroids

HISTORY = 50  # iterations whose centroids are kept for a figure
STATE = ("centroids", "number", "labels", "distances")


class KMeansSearches:
    """The centroids of clustering tasks while they move. Raises CannotStack where the training splits differ.

    centroids: A × K × D; labels, distances: A × N, the cluster of each point and its squared distance to the
    centroid; number: A × K, the points that each centroid is the mean of so far (mini-batch); converged: whether the
    last iteration of a trial changed no label; moving: A, the searches whose last iteration changed one.
    """

    def __init__(self, tasks: Sequence[Any]) -> None:
        lead = tasks[0]
        if any(not torch.equal(task.loader.indices["train"], lead.loader.indices["train"]) for task in tasks):
            raise CannotStack("their training splits differ")
        self.loaders = [task.loader for task in tasks]
        self.starts: int = lead.model.starts
        self.mini_batch: int | None = lead.mini_batch
        self.scikit_learn = lead.solver == "scikit-learn"
        self.settings = [(task.model.clusters, task.model.init, task.seed) for task in tasks]
        self.points = precise(torch.cat([inputs for inputs, _ in lead.loader.split("train")]))
        most = max(task.model.clusters for task in tasks)
        self.centroids = torch.cat([self._initial(task, most) for task in tasks])
        self.number = self.points.new_zeros(len(self.centroids), most)
        self.labels, self.distances = assign(self.points, self.centroids)
        self.converged = [False] * len(tasks)
        self.moving = torch.ones(len(self.centroids), dtype=torch.bool, device=self.points.device)
        self.history: list[Tensor] = [self.centroids]

    def _initial(self, task: Any, most: int) -> Tensor:
        """S × K × D."""
        model, generator = task.model, torch.Generator().manual_seed(task.seed)
        centroids = initial_centroids(self.points, model.clusters, model.starts, model.init, generator)
        absent = centroids.new_full((model.starts, most - model.clusters, centroids.shape[2]), FAR)
        return torch.cat([centroids, absent], 1)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Tensor | None]:
        """The batches of an epoch without the first `start`: A × B × D, in each trial's own order, or one None for
        all points at once."""
        if self.mini_batch is None:
            if not start:
                yield None
            return
        order_TN = torch.stack([self._order(loader, epoch) for loader in self.loaders])
        for index_TB in torch.split(order_TN, self.mini_batch, 1)[start:]:
            yield self.points[index_TB].repeat_interleave(self.starts, 0)
        self._assign_points()

    def _order(self, loader: Any, epoch: int) -> Tensor:
        return torch.searchsorted(loader.indices["train"], loader.order(epoch, torch.Generator()))

    def step(self, batch: Tensor | None) -> None:
        """One update from a mini-batch; or, for None, one of Lloyd's iterations, or all of scikit-learn's."""
        if batch is not None:
            self._update_from(batch)
        elif self.scikit_learn:
            self._solve_by_scikit_learn()
        else:
            self._iterate()

    def _iterate(self) -> None:
        """Centroids become means, then points go to the nearest centroid (Lloyd 1982). Searches that have converged
        would not change and are left out."""
        rows = self.moving.nonzero()[:, 0]
        if len(rows):
            centroids = cluster_means(self.points, self.labels[rows], self.centroids[rows])
            labels, distances = assign(self.points, centroids)
            changed = (labels != self.labels[rows]).any(1)
            found = {"centroids": centroids, "labels": labels, "distances": distances, "moving": changed}
            for name, values in found.items():
                setattr(self, name, getattr(self, name).index_copy(0, rows, values))
        self.converged = [not any_moves for any_moves in self.moving.view(-1, self.starts).any(1).tolist()]
        self._remember()

    def _update_from(self, batch: Tensor) -> None:
        """Each centroid becomes the mean of all points that were nearest to it so far (Sculley 2010)."""
        labels, _ = assign(batch, self.centroids)
        sums, counts = cluster_sums(batch, labels, self.centroids.shape[1])
        self.number = self.number + counts
        share = (counts / self.number.clamp(min=1)).unsqueeze(-1)
        mean = sums / counts.clamp(min=1).unsqueeze(-1)
        self.centroids = torch.where(share > 0, torch.lerp(self.centroids, mean, share), self.centroids)

    def _solve_by_scikit_learn(self) -> None:
        from sklearn.cluster import KMeans

        points = self.points.cpu().numpy()
        for trial, (clusters, init, seed) in enumerate(self.settings):
            found = KMeans(clusters, init=init, n_init=self.starts, random_state=seed).fit(points)
            rows = slice(trial * self.starts, (trial + 1) * self.starts)
            self.centroids[rows, :clusters] = torch.from_numpy(found.cluster_centers_).to(self.centroids)
        self._assign_points()
        self.converged = [True] * len(self.settings)

    def _assign_points(self) -> None:
        self.labels, self.distances = assign(self.points, self.centroids)
        self._remember()

    def _remember(self) -> None:
        if len(self.history) < HISTORY:
            self.history.append(self.centroids)

    def losses(self) -> Tensor:
        """The mean squared distance of the best search of each trial, T."""
        return self.distances.mean(1).view(-1, self.starts).min(1).values

    def best_rows(self) -> Tensor:
        """The index of the best search of each trial, T."""
        best = self.distances.mean(1).view(-1, self.starts).argmin(1)
        return torch.arange(len(best), device=best.device) * self.starts + best

    def best_centroids(self) -> Tensor:
        """The centroids of the best search of each trial, T × K × D, in single precision."""
        return self.centroids[self.best_rows()].float()

    def keep(self, trials: Sequence[int]) -> None:
        """Continues with these trials."""
        rows = [trial * self.starts + start for trial in trials for start in range(self.starts)]
        self.loaders = [self.loaders[trial] for trial in trials]
        self.settings = [self.settings[trial] for trial in trials]
        self.converged = [self.converged[trial] for trial in trials]
        self.history = [centroids[rows] for centroids in self.history]
        for name in (*STATE, "moving"):
            setattr(self, name, getattr(self, name)[rows])

    def state_dict(self) -> dict[str, Any]:
        tensors = {name: getattr(self, name) for name in (*STATE, "moving")}
        return {**tensors, "converged": list(self.converged), "history": list(self.history)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        device = self.points.device
        for name in (*STATE, "moving"):
            setattr(self, name, state[name].to(device))
        self.converged = list(state["converged"])
        self.history = [centroids.to(device) for centroids in state["history"]]
