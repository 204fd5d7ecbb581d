"""Diabetes: how far the disease has come after a year, of 442 patients (Efron et al. 2004)."""

import torch

from mlcli.data import scikit
from mlcli.data.dataset import Examples

FEATURES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


def diabetes() -> Examples:
    """Raw measurements (years, kg/m², …), as `load_diabetes(scaled=False)` gives them."""
    inputs = torch.from_numpy(scikit.table("diabetes_data_raw.csv.gz", delimiter=None))
    targets = torch.from_numpy(scikit.table("diabetes_target.csv.gz", delimiter=None))
    return Examples(
        name="diabetes",
        kind="vector",
        inputs=inputs.float(),
        targets=targets.float(),
        features=FEATURES,
        target="progression",
        source="scikit-learn: Efron, Hastie, Johnstone and Tibshirani, Least Angle Regression",
    )
