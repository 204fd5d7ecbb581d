"""Diabetes: disease progression after one year of 442 patients (Efron et al. 2004)."""

from typing import Annotated

import torch

from mlcli.config.ranges import Range
from mlcli.loading import sklearn_tables
from mlcli.loading.dataset import Examples

FEATURES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


def diabetes(last: Annotated[int, Range(0, 440)] = 0) -> Examples:
    """Raw measurements (years, kg/m², …), as from `load_diabetes(scaled=False)`.

    last: number of patients at the end that are the test split (20 in scikit-learn's documentation); 0: a random
    split.
    """
    inputs = torch.from_numpy(sklearn_tables.read_table("diabetes_data_raw.csv.gz", delimiter=None))
    targets = torch.from_numpy(sklearn_tables.read_table("diabetes_target.csv.gz", delimiter=None))
    return Examples(
        name="diabetes",
        kind="vector",
        inputs=inputs.float(),
        targets=targets.float(),
        features=FEATURES,
        target="progression",
        test=torch.arange(len(inputs) - last, len(inputs)) if last else None,
        source="scikit-learn: Efron, Hastie, Johnstone and Tibshirani, Least Angle Regression",
    )
