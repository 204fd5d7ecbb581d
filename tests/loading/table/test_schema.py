"""Schemas: names and kinds of features, new tables, and JSON that may come from anybody."""

import copy
import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mlcli.loading.table.read import read_table
from mlcli.loading.table.schema import Column, Schema
from mlcli.loading.table.types import Rules, type_columns
from tests.loading.table.awkward import write

SCHEMA = Schema(
    (
        Column("price", "number", "numbers", format="thousands_comma currency"),
        Column("color", "category", "2 different texts", ("blue", "red")),
        Column("sold", "boolean", "no or Yes", ("no", "Yes")),
        Column("day", "date", "dates", format="day_first"),
    ),
    Column("y", "category", "2 different texts", ("a", "b")),
)
ROW = {"price": "$1,234", "color": "red", "sold": "YES", "day": "02/01/1970"}


def rows(**columns: list[Any]) -> pa.Table:
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def test_features() -> None:
    parts = ("day:year", "day:month", "day:weekday", "day:sin", "day:cos", "day:days")
    assert SCHEMA.features == ("price", "color", "sold", *parts)
    assert SCHEMA.feature_kinds == ("number", "code", "code", *["number"] * 6)
    assert SCHEMA.feature_levels == (2, 2)


def test_encodes_by_name() -> None:
    table = rows(extra=["?"], **{name: [text] for name, text in reversed(ROW.items())})
    encoded = SCHEMA.encode(table)
    assert encoded.values[0, :6].tolist() == [1234, 2, 2, 1970, 1, 4]
    assert encoded.values[0, -1] == 1 and str(encoded.values.dtype) == "torch.float64"
    assert encoded.missing == {} and encoded.unseen == {}


def test_missing_and_unseen() -> None:
    table = rows(price=["", "$2", "NA"], color=["green", None, "green"], sold=["?", "maybe", " no "], day=[None] * 3)
    encoded = SCHEMA.encode(table)
    assert encoded.missing == {"price": 2, "color": 1, "sold": 1, "day": 3}
    assert encoded.unseen == {"color": {"green": 2}, "sold": {"maybe": 1}}
    assert encoded.values[:, 1].tolist() == [0, 0, 0] and encoded.values[:, 2].tolist() == [0, 0, 1]
    assert encoded.values[:, 3:].isnan().all() and math.isnan(encoded.values[0, 0])


def test_values_that_have_types() -> None:
    schema = Schema((Column("n", "number", ""), Column("b", "boolean", "", ("false", "true")), SCHEMA.columns[3]))
    days = pa.array([0, None], pa.date32())
    table = pa.table({"n": [1, None], "b": [True, None], "day": days})
    encoded = schema.encode(table)
    assert encoded.values[0].tolist() == [1, 2, 1970, 1, 3, 0, 1, 0]
    assert encoded.missing == {"n": 1, "b": 1, "day": 1}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("price", "much", r"column price, row 2: 'much' is no number in its format \(thousands comma currency\)"),
        ("day", "31/31/1970", r"column day, row 2: '31/31/1970' is no date in its format \(day first\)"),
    ],
)
def test_texts_that_do_not_fit(name: str, text: str, message: str) -> None:
    texts = {key: [value, text if key == name else value] for key, value in ROW.items()}
    with pytest.raises(ValueError, match=message):
        SCHEMA.encode(rows(**texts))


def test_rows_of_a_batch_are_counted_in_its_file() -> None:
    with pytest.raises(ValueError, match=r"^column price, row 1,001: 'much' is no number"):
        SCHEMA.encode(rows(**{**{name: [text] for name, text in ROW.items()}, "price": ["much"]}), before=1000)


def test_columns_that_lack() -> None:
    with pytest.raises(ValueError, match="the table lacks the columns price, sold, day"):
        SCHEMA.encode(rows(color=["red"]))


def test_json_round_trip(tmp_path: Path) -> None:
    assert Schema.from_json(json.loads(json.dumps(SCHEMA.to_json()))) == SCHEMA
    table = read_table(str(write(tmp_path, "a,b,c\n1,x,2024-01-01\n2,,2024-01-02\n")))
    schema = Schema(type_columns(table.columns, Rules({})).columns)
    again = Schema.from_json(json.loads(json.dumps(schema.to_json())))
    assert schema.encode(table.columns).values.nan_to_num(-1).equal(again.encode(table.columns).values.nan_to_num(-1))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ((), None, "is no object"),
        (("version",), 99, "has version 99, not 1"),
        (("columns",), "x", "has no list of columns"),
        (("columns", 0), 5, "has a column that is no object"),
        (("columns", 0, "name"), "", "has a column without a name"),
        (("columns", 0, "name"), "color", "has two columns of one name"),
        (("columns", 0, "kind"), "numbers", "has no valid kind of column price"),
        (("columns", 0, "kind"), ["number"], "has no valid kind of column price"),
        (("columns", 0, "format"), "thousands_comma decimal_comma", "has no valid format of column price"),
        (("columns", 0, "format"), "thousands_comma thousands_space", "has no valid format of column price"),
        (("columns", 0, "format"), 3, "has no valid format of column price"),
        (("columns", 3, "format"), "", "has no valid format of column day"),
        (("columns", 1, "levels"), "ab", "has no levels of color"),
        (("columns", 1, "levels"), ["a", 1], "has no levels of color"),
        (("columns", 1, "levels"), ["a", "a"], "has a level of column color twice"),
        (("columns", 1, "reason"), None, "has no reason for column color"),
        (("target",), [], "has a column that is no object"),
    ],
)
def test_malformed_json(path: tuple[str | int, ...], value: Any, message: str) -> None:
    stored: Any = copy.deepcopy(SCHEMA.to_json())
    if path:
        inner = stored
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
    with pytest.raises(ValueError, match=f"the stored schema {message}"):
        Schema.from_json(stored if path else value)
