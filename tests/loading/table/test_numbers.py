"""Numbers are exactly those of Python's float(), whatever their format."""

import math
import random

import pyarrow as pa
import pytest

from mlcli.loading.table.numbers import PATTERNS, number_format, parse_numbers


def parsed(texts: list[str], format: str) -> list[float]:
    found, wrong = parse_numbers(pa.chunked_array([texts]), format)
    assert not any(wrong.to_pylist())
    return list(found.to_pylist())


def random_numbers(count: int) -> list[str]:
    draw = random.Random(0)
    texts = []
    for _ in range(count):
        whole = str(draw.randrange(10 ** draw.randrange(1, 25)))
        part = "." + "".join(draw.choices("0123456789", k=draw.randrange(25))) if draw.random() < 0.7 else ""
        exponent = (
            f"{draw.choice('eE')}{draw.choice(['', '+', '-'])}{draw.randrange(310)}" if draw.random() < 0.3 else ""
        )
        texts.append(draw.choice(["", "-", "+"]) + whole + part + exponent)
    return [
        *texts,
        *(repr(draw.uniform(-1e9, 1e9)) for _ in range(count)),
        "0.1",
        "-0",
        ".5",
        "5.",
        "1e-320",
        "2e-324",
    ]


def test_equals_float() -> None:
    texts = random_numbers(3000)
    assert [value.hex() for value in parsed(texts, "")] == [float(text).hex() for text in texts]


def test_decimal_commas_equal_float() -> None:
    texts = random_numbers(1000)
    found = parsed([text.replace(".", ",") for text in texts], "decimal_comma")
    assert [value.hex() for value in found] == [float(text).hex() for text in texts]


def test_thousands_equal_float() -> None:
    draw = random.Random(1)
    numbers = [round(draw.uniform(-1e9, 1e9), draw.randrange(4)) for _ in range(500)]
    for separator, format in ((",", "thousands_comma"), (" ", "thousands_space"), ("'", "thousands_space")):
        texts = [f"{number:,}".replace(",", separator) for number in numbers]
        assert number_format(pa.array(texts)) == format
        assert parsed(texts, format) == numbers
    texts = [f"{number:,}".translate(str.maketrans(",.", ".,")) for number in numbers]
    assert number_format(pa.array(texts), ",") == "decimal_comma thousands_point"
    assert parsed(texts, "decimal_comma thousands_point") == numbers


@pytest.mark.parametrize(
    ("texts", "format", "values"),
    [
        (["12%", "-3.5 %"], "percent", [12, -3.5]),
        (["$5", "-$5", "$-5", "$ 1,234.50", "7"], "thousands_comma currency", [5, -5, -5, 1234.5, 7]),
        (["5 €", "€5"], "currency", [5, 5]),
        (["5,50 €", "1.234,00 €"], "decimal_comma thousands_point currency", [5.5, 1234]),
        (["EUR 5", "6 EUR"], "currency", [5, 6]),
        (["\u22125", "3"], "", [-5, 3]),
        (["inf", "-Infinity", "1"], "", [math.inf, -math.inf, 1]),
        (["0,123", "1,234"], "decimal_comma", [0.123, 1.234]),
        (["1.234.567", "1.000"], "decimal_comma thousands_point", [1234567, 1000]),
    ],
)
def test_formats(texts: list[str], format: str, values: list[float]) -> None:
    assert number_format(pa.array(texts)) == format
    assert parsed(texts, format) == values


@pytest.mark.parametrize(
    "texts",
    [
        *(["1_000"], ["0x10"], ["1,23,456"], ["1,2.3,4"], ["--5"], ["5 6"], ["1e"], ["e5"], ["."], [","], ["%"]),
        *(["$"], ["12%", "3"], ["$1", "€1"], ["(5)"], ["1.5", "2,5"], ["١٢"], ["five"], ["nan5"]),
    ],
)
def test_what_is_no_number(texts: list[str]) -> None:
    assert number_format(pa.array(texts)) is None


def test_wrong_texts_are_found() -> None:
    for format in PATTERNS:
        found, wrong = parse_numbers(pa.chunked_array([["1", "x", None, "12%"]]), format)
        assert wrong.to_pylist() == [False, True, False, True] and found.to_pylist() == [1, None, None, None]
    found, wrong = parse_numbers(pa.chunked_array([["12%", "0.12"]]), "percent")
    assert wrong.to_pylist() == [False, True]  # 0.12 in a column of percentages may be 12 %
