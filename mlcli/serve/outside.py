"""What of a prediction is plain code around the pipeline: the steps between texts or files and tensors."""

from collections.abc import Iterator

from mlcli.loading.dataset import DataSet
from mlcli.loading.table.columns import Kind
from mlcli.loading.table.schema import Schema
from mlcli.traits import TaskTraits

OF_COLUMNS: dict[Kind, str] = {
    "number": "texts of numbers to numbers",
    "category": "texts of categories to codes",
    "boolean": "texts of categories to codes",
    "date": "dates to numbers",
    "text": "texts to numbers",
}


def outside(data: DataSet, traits: TaskTraits) -> tuple[str, ...]:
    """The steps in plain words, those of the inputs first. traits: of the task."""
    return tuple(dict.fromkeys([*_of_inputs(data), *_of_predictions(data, traits)]))


def _of_inputs(data: DataSet) -> Iterator[str]:
    if data.examples.schema is not None:
        yield from _of_schema(data.examples.schema)
    elif data.examples.tokenizer:
        yield "tokenising texts"
    elif data.kind == "state":
        yield "names of states to indices"
    elif data.kind == "image":
        yield "image files to arrays"


def _of_schema(schema: Schema) -> Iterator[str]:
    kinds = {column.kind for column in schema.columns if column.features}
    return (step for kind, step in OF_COLUMNS.items() if kind in kinds)


def _of_predictions(data: DataSet, traits: TaskTraits) -> Iterator[str]:
    if data.vocabulary if traits.names == "tokens" else data.classes and traits.names:
        yield f"names of {traits.names}"
