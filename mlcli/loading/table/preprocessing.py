"""Preprocessing of tables: robust scaling and smooth clipping of numbers, flags of missing ones, codes of categories.

Shapes: B rows, N rows of the training split, D numbers of a raw row: F numbers and C codes. M of the numbers have
gaps in the training split.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.loading.preprocessing import Preprocessing
from mlcli.loading.table.schema import Schema
from mlcli.loading.table.texts import TextComponents

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MIN_COUNT = 3  # rows of the training split that a level needs for a code of its own
MOST_LEVELS = 254  # of a category; rarer levels share a code
SOFT_LIMIT = 3.0  # scaled numbers end within ± this


class TablePreprocessing(Preprocessing):
    """B × D, float64 → B × (F + M + C), float32: scaled numbers, flags of missing numbers, codes of categories.

    A number x becomes z / √(1 + (z / 3)²) with z = (x − median) / interquartile range (Holzmüller et al. 2024, arXiv
    2407.04491); a missing one becomes 0, the median, and a flag tells it from a number if the training split has gaps
    there. Code 0 of a category is a missing or unknown level, or one that the training split does not have; rare
    levels share the last code. Components of texts are numbers, which `filled` computes: texts are no tensors.
    """

    median: Tensor  # F, float64
    scale: Tensor  # F, float64
    flagged: Tensor  # M, indices into the F numbers
    codes: Tensor  # for each category in turn, the new code of each code of the schema
    counts: Tensor  # C, number of new codes of each category

    def __init__(self, schema: Schema, fitted: Mapping[str, Tensor]) -> None:
        """fitted: the buffers, from `fit` or from a file. Raises ValueError for buffers of another table."""
        super().__init__()
        kinds = schema.feature_kinds
        self.numbers = [place for place, kind in enumerate(kinds) if kind == "number"]
        self.coded = [place for place, kind in enumerate(kinds) if kind == "code"]
        self.sizes = [levels + 1 for levels in schema.feature_levels]
        for name in ("median", "scale", "flagged", "codes", "counts"):
            if name not in fitted:
                raise ValueError(f"the preprocessing of the table lacks {name}")
            self.register_buffer(name, fitted[name])
        self.text_places = schema.text_places
        self.texts = nn.ModuleList(_restored(fitted, f"texts.{place}") for place in range(len(self.text_places)))
        self._check()
        self.categories = tuple(self.counts.tolist())

    def _check(self) -> None:
        wanted = {"median": len(self.numbers), "scale": len(self.numbers), "codes": sum(self.sizes)}
        wanted["counts"] = len(self.coded)
        wrong = [name for name, size in wanted.items() if tuple(getattr(self, name).shape) != (size,)]
        integer = all(getattr(self, name).dtype == torch.int64 for name in ("flagged", "codes", "counts"))
        if wrong or not integer or self.flagged.ndim != 1:
            raise ValueError("the preprocessing is not of this table")
        parts = torch.split(self.codes, self.sizes)
        inside = [_are_below(part, int(count)) for part, count in zip(parts, self.counts, strict=True)]
        finite = bool(self.median.isfinite().all() & self.scale.isfinite().all())
        if not (all(inside) and finite and _are_below(self.flagged, len(self.numbers))):
            raise ValueError("the preprocessing is not of this table")

    def filled(self, values: Tensor, texts: "Sequence[csr_array]") -> Tensor:
        """Raw rows N × D with the components of their texts, from the counts of each column of texts."""
        return fill(values, texts, self.text_places, self.texts)

    def shape(self, raw: tuple[int, ...]) -> tuple[int, ...]:
        return (len(self.numbers) + len(self.flagged) + len(self.coded),)

    def forward(self, inputs: Tensor) -> Tensor:
        values = inputs[:, self.numbers].to(self.median.dtype)
        missing = values.isnan()
        z = ((torch.where(missing, self.median, values) - self.median) * self.scale).clamp(-1e6, 1e6)
        scaled = z / (1 + (z / SOFT_LIMIT).square()).sqrt()
        codes = [
            part[inputs[:, place].long().clamp(0, len(part) - 1)]
            for part, place in zip(torch.split(self.codes, self.sizes), self.coded, strict=True)
        ]
        flags = missing.index_select(1, self.flagged)
        return torch.cat([scaled.float(), flags.float(), *(code.float().unsqueeze(1) for code in codes)], 1)


def fill(
    values: Tensor, texts: "Sequence[csr_array]", places: Sequence[Sequence[int]], components: Iterable[nn.Module]
) -> Tensor:
    """Raw rows N × D with the components of texts at these places, for each column of texts."""
    if not places:
        return values
    values = values.clone()
    for own, at, module in zip(texts, places, components, strict=True):
        values[:, at] = module(own)
    return values


def _restored(fitted: Mapping[str, Tensor], prefix: str) -> TextComponents:
    names = [f"{prefix}.idf", f"{prefix}.components"]
    for name in names:
        if name not in fitted:
            raise ValueError(f"the preprocessing of the table lacks {name}")
    return TextComponents(*(fitted[name] for name in names))


def _are_below(indices: Tensor, count: int) -> bool:
    return bool(((indices >= 0) & (indices < count)).all())


def fit(
    inputs: Tensor, schema: Schema, scale: bool = True, texts: Sequence[TextComponents] = ()
) -> TablePreprocessing:
    """Fits it to the rows of the training split, N × D, with the components of texts. scale: whether numbers are
    scaled; otherwise only the missing ones are filled in."""
    kinds = schema.feature_kinds
    values = inputs[:, [place for place, kind in enumerate(kinds) if kind == "number"]].double()
    median, scales = _robust(values)
    coded = inputs[:, [place for place, kind in enumerate(kinds) if kind == "code"]].long()
    pooled = [_pooled(column, levels + 1) for column, levels in zip(coded.T, schema.feature_levels, strict=True)]
    return TablePreprocessing(
        schema,
        {
            "median": median,
            "scale": scales if scale else torch.ones_like(scales),
            "flagged": values.isnan().any(0).nonzero().squeeze(1),
            "codes": torch.cat([torch.empty(0, dtype=torch.int64), *pooled]),
            "counts": torch.tensor([int(part.max()) + 1 for part in pooled], dtype=torch.int64),
            **{f"texts.{name}": tensor for name, tensor in nn.ModuleList(texts).state_dict().items()},
        },
    )


def _robust(values: Tensor) -> tuple[Tensor, Tensor]:
    """Median and 1 / interquartile range of each of F columns, N × F, without missing and infinite numbers. A column
    with equal quartiles is scaled by half of its range, a constant one by 0."""
    median, scale = torch.zeros(values.shape[1]).double(), torch.zeros(values.shape[1]).double()
    for place, column in enumerate(values.T.numpy()):
        known = column[np.isfinite(column)]
        if not len(known):
            continue
        low, first, median[place], third, high = np.quantile(known, [0, 0.25, 0.5, 0.75, 1]).tolist()
        spread = third - first or (high - low) / 2
        if 0 < spread < np.inf and 1 / spread < np.inf:
            scale[place] = 1 / spread
    return median, scale


def _pooled(codes: Tensor, size: int) -> Tensor:
    """The new code of each of `size` codes: 0 stays, frequent levels count from 1 in their order, rare ones share the
    last code."""
    counts = torch.bincount(codes, minlength=size)
    counts[0] = 0
    order: Sequence[int] = torch.argsort(-counts, stable=True)[:MOST_LEVELS].tolist()
    own = sorted(place for place in order if counts[place] >= MIN_COUNT)
    new = torch.zeros(size, dtype=torch.int64)
    new[own] = torch.arange(1, len(own) + 1)
    rare = (counts > 0) & (new == 0)
    new[rare] = len(own) + 1
    return new
