"""The steps of K-means against scikit-learn."""

import torch
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

from mlcli.task.kmeans.lloyd import assign, cluster_means, initial_centroids


def test_one_iteration_is_lloyds() -> None:
    points = torch.from_numpy(StandardScaler().fit_transform(load_digits().data)).float()
    first = initial_centroids(points, 10, 3, "k-means++", torch.Generator().manual_seed(0))
    labels, _ = assign(points, first)
    moved = cluster_means(points, labels, first)
    for start in range(3):
        theirs = KMeans(10, init=first[start].numpy(), n_init=1, max_iter=1, algorithm="lloyd").fit(points.numpy())
        own = torch.cdist(moved[start], torch.from_numpy(theirs.cluster_centers_).float())
        assert own.diagonal().max() < 1e-4
