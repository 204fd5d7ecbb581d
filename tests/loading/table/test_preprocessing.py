"""The preprocessing of tables against formulas in NumPy."""

import numpy as np
import pytest
import torch

from mlcli.loading.adapter import adapt
from mlcli.loading.table import preprocessing
from mlcli.loading.table.preprocessing import TablePreprocessing
from mlcli.loading.table.schema import Column, Schema

LEVELS = ("a", "b", "c", "d")
SCHEMA = Schema((Column("x", "number", ""), Column("kind", "category", "", LEVELS), Column("y", "number", "")))
NAN = float("nan")


def rows(*values: tuple[float, float, float]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


TRAIN = rows(
    *[(float(i), 1.0, 7.0) for i in range(10)],
    *[(NAN, 2.0, 7.0) for _ in range(4)],
    (100.0, 3.0, 7.0),
    (3.0, 0.0, 7.0),
)


def test_numbers_are_scaled_by_quartiles_and_clipped_smoothly() -> None:
    fitted = preprocessing.fit(TRAIN, SCHEMA)
    known = TRAIN[:, 0].numpy()[~np.isnan(TRAIN[:, 0].numpy())]
    first, median, third = np.percentile(known, [25, 50, 75])
    new = rows((2.5, 0.0, 7.0), (1e300, 0.0, 8.0), (-np.inf, 0.0, NAN), (NAN, 0.0, 7.0))
    z = (np.array([2.5, 1e300, -1e300]) - median) / (third - first)
    scaled, constant, flag, _ = fitted(new).T
    assert scaled[:3].numpy() == pytest.approx([z[0] / np.sqrt(1 + (z[0] / 3) ** 2), 3.0, -3.0], rel=1e-6)
    assert scaled[3] == 0 and flag.tolist() == [0, 0, 0, 1]
    assert constant.tolist() == [0, 0, 0, 0]  # y never varies in the training split, and has no gaps there
    assert fitted(new).dtype == torch.float32 and fitted.shape((3,)) == (4,)


def test_codes_of_rare_levels_are_shared_and_unknown_ones_are_0() -> None:
    fitted = preprocessing.fit(TRAIN, SCHEMA)
    assert fitted.categories == (4,)  # missing or unknown, a, b, rare
    codes = fitted(rows(*[(0.0, float(code), 7.0) for code in (0, 1, 2, 3, 4, 99)]))[:, -1]
    assert codes.tolist() == [0, 1, 2, 3, 0, 0]  # c is rare, d is not in the training split


def test_the_most_frequent_levels_have_codes() -> None:
    many = Schema((Column("kind", "category", "", tuple(map(str, range(400)))),))
    counts = [3 + (level % 7) for level in range(400)]
    codes = torch.repeat_interleave(torch.arange(1, 401), torch.tensor(counts))
    fitted = preprocessing.fit(codes.double().unsqueeze(1), many)
    assert fitted.categories == (preprocessing.MOST_LEVELS + 2,)
    own = fitted(torch.arange(1, 401).double().unsqueeze(1))[:, 0]
    kept = [count for count, code in zip(counts, own.tolist(), strict=True) if code <= preprocessing.MOST_LEVELS]
    assert len(kept) == preprocessing.MOST_LEVELS and min(kept) >= sorted(counts)[-preprocessing.MOST_LEVELS]


def test_it_is_restored_from_its_buffers() -> None:
    fitted = preprocessing.fit(TRAIN, SCHEMA)
    again = TablePreprocessing(SCHEMA, fitted.state_dict())
    assert torch.equal(again(TRAIN), fitted(TRAIN)) and again.categories == fitted.categories


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("median", torch.zeros(3).double()),
        ("codes", torch.full((5,), 9)),
        ("flagged", torch.tensor([2])),
        ("scale", torch.tensor([1.0, NAN]).double()),
        ("counts", torch.ones(1)),
    ],
)
def test_buffers_of_another_table_are_refused(name: str, tensor: torch.Tensor) -> None:
    fitted = preprocessing.fit(TRAIN, SCHEMA)
    with pytest.raises(ValueError, match="not of this table"):
        TablePreprocessing(SCHEMA, fitted.state_dict() | {name: tensor})


def test_models_of_vectors_get_codes_as_zeros_and_ones() -> None:
    fitted = preprocessing.fit(TRAIN, SCHEMA)
    adapter = adapt("table", fitted.shape((3,)), ("vector",), fitted.categories)
    adapted = adapter(fitted(TRAIN))
    assert adapter.shape == adapted.shape[1:] == (3 + 4,) and adapter.categories == ()
    assert torch.equal(adapted[:, :3], fitted(TRAIN)[:, :3])
    assert adapted[:, 3:].argmax(1).tolist() == fitted(TRAIN)[:, 3].tolist() and bool(
        (adapted[:, 3:].sum(1) == 1).all()
    )
    assert adapt("table", (4,), ("table", "vector"), (4,)).categories == (4,)
