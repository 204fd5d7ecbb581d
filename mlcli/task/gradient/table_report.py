"""What a full evaluation says about a table besides metrics. N rows of a split."""

from collections.abc import Sequence

import numpy as np

from mlcli.loading.dataset import DataSet
from mlcli.metric.slices import Slice, worst_slices


def slices(data: DataSet, split: str, errors: np.ndarray) -> list[Slice]:
    """The levels of categories for which the errors N are clearly larger than for all rows; [] for other data."""
    inputs = data.examples.inputs[data.splits[split]]
    columns = {data.features[place]: (inputs[:, place].long().numpy(), own) for place, own in data.levels.items()}
    return worst_slices(columns, errors)


def shown_inputs(data: DataSet, split: str) -> tuple[np.ndarray, Sequence[str], dict[int, Sequence[str]]]:
    """What a figure shows of the inputs of a split, N × shape as loaded: of a table all but the components of texts,
    with the names of these features, and of the levels of categories by index."""
    raw, schema = data.examples.inputs[data.splits[split]].numpy(), data.examples.schema
    if schema is None or not schema.text_places:
        return raw, data.features, {**data.levels}
    hidden = {place for own in schema.text_places for place in own}
    places = [place for place in range(raw.shape[1]) if place not in hidden]
    levels: dict[int, Sequence[str]] = {places.index(place): names for place, names in data.levels.items()}
    return raw[:, places], [data.features[place] for place in places], levels
