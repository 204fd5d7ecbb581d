"""178 wines of three growers, with chemical analyses (Forina et al. 1988)."""

import torch

from mlcli.loading import sklearn_tables
from mlcli.loading.dataset import Examples

FEATURES = (
    "alcohol",
    "malic_acid",
    "ash",
    "alcalinity_of_ash",
    "magnesium",
    "total_phenols",
    "flavanoids",
    "nonflavanoid_phenols",
    "proanthocyanins",
    "color_intensity",
    "hue",
    "od280/od315_of_diluted_wines",
    "proline",
)


def wine() -> Examples:
    rows = torch.from_numpy(sklearn_tables.read_table("wine_data.csv", skip=1))
    return Examples(
        name="wine",
        kind="vector",
        inputs=rows[:, :-1].float(),
        targets=rows[:, -1].long(),
        classes=sklearn_tables.class_names("wine_data.csv"),
        features=FEATURES,
        target="grower",
        source="scikit-learn: UCI Wine",
    )
