"""data=csv: examples with official splits, weights, groups and an order of time."""

from functools import partial
from pathlib import Path

import pytest

from mlcli.data.table import table
from tests.loading.table.awkward import write

csv = partial(table, "csv")

TABLE = "x,c,who,day,part,w,y\n" + "".join(
    f"{n},{'uv'[n % 2]},{['ann', 'bob', 'eve'][n % 3]},2024-0{9 - n}-01,{['train', 'val', 'test'][n % 3]},{n},"
    f"{'ab'[n % 2]}\n"
    for n in range(8)
)


def test_examples(tmp_path: Path) -> None:
    path = write(tmp_path, TABLE, "my houses.csv")
    examples = csv(str(path), "y", ignore=["who", "day", "part"], weight="w")
    assert (examples.name, examples.kind, examples.source) == ("my houses", "table", str(path))
    assert examples.features == ("x", "c") and examples.classes == ("a", "b") and examples.target == "y"
    assert examples.inputs.tolist() == [[n, n % 2 + 1] for n in range(8)]
    assert examples.targets.tolist() == [0, 1] * 4
    assert examples.weights is not None and examples.weights.tolist() == list(range(8))
    assert examples.val is None and examples.test is None and examples.groups is None


def test_groups_and_time(tmp_path: Path) -> None:
    path = str(write(tmp_path, TABLE))
    examples = csv(path, "y", group="who", time="day")
    assert "who" not in examples.features and "day:days" in examples.features
    assert examples.inputs[:, 0].tolist() == list(range(7, -1, -1))
    assert examples.groups is not None
    assert examples.groups.tolist() == [(n % 3) for n in range(7, -1, -1)]


def test_weights_and_times_in_the_format_of_the_file(tmp_path: Path) -> None:
    path = str(write(tmp_path, "x;w;t;y\n1;1,500;0,5;1,5\n2;0,250;0,25;2,5\n"))
    examples = csv(path, "y", ignore=["t"], weight="w", time="t")
    assert examples.features == ("x",) and examples.inputs.tolist() == [[2], [1]]
    assert examples.weights is not None and examples.weights.tolist() == [0.25, 1.5]


def test_a_column_of_splits(tmp_path: Path) -> None:
    examples = csv(str(write(tmp_path, TABLE)), "y", split_column="part")
    assert examples.val is not None and examples.val.tolist() == [1, 4, 7]
    assert examples.test is not None and examples.test.tolist() == [2, 5]
    assert "part" not in examples.features
    with pytest.raises(ValueError, match="column who has 'ann' in row 1: each row must be train, val or test"):
        csv(str(write(tmp_path, TABLE)), "y", split_column="who")


def test_files_of_splits(tmp_path: Path) -> None:
    path = str(write(tmp_path, "x,c,y\n1,u,a\n2,v,b\n"))
    val = str(write(tmp_path, "y;c;x;more\na;new;3;1\n;u;9;1\n", "val.csv"))
    test = str(write(tmp_path, "c,x,y\nv,,b\nu,4,a\n", "test.csv"))
    examples = csv(path, "y", val_path=val, test_path=test, as_classes=True, rare_classes="drop")
    assert examples.inputs.nan_to_num(-1).tolist() == [[1, 1], [2, 2], [3, 0], [-1, 2], [4, 1]]
    assert examples.val is not None and examples.val.tolist() == [2]
    assert examples.test is not None and examples.test.tolist() == [3, 4]
    wrong = str(write(tmp_path, "c,y\nv,b\n", "wrong.csv"))
    with pytest.raises(ValueError, match=r"data.test_path: .*wrong.csv lacks the column x"):
        csv(path, "y", test_path=wrong)
    wrong = str(write(tmp_path, "x,c,y\n5,v,new\n", "wrong.csv"))
    with pytest.raises(ValueError, match="y is 'new', a class that the training table lacks"):
        csv(path, "y", test_path=wrong)


def test_texts_and_ids_are_left_out(tmp_path: Path) -> None:
    rows = "".join(f"{2**60 + n},{n},{n / 3}\n" for n in range(4))
    examples = csv(str(write(tmp_path, f"id,x,y\n{rows}")), "y")
    assert examples.features == ("x",)
    assert examples.notes == ("column id (ids: whole numbers from 2⁵³) is left out",)


@pytest.mark.parametrize(
    ("content", "settings", "message"),
    [
        (TABLE.replace("train,0", "train,-1"), {"weight": "w"}, "data.weight=w: row 1 has no weight of at least 0"),
        (TABLE.replace("ann", "", 1), {"group": "who"}, "split.by=group:who: row 1 has no group"),
        (TABLE.replace("2024-09-01", ""), {"time": "day"}, "split.by=time:day: row 1 has no time"),
        (TABLE, {"weight": "who"}, r"data.weight=who: the column holds no numbers \(3 different texts\)"),
        (TABLE, {"time": "who"}, "split.by=time:who: the column is no date or number"),
    ],
)
def test_refused(tmp_path: Path, content: str, settings: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        csv(str(write(tmp_path, content)), "y", **settings)  # type: ignore[arg-type]
