"""What a full evaluation says about a table besides metrics. N rows of a split."""

import numpy as np

from mlcli.loading.dataset import DataSet
from mlcli.metric.slices import Slice, worst_slices


def slices(data: DataSet, split: str, errors: np.ndarray) -> list[Slice]:
    """The levels of categories for which the errors N are clearly larger than for all rows; [] for other data."""
    inputs = data.examples.inputs[data.splits[split]]
    columns = {data.features[place]: (inputs[:, place].long().numpy(), own) for place, own in data.levels.items()}
    return worst_slices(columns, errors)
