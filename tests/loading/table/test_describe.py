"""What `mlcli data PATH` shows: numbers that are right, and warnings that come when they should and only then."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from mlcli.loading.table.describe import TableDescription, describe
from mlcli.loading.table.examples import Settings
from mlcli.loading.table.read import read_table
from tests.loading.table.awkward import write

ROWS = 200


def described(folder: Path, columns: dict[str, list[Any]], **settings: Any) -> TableDescription:
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    return describe(read_table(str(write(folder, "\n".join(lines)))), Settings(**settings))


def clean_columns() -> dict[str, list[Any]]:
    draw = random.Random(0)
    return {
        "x": [draw.gauss(0, 1) for _ in range(ROWS)],
        "n": [draw.randrange(1000) for _ in range(ROWS)],
        "c": draw.choices(["u", "v", "w"], k=ROWS),
        "y": draw.choices(["a", "b"], k=ROWS),
    }


def kinds(found: TableDescription) -> list[tuple[str, tuple[str, ...]]]:
    return [(warning.kind, warning.columns) for warning in found.warnings]


def test_columns(tmp_path: Path) -> None:
    columns = {"x": [3, "", 1, 2], "s": ["u", "v", "u", "NA"], "d": ["2024-01-02", "2024-01-01", "", "2024-03-01"]}
    found = described(tmp_path, {**columns, "y": ["b", "a", "b", "b"], "i": [1, 1, 2, 2]}, target="y", ignore=["i"])
    assert found.rows == 4 and found.task == "classification" and found.target == "y"
    assert found.balance == (("b", 3), ("a", 1))
    x, s, d, y, i = found.columns
    assert (x.role, x.kind, x.missing, x.distinct, x.range) == ("input", "number", 1, 3, (1, 2, 3))
    assert (s.kind, s.missing, s.distinct, s.frequent) == ("category", 1, 2, (("u", 2), ("v", 1)))
    assert (d.kind, d.missing, d.range) == ("date", 1, ("2024-01-01", "2024-01-02", "2024-03-01"))
    assert (y.role, i.role, i.kind, i.reason) == ("target", "left out", "ignored", "as data.ignore says")
    assert kinds(found) == [("rare_class", ("y",))]
    assert json.loads(json.dumps(found.to_json()))["columns"][0]["range"] == [1, 2, 3]


def test_nothing_to_warn_about(tmp_path: Path) -> None:
    assert kinds(described(tmp_path, clean_columns(), target="y")) == []
    assert kinds(described(tmp_path, clean_columns(), target="x")) == []
    without = described(tmp_path, clean_columns())
    assert without.target is None and without.task is None and without.warnings == ()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([7] * ROWS, "constant"),
        (["same"] * ROWS, "constant"),
        (list(range(500, 500 + ROWS)), "id"),
        (random.Random(1).sample(range(ROWS), ROWS), "id"),
        ([f"a{n:x}" for n in range(ROWS)], "id"),
        ([2**60 + n for n in range(ROWS)], "id"),
    ],
)
def test_columns_that_say_nothing(tmp_path: Path, values: list[Any], kind: str) -> None:
    assert kinds(described(tmp_path, clean_columns() | {"odd": values}, target="y")) == [(kind, ("odd",))]


def test_classes_given_away(tmp_path: Path) -> None:
    columns = clean_columns()
    classes = columns["y"]
    copies = {
        "copy": ["p" if each == "a" else "q" for each in classes],
        "code": [int(each == "a") for each in classes],
    }
    assert kinds(described(tmp_path, columns | copies, target="y")) == [("copy", ("copy",)), ("copy", ("code",))]
    draw = random.Random(2)
    score = [draw.uniform(0, 1) + (each == "a") for each in classes]
    parts = [f"{each}{draw.randrange(5)}" for each in classes]
    found = described(tmp_path, columns | {"score": score, "part": parts}, target="y")
    assert kinds(found) == [("gives_away", ("score",)), ("gives_away", ("part",))]
    assert "score alone explains" in found.warnings[0].message
    noisy = [draw.gauss(0, 1) + 2 * (each == "a") for each in classes]
    assert kinds(described(tmp_path, columns | {"noisy": noisy}, target="y")) == []


def test_numbers_given_away(tmp_path: Path) -> None:
    columns = clean_columns()
    targets = columns["x"]
    draw = random.Random(3)
    odd = {"copy": [3 * each + 1 for each in targets], "cube": [each**3 for each in targets]}
    assert kinds(described(tmp_path, columns | odd, target="x")) == [("copy", ("copy",)), ("copy", ("cube",))]
    odd = {"half": [each + draw.gauss(0, 0.5) for each in targets]}
    assert kinds(described(tmp_path, columns | odd, target="x")) == []
    grades = [n % 4 for n in range(ROWS)]
    odd = {"grade": [f"g{grade}" for grade in grades], "z": [grade + draw.gauss(0, 0.01) for grade in grades]}
    assert kinds(described(tmp_path, columns | odd, target="z")) == [("gives_away", ("grade",))]


def test_repeated_rows(tmp_path: Path) -> None:
    columns = {name: values + values[:3] for name, values in clean_columns().items()}
    found = described(tmp_path, columns, target="y")
    assert kinds(found) == [("duplicates", ())] and "3 of 203 rows repeat another row" in found.warnings[0].message
    train = read_table(str(write(tmp_path, "x,y\n1,a\n2,b\n3,a\n4,b\n", "train.csv")))
    test = read_table(str(write(tmp_path, "y,x\na,3\nb,5\n", "test.csv")))
    found = describe(train, Settings(target="y"), {"test": test})
    assert "1 of 2 rows of data.test_path are also in the training table" in found.warnings[0].message


def test_columns_of_texts(tmp_path: Path) -> None:
    columns = {name: values[:60] for name, values in clean_columns().items() if name in ("c", "y")}
    texts = [f"a text about the number {n}" if n else "NA" for n in range(60)]
    found = described(tmp_path, columns | {"review": texts}, target="y")
    (review,) = (column for column in found.columns if column.name == "review")
    assert (review.kind, review.role, review.missing, review.distinct) == ("text", "input", 1, 59)
    assert review.reason == "59 different texts in 59 rows" and found.notes == ()
    assert kinds(found) == []  # rows that differ in their texts only are no copies
    assert kinds(described(tmp_path, columns, target="y")) == [("duplicates", ())]
    same = columns | {"review": ["the same"] * 60}
    found = described(tmp_path, same, target="y", types={"review": "text"})
    assert kinds(found)[0] == ("constant", ("review",))
