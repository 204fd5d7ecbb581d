"""Checks examples for missing and infinite values. N examples, T steps, D features."""

import torch
from torch import Tensor

from mlcli.loading.dataset import Examples
from mlcli.padding import broken

LISTED = 3  # features or examples in a message


def check_examples(examples: Examples) -> None:
    """Raises ValueError for NaN or infinities in inputs or targets; the message names features and counts. Sequences
    may be padded, but only at their end (steps of NaN, tokens of 0)."""
    _check_inputs(examples)
    if not _is_finite(examples.targets):
        rows = _by_feature(~examples.targets.isfinite()).any(1)
        raise ValueError(f"data={examples.name}: {examples.target} {_how_many(rows)}; {_advice(rows)}")


def _check_inputs(examples: Examples) -> None:
    if examples.kind == "tokens" and (rows := broken(examples.inputs)).any():
        what = f"{int(rows.sum()):,} of {len(rows):,} examples are empty or have padding before their last token"
        raise ValueError(f"data={examples.name}: {what}; {_advice(rows)}")
    if examples.kind == "table" or _is_finite(examples.inputs):  # numbers of a table may be missing
        return
    wrong = ~examples.inputs.isfinite()
    if examples.kind == "sequence":
        padding = examples.inputs.isnan().all(2, keepdim=True) & ~broken(examples.inputs)[:, None, None]
        wrong &= ~padding
    wrong_ND = _by_feature(wrong.movedim(1, -1) if examples.kind == "image" else wrong)
    rows = wrong_ND.any(1)
    if not rows.any():
        return
    where = "" if examples.kind == "image" else f" ({_features(examples, wrong_ND)})"
    raise ValueError(f"data={examples.name}: inputs {_how_many(rows)}{where}; {_advice(rows)}")


def _is_finite(values: Tensor) -> bool:
    """Whether all values are finite. A sum needs no mask; only if it overflows are the values checked one by one."""
    return not values.is_floating_point() or bool(values.sum().isfinite()) or bool(values.isfinite().all())


def _by_feature(wrong: Tensor) -> Tensor:
    """N × … × D → N × D, whether a feature is wrong at any step; N → N × 1."""
    return wrong.reshape(len(wrong), -1, wrong.shape[-1] if wrong.ndim > 1 else 1).any(1)


def _how_many(rows: Tensor) -> str:
    return f"missing or infinite in {int(rows.sum()):,} of {len(rows):,} examples"


def _features(examples: Examples, wrong: Tensor) -> str:
    """The features with the most wrong values."""
    counts = wrong.sum(0)
    names = examples.features or tuple(f"feature {place}" for place in range(len(counts)))
    order = [place for place in torch.argsort(-counts, stable=True).tolist() if counts[place]]
    listed = ", ".join(f"{names[place]} in {int(counts[place]):,}" for place in order[:LISTED])
    rest = len(order) - LISTED
    return f"{listed} and {rest:,} more features" if rest > 0 else listed


def _advice(rows: Tensor) -> str:
    first = ", ".join(map(str, rows.nonzero().squeeze(1)[:LISTED].tolist()))
    return f"fill in the values or drop the examples (first: {first})"
