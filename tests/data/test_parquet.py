"""Parquet, Arrow and JSON lines: the types of the file, by the same rules as texts."""

import datetime
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mlcli.data.table import table
from mlcli.loading.dataset import Examples
from mlcli.loading.table.files import format_of, read_files
from mlcli.loading.table.schema import Schema
from mlcli.loading.table.types import Rules, type_columns
from tests.data.typed_tables import write_arrow, write_feather, write_json_lines, write_parquet, write_stream

arrow = partial(table, "arrow")
jsonl = partial(table, "jsonl")
parquet = partial(table, "parquet")

WAYS: dict[str, tuple[Callable[[pa.Table, Path], str], Callable[..., Examples]]] = {
    "parquet": (write_parquet, parquet),
    "arrow": (write_arrow, arrow),
    "stream": (write_stream, arrow),
    "feather": (write_feather, arrow),
    "jsonl": (write_json_lines, jsonl),
}
DAY = datetime.date(2024, 1, 31)
TABLE = pa.table(
    {
        "n": pa.array([1, None, 3, 4]),
        "x": [0.1, float("1e-300"), None, 4.5],
        "s": ["u", " v", None, "v"],
        "b": [True, None, False, True],
        "d": pa.array([DAY, None, DAY, DAY]),
        "id": [2**53 + n for n in range(4)],
        "y": ["a", "b", "a", "b"],
    }
)


@pytest.mark.parametrize("way", WAYS)
def test_the_same_table(tmp_path: Path, way: str) -> None:
    write, read = WAYS[way]
    path = write(TABLE, tmp_path / f"houses.{way}")
    examples = read(path, "y")
    assert (examples.name, examples.kind, examples.classes) == ("houses", "table", ("a", "b"))
    assert examples.features[:4] == ("n", "x", "s", "b")
    assert examples.inputs[:, :5].nan_to_num(-1).tolist() == [
        [1, 0.1, 1, 2, 2024],
        [-1, 1e-300, 2, 0, -1],
        [3, -1, 0, 1, 2024],
        [4, 4.5, 2, 2, 2024],
    ]
    assert examples.notes == ("column id (ids: whole numbers from 2⁵³) is left out",)
    assert read(path, "y", types={"n": "category"}).schema.columns[0].levels == ("1", "3", "4")  # type: ignore[union-attr]


def kinds(table: pa.Table) -> dict[str, str]:
    return {column.name: column.kind for column in type_columns(table, Rules({})).columns}


def test_further_types() -> None:
    moment = datetime.datetime(2024, 1, 31, 12, 30, tzinfo=datetime.UTC)
    table = pa.table(
        {
            "decimal": pa.array([Decimal("1.10"), None]),
            "seconds": pa.array([datetime.timedelta(minutes=1), None]),
            "moment": pa.array([moment, None]),
            "levels": pa.array(["u", None]).dictionary_encode(),
            "nothing": pa.nulls(2),
            "gaps": pa.array([float("nan")] * 2),
            "large": pa.array(["u", None], pa.large_string()),
            "huge": pa.array([2**64 - 1, None], pa.uint64()),
            "time": pa.array([datetime.time(12, 30), None]),
        }
    )
    expected = ["number", "number", "date", "category", "ignored", "ignored", "category", "text", "category"]
    assert list(kinds(table).values()) == expected
    schema = type_columns(table, Rules({})).columns
    values = Schema((schema[0], schema[1], schema[2])).encode(table).values[0].tolist()
    assert values[:3] == [1.1, 60, 2024] and values[-1] % 1 == pytest.approx(12.5 / 24)


@pytest.mark.parametrize("values", [[[1], None], [{"a": 1}, None], [b"\xff", None]])
@pytest.mark.parametrize("way", ["parquet", "jsonl"])
def test_nested_values_are_refused_by_name(tmp_path: Path, values: list[Any], way: str) -> None:
    if way == "jsonl" and isinstance(values[0], bytes):
        pytest.skip("JSON has no bytes")
    write, read = WAYS[way]
    path = write(pa.table({"x": [1, 2], "odd": values, "y": ["a", "b"]}), tmp_path / "table")
    with pytest.raises(ValueError, match=r"column odd holds .*: leave it out with data.ignore=\[odd\]"):
        read(path, "y", rare_classes="merge")
    assert read(path, "x", ignore=["odd"], as_classes=False).features == ("y",)


def test_labels_of_rows_are_no_input(tmp_path: Path) -> None:
    path = write_parquet(TABLE.append_column("__index_level_0__", pa.array([5, 6, 7, 8])), tmp_path / "table.parquet")
    assert "__index_level_0__" not in read_files(format_of(path), path).columns.column_names


@pytest.mark.parametrize("way", ["parquet", "arrow"])
def test_damaged_files(tmp_path: Path, way: str) -> None:
    path = tmp_path / "table"
    path.write_bytes(b"PAR1 and then something else")
    with pytest.raises(ValueError, match=rf"table cannot be read as (?i:{way})"):
        WAYS[way][1](str(path), "y")
    with pytest.raises(ValueError, match="has no rows"):
        WAYS[way][1](WAYS[way][0](TABLE.slice(0, 0), path), "y")


def lines(folder: Path, text: str, **settings: Any) -> Examples:
    (folder / "table.jsonl").write_text(text)
    return jsonl(str(folder / "table.jsonl"), "y", as_classes=False, **settings)


def test_json_values(tmp_path: Path) -> None:
    text = '{"x": 1.5, "s": 7, "y": "0"}\n\n{"y": 3, "new": null, "x": 123456789012345678901234567890, "s": "u"}\n'
    examples = lines(tmp_path, text)
    assert examples.targets.tolist() == [0, 3] and examples.features == ("x", "s")
    assert examples.inputs.tolist() == [[1.5, 1], [123456789012345678901234567890.0, 2]]


def test_a_target_of_texts_and_numbers(tmp_path: Path) -> None:
    texts = "".join(f'{{"x": {n}, "y": {value}}}\n' for n, value in enumerate(['"0"', '"1"', '"2"', 3, 4, 5] * 5))
    (tmp_path / "t.jsonl").write_text(texts)
    examples = jsonl(str(tmp_path / "t.jsonl"), "y")
    assert examples.classes == tuple("012345") and examples.targets.tolist() == list(range(6)) * 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"x": 1, "y": 2}\n{"x": 1,\n', r"line 2 is not valid JSON \(.*\): use one object per line"),
        ('[{"x": 1, "y": 2}]\n', "line 1 is a list, not an object"),
        ("", "has no rows"),
    ],
)
def test_malformed_lines(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lines(tmp_path, text)


def test_malformed_lines_are_skipped(tmp_path: Path) -> None:
    examples = lines(tmp_path, '{"x": 1, "y": 2}\nnull\n{"x": 2, "y": 3.5}\n', bad_rows="skip")
    assert examples.targets.tolist() == [2, 3.5] and "1 lines that are no JSON object skipped" in examples.notes[0]


def test_settings_of_text_are_refused(tmp_path: Path) -> None:
    path = write_parquet(TABLE, tmp_path / "table.parquet")
    with pytest.raises(ValueError, match=r"data\.delimiter is a setting of text, not of Parquet: leave it out"):
        parquet(path, "y", delimiter=";")
