"""Targets: which column, classes or numbers, and rows that cannot be learned from."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mlcli.data.table import table
from mlcli.loading.dataset import Examples
from mlcli.loading.table.target import task_of
from tests.loading.table.awkward import write

csv = partial(table, "csv")


def examples(folder: Path, targets: list[Any], **settings: Any) -> Examples:
    lines = "".join(f"{place % 7},{target}\n" for place, target in enumerate(targets))
    return csv(str(write(folder, f"x,y\n{lines}")), **{"target": "y"} | settings)


@pytest.mark.parametrize(
    ("targets", "classes"),
    [
        (["a", "b"] * 3, ("a", "b")),
        (["yes", "no", " yes", "NO"], ("no", "yes")),
        ([0, 1] * 3, ("0", "1")),
        ([1, 2, 10] * 5, ("1", "2", "10")),
        (["1.0", "2", "10"] * 5, ("1", "2", "10")),
        ([0, 1, 2, 3, 4, 5] * 5, ("0", "1", "2", "3", "4", "5")),
        ([1, 2, 3], ()),
        ([0.5, 1] * 3, ()),
        (list(range(21)) * 5, ()),
        (["$5", "$6.50"] * 5, ()),
    ],
)
def test_classes_or_numbers(tmp_path: Path, targets: list[Any], classes: tuple[str, ...]) -> None:
    found = examples(tmp_path, targets)
    assert found.classes == classes
    assert found.schema is not None and found.schema.target is not None
    assert task_of(found.schema.target) == ("classification" if classes else "regression")
    if classes:
        given = [str(each).strip().lower().removesuffix(".0") for each in targets]
        assert [classes[code] for code in found.targets.tolist()] == given


def test_the_user_decides(tmp_path: Path) -> None:
    assert examples(tmp_path, [0, 1, 2] * 9, types={"y": "category"}).classes == ("0", "1", "2")
    assert examples(tmp_path, [0, 1, 2] * 9, as_classes=False).targets.tolist() == [0, 1, 2] * 9
    assert examples(tmp_path, [0.5, 1.5] * 9, as_classes=True).classes == ("0.5", "1.5")
    with pytest.raises(
        ValueError, match=r"data.target=y is no number \(2 different texts\): use task=classification"
    ):
        examples(tmp_path, ["a", "b"] * 9, as_classes=False)


def test_rows_without_a_target(tmp_path: Path) -> None:
    found = examples(tmp_path, ["a", "", "b", "NA", "a", "b"])
    assert found.inputs.squeeze(1).tolist() == [0, 2, 4, 5] and found.targets.tolist() == [0, 1, 0, 1]
    assert found.notes == ("2 of 6 rows have no y and are left out",)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([1.5, "inf", 2.5, "-inf"], r"data.target=y is infinite in 2 rows \(first: row 2\)"),
        (["", "NA"], "data.target=y: the column has no values"),
        (["a", "a"], "data.target=y is a in every row: there is nothing to learn"),
        (["inf", "inf"], "data.target=y: the column has no finite values"),
        ([1.5, 1.5], "data.target=y is 1.5 in every row"),
        (["2024-01-01", "2024-01-02"], "data.target=y is a date: use a number or a category"),
        (["a", "a", "b", "b", "c"], "class c of one row only: use data.rare_classes=drop, or merge"),
        ([f"name{n}" for n in range(30)], "30 of 30 classes have one row only, as in a column of names"),
    ],
)
def test_refused(tmp_path: Path, targets: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        examples(tmp_path, targets)


def test_rare_classes(tmp_path: Path) -> None:
    targets = ["a", "a", "b", "b", "b", "c", "d"]
    dropped = examples(tmp_path, targets, rare_classes="drop")
    assert dropped.classes == ("a", "b") and dropped.targets.tolist() == [0, 0, 1, 1, 1]
    assert dropped.notes == ("y: 2 classes of one row (c, d) are left out",)
    merged = examples(tmp_path, targets, rare_classes="merge")
    assert merged.classes == ("a", "b", "other") and merged.targets.tolist() == [0, 0, 1, 1, 1, 2, 2]
    merged = examples(tmp_path, targets[:-1], rare_classes="merge")  # one row alone would be no class
    assert merged.classes == ("b", "other") and merged.targets.tolist() == [1, 1, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": None}, "data.target is not given: use data.target=y, or one of: x, y"),
        ({"target": "Y"}, "data.target=Y: there is no such column. Did you mean y.? Columns: x, y"),
        ({"target": ["x", "y"]}, r"data.target names 2 columns \(x, y\): use one of them"),
        ({"ignore": ["y"]}, "data.ignore names the target y"),
        ({"ignore": ["z"]}, "data.ignore=z: there is no such column"),
        ({"ignore": ["x"]}, "no column is left as an input besides data.target=y"),
        ({"types": {"z": "number"}}, "data.types=z: there is no such column"),
        ({"types": {"x": "float"}}, "data.types: x: float is no kind of column: use one of number, category"),
        ({"decimal": ";"}, "data.decimal=;: must be one of"),
        ({"weight": "w"}, "data.weight=w: there is no such column"),
    ],
)
def test_settings_that_are_wrong(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        examples(tmp_path, ["a", "b"] * 3, **settings)
