"""Iris flowers: 150 of three species, with measurements of sepals and petals (Fisher 1936)."""

import torch

from mlcli.loading import sklearn_tables
from mlcli.loading.dataset import Examples

FEATURES = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")


def iris() -> Examples:
    rows = torch.from_numpy(sklearn_tables.read_table("iris.csv", skip=1))
    return Examples(
        name="iris",
        kind="vector",
        inputs=rows[:, :-1].float(),
        targets=rows[:, -1].long(),
        classes=sklearn_tables.class_names("iris.csv"),
        features=FEATURES,
        target="species",
        source="scikit-learn: UCI Iris",
    )
