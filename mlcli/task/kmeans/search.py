"""K-means searches of one trial or of many, side by side. Shapes: T trials of S starts each, A = T · S searches, N
points, D features, K centres (the most that any trial has), B batch."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from mlcli.cannot_stack import CannotStack
from mlcli.precise import precise
from mlcli.task.kmeans.lloyd import FAR, assign, begin, means, sums

COURSE = 50  # iterations that are remembered for a picture


class Searches:
    """The centres of these clustering tasks while they move. Raises CannotStack where their examples differ."""

    def __init__(self, tasks: Sequence[Any]) -> None:
        lead = tasks[0]
        if any(not torch.equal(task.loader.indices["train"], lead.loader.indices["train"]) for task in tasks):
            raise CannotStack("their training splits differ")
        self.loaders = [task.loader for task in tasks]
        self.starts: int = lead.model.starts
        self.scikit = lead.solver == "scikit-learn"
        self.wanted = [(task.model.clusters, task.model.init, task.seed) for task in tasks]
        self.points = precise(torch.cat([inputs for inputs, _ in lead.loader.split("train")]))
        most = max(task.model.clusters for task in tasks)
        self.centroids = torch.cat([self._begin(task, most) for task in tasks])
        self.number = self.points.new_zeros(len(self.centroids), most)  # of points that a mini-batch centre has had
        self.labels, self.distances = assign(self.points, self.centroids)
        self.still = [False] * len(tasks)
        self.course: list[Tensor] = [self.centroids]

    def _begin(self, task: Any, most: int) -> Tensor:
        """S × K × D."""
        model, generator = task.model, torch.Generator().manual_seed(task.seed)
        centres = begin(self.points, model.clusters, model.starts, model.init, generator)
        missing = centres.new_full((model.starts, most - model.clusters, centres.shape[2]), FAR)
        return torch.cat([centres, missing], 1)

    def iterate(self) -> None:
        """One of Lloyd's iterations: centres become means, points go to the nearest centre; or all of scikit-learn's
        at once."""
        if self.scikit:
            self._solve()
            return
        self.centroids = means(self.points, self.labels, self.centroids)
        labels, self.distances = assign(self.points, self.centroids)
        moved = (labels != self.labels).any(1).view(-1, self.starts).any(1)
        self.still = [not any_moved for any_moved in moved.tolist()]
        self.labels = labels
        if len(self.course) < COURSE:
            self.course.append(self.centroids)

    def _solve(self) -> None:
        from sklearn.cluster import KMeans

        points = self.points.cpu().numpy()
        for trial, (clusters, init, seed) in enumerate(self.wanted):
            found = KMeans(clusters, init=init, n_init=self.starts, random_state=seed).fit(points)
            rows = slice(trial * self.starts, (trial + 1) * self.starts)
            self.centroids[rows, :clusters] = torch.from_numpy(found.cluster_centers_).to(self.centroids)
        self.settle()
        self.still = [True] * len(self.wanted)

    def batches(self, epoch: int, size: int) -> Iterator[Tensor]:
        """A × B × D: each trial's own order of the training split."""
        order_TN = torch.stack([self._order(loader, epoch) for loader in self.loaders])
        for index_TB in torch.split(order_TN, size, 1):
            yield self.points[index_TB].repeat_interleave(self.starts, 0)

    def _order(self, loader: Any, epoch: int) -> Tensor:
        return torch.searchsorted(loader.indices["train"], loader.order(epoch, torch.Generator()))

    def learn(self, batch: Tensor) -> None:
        """Each centre becomes the mean of all the points that it has been nearest to so far (Sculley 2010)."""
        labels, _ = assign(batch, self.centroids)
        total, number = sums(batch, labels, self.centroids.shape[1])
        self.number = self.number + number
        share = (number / self.number.clamp(min=1)).unsqueeze(-1)
        mean = total / number.clamp(min=1).unsqueeze(-1)
        self.centroids = torch.where(share > 0, torch.lerp(self.centroids, mean, share), self.centroids)

    def settle(self) -> None:
        """Sees how good the centres are."""
        self.labels, self.distances = assign(self.points, self.centroids)
        if len(self.course) < COURSE:
            self.course.append(self.centroids)

    def losses(self) -> Tensor:
        """Mean squared distance of the best search of each trial, T."""
        return self.distances.mean(1).view(-1, self.starts).min(1).values

    def rows(self) -> Tensor:
        """Where the best search of each trial is, T."""
        best = self.distances.mean(1).view(-1, self.starts).argmin(1)
        return torch.arange(len(best), device=best.device) * self.starts + best

    def best(self) -> Tensor:
        """Its centres, T × K × D, in single precision."""
        return self.centroids[self.rows()].float()

    def keep(self, trials: Sequence[int]) -> None:
        """Goes on with these."""
        rows = [trial * self.starts + start for trial in trials for start in range(self.starts)]
        self.loaders = [self.loaders[trial] for trial in trials]
        self.wanted = [self.wanted[trial] for trial in trials]
        self.still = [self.still[trial] for trial in trials]
        self.course = [centroids[rows] for centroids in self.course]
        for name in ("centroids", "number", "labels", "distances"):
            setattr(self, name, getattr(self, name)[rows])
