"""What a full evaluation says about a table besides metrics. N rows of a split."""

import numpy as np

from mlcli.loading.dataset import DataSet
from mlcli.metric.slices import Slice, worst_slices


def slices(data: DataSet, split: str, errors: np.ndarray) -> list[Slice]:
    """The levels of categories for which the errors N are clearly larger than for all rows; [] for other data."""
    schema = data.examples.schema
    if schema is None:
        return []
    inputs = data.examples.inputs[data.splits[split]]
    codes = [place for place, kind in enumerate(schema.feature_kinds) if kind == "code"]
    levels = [column.levels for column in schema.columns if column.kind in ("category", "boolean")]
    names = [schema.features[place] for place in codes]
    columns = {
        name: (inputs[:, place].long().numpy(), own) for name, place, own in zip(names, codes, levels, strict=True)
    }
    return worst_slices(columns, errors)
