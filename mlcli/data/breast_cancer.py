"""569 breast tumours, malignant or benign, with measurements of cell nuclei (Street, Wolberg, Mangasarian 1993)."""

import torch

from mlcli.loading import sklearn_tables
from mlcli.loading.dataset import Examples

MEASURES = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave points",
    "symmetry",
    "fractal dimension",
)
FEATURES = (
    *(f"mean {measure}" for measure in MEASURES),
    *(f"{measure} error" for measure in MEASURES),
    *(f"worst {measure}" for measure in MEASURES),
)


def breast_cancer() -> Examples:
    rows = torch.from_numpy(sklearn_tables.read_table("breast_cancer.csv", skip=1))
    return Examples(
        name="breast_cancer",
        kind="vector",
        inputs=rows[:, :-1].float(),
        targets=rows[:, -1].long(),
        classes=sklearn_tables.class_names("breast_cancer.csv"),
        features=FEATURES,
        target="tumour",
        source="scikit-learn: UCI Breast Cancer Wisconsin (Diagnostic)",
    )
