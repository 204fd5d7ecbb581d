"""Checks that the parts of examples fit each other. N examples, C classes."""

from torch import Tensor

from mlcli.loading.dataset import Examples

DIMENSIONS = {"vector": 2, "table": 2, "image": 4, "sequence": 3, "tokens": 2, "state": 2}  # of the inputs, by kind


def check_shapes(examples: Examples) -> None:
    """Raises ValueError for an unknown kind, for inputs of another shape than the kind's, for numbers of targets or
    names that differ from those of inputs or features, and for targets that are not indices of the classes."""
    if not isinstance(examples, Examples):
        raise ValueError(f"The function of a data set returns Examples, not {type(examples).__name__}.")
    name, inputs, targets = f"data={examples.name}", examples.inputs, examples.targets
    for part, values in (("inputs", inputs), ("targets", targets)):
        if not isinstance(values, Tensor):
            raise ValueError(f"{name}: {part} are of type {type(values).__name__}: use a torch.Tensor.")
    count = len(inputs)
    if examples.kind not in DIMENSIONS:
        raise ValueError(f"{name}: kind={examples.kind!r}. Choices: {', '.join(sorted(DIMENSIONS))}.")
    if inputs.ndim != DIMENSIONS[examples.kind]:
        wanted = f"{examples.kind} inputs have {DIMENSIONS[examples.kind]} dimensions"
        raise ValueError(f"{name}: {wanted}, these have {inputs.ndim} ({' × '.join(map(str, inputs.shape))}).")
    if len(targets) != count:
        raise ValueError(f"{name}: {count:,} inputs, but {len(targets):,} targets: use one per example.")
    if examples.kind == "vector" and len(examples.features) not in (0, inputs.shape[1]):
        names = f"{len(examples.features):,} name{'s' if len(examples.features) > 1 else ''}"
        raise ValueError(f"{name}: {inputs.shape[1]:,} features, but {names}: use one per feature, or none.")
    if (examples.kind == "table") != (examples.schema is not None):
        raise ValueError(f"{name}: a table, and nothing else, has a schema.")
    columns = len(examples.schema.text_places) if examples.schema is not None else 0
    if len(examples.texts) != columns or any(own.shape[0] != count for own in examples.texts):
        raise ValueError(f"{name}: each column of texts, and nothing else, has counts of n-grams in every row.")
    if examples.classes:
        _check_classes(examples)


def _check_classes(examples: Examples) -> None:
    name, targets, classes = f"data={examples.name}", examples.targets, len(examples.classes)
    if targets.is_floating_point():
        if targets.ndim == 1:
            dtype = str(targets.dtype).removeprefix("torch.")
            raise ValueError(f"{name}: targets of classes must be indices (int64), not {dtype}.")
        return  # multi-label: zeros and ones
    lowest = 0 if targets.ndim == 1 else -1  # -1: a time step without a label
    for index in (int(targets.min()), int(targets.max())) if len(targets) else ():
        if not lowest <= index < classes:
            raise ValueError(f"{name}: class index {index}, but {classes:,} classes: use 0 to {classes - 1:,}.")
