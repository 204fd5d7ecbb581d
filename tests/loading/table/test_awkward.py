"""Tables as people have them: each gives the right values, or one clear line."""

import gzip
import io
import re
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mlcli.data.table import table
from mlcli.loading.table.read import ReadOptions, read_table
from mlcli.loading.table.types import Rules
from tests.loading.table.awkward import look, looked, write

csv = partial(table, "csv")

N, C, B, D, T, I = "number", "category", "boolean", "date", "text", "ignored"  # noqa: E741
MISSING = None

# name → content, what the columns are, settings
READ: dict[str, tuple[bytes | str, dict[str, Any], dict[str, Any]]] = {
    "plain": ("a,b\n1,2.5\n3,-4\n", {"a": (N, [1, 3]), "b": (N, [2.5, -4])}, {}),
    "windows line ends": ("a,b\r\n1,2\r\n3,4\r\n", {"a": (N, [1, 3]), "b": (N, [2, 4])}, {}),
    "old mac line ends": ("a,b\r1,2\r3,4\r", {"a": (N, [1, 3]), "b": (N, [2, 4])}, {}),
    "no line end at the end": ("a,b\n1,2\n3,4", {"b": (N, [2, 4])}, {}),
    "UTF-8 with a byte-order mark": ("\ufeffa,b\n1,2\n", {"a": (N, [1])}, {}),
    "UTF-16 little endian": ("Größe,b\n1,2\n".encode("utf-16"), {"Größe": (N, [1]), "b": (N, [2])}, {}),
    "UTF-16 big endian": (b"\xfe\xff" + "é,b\n1,2\n".encode("utf-16-be"), {"é": (N, [1])}, {}),
    "UTF-16 without a mark": ("a,b\n1,2\n3,4\n".encode("utf-16-le"), {"b": (N, [2, 4])}, {}),
    "cp1252": ("Größe,s\n1,Köln\n2,€\n".encode("cp1252"), {"Größe": (N, [1, 2]), "s": (C, ["Köln", "€"])}, {}),
    "latin-1 by name": ("é,b\n1,2\n".encode("latin-1"), {"é": (N, [1])}, {"encoding": "latin-1"}),
    "gzip": (gzip.compress(b"a,b\n1,2\n"), {"b": (N, [2])}, {}),
    "semicolons": ("a;b\n1;2\n3;4\n", {"a": (N, [1, 3]), "b": (N, [2, 4])}, {}),
    "tabs": ("a\tb\n1\tx y\n", {"a": (N, [1]), "b": (C, ["x y"])}, {}),
    "pipes": ("a|b\n1|2\n", {"a": (N, [1]), "b": (N, [2])}, {}),
    "decimal commas": ("a;b\n1,5;2\n-2,25;3\n", {"a": (N, [1.5, -2.25]), "b": (N, [2, 3])}, {}),
    "decimal commas and points of thousands": (
        "price;share;n\n1.234,50;0,5;1.234\n12,00;0,25;12.500\n",
        {"price": (N, [1234.5, 12]), "share": (N, [0.5, 0.25]), "n": (N, [1234, 12500])},
        {},
    ),
    "a comma that another column explains": ("a;b\n1,234;0,5\n5,678;0,7\n", {"a": (N, [1.234, 5.678])}, {}),
    "a given decimal comma": ("a;b\n1,234;1\n5,678;2\n", {"a": (N, [1.234, 5.678])}, {"decimal": ","}),
    "a given decimal point": ('a,b\n"1,234",x\n', {"a": (N, [1234])}, {"decimal": "."}),
    "a comma in a name and all values": (
        "c,d|e\n8,410|6\n1,698|27\n",
        {"c,d": (N, [8410, 1698]), "e": (N, [6, 27])},
        {},
    ),
    "a delimiter in quotes": ('a,b\n"x, y",1\n"z;;;w",2\n', {"a": (C, ["x, y", "z;;;w"]), "b": (N, [1, 2])}, {}),
    "quotes in quotes": ('a,b\n"say ""hi""",1\n', {"a": (C, ['say "hi"'])}, {}),
    "an inch in a text": ('a,b\n5" pipe,1\n3" nut,2\n', {"a": (C, ['5" pipe', '3" nut'])}, {}),
    "line breaks in quotes": ('a,b\n"x\ny",1\nz,2\n', {"a": (C, ["x\ny", "z"]), "b": (N, [1, 2])}, {}),
    "a line break in the header": ('"a\nb",c\n1,2\n', {"a b": (N, [1]), "c": (N, [2])}, {}),
    "leading zeros and dashes": ("zip,b\n01234,1\n-,2\n", {"zip": (C, ["01234", "-"])}, {}),
    "a title": ("Sales report of 2024\n\na,b,c\n1,2,x\n", {"a": (N, [1]), "c": (C, ["x"])}, {}),
    "a padded title": ("Sales report of 2024,,\na,b,c\n1,2,x\n3,4,y\n", {"a": (N, [1, 3])}, {}),
    "a comment": ("# made by hand\na,b\n1,2\n", {"a": (N, [1])}, {}),
    "Excel's line about the delimiter": ("sep=;\na;b\n1;2\n", {"a": (N, [1]), "b": (N, [2])}, {}),
    "blank lines": ("a,b\n\n1,2\n\n\n3,4\n\n", {"a": (N, [1, 3])}, {}),
    "spaces around names and values": (" a , b \n 1 , x\n2,  y \n", {"a": (N, [1, 2]), "b": (C, ["x", "y"])}, {}),
    "a name with delimiters": ('"price, €",b\n1,2\n', {"price, €": (N, [1])}, {}),
    "names that are missing": ("a,,b\n1,2,3\n", {"a": (N, [1]), "column_2": (N, [2])}, {}),
    "row numbers without a name": (",a\n0,5\n1,7\n2,7\n", {"column_1": (I, []), "a": (N, [5, 7, 7])}, {}),
    "separators of other lines in a text": ("a,b\nx\u2028y\x0bz\x85,1\nv,2\n", {"b": (N, [1, 2])}, {}),
    "line ends of both kinds": ("a,b\r\n1,2\n3,4\r5,6\n", {"b": (N, [2, 4, 6])}, {}),
    "versions": ("a,b\n1.2.24,1\n1.10.3,2\n", {"a": (C, ["1.2.24", "1.10.3"])}, {}),
    "names that are numbers": ("0,1,2\n5,6,x\n", {"0": (N, [5]), "2": (C, ["x"])}, {}),
    "zip codes": ("zip,b\n01234,1\n98765,2\n", {"zip": (C, ["01234", "98765"])}, {}),
    "ids beyond 2⁵³ with a gap": (
        "id,b\n9007199254740993,1\n,2\n9007199254740995,3\n",
        {"id": (T, ["9007199254740993", None, "9007199254740995"])},
        {},
    ),
    "beyond int64": ("id,b\n123456789012345678901,1\n5,2\n", {"id": (T, ["123456789012345678901", "5"])}, {}),
    "large numbers that are no ids": (
        "a,b\n1e300,1\n123456789012345678.5,2\n",
        {"a": (N, [1e300, 123456789012345678.5])},
        {},
    ),
    "words for missing": (
        "a,b\n1,x\nNA,n/a\nn/a,null\nnull,y\n,\nNaN,NA\n#N/A,z\n-,None\n?,-\n",
        {"a": (N, [1, *[MISSING] * 8]), "b": (C, ["x", None, None, "y", None, None, "z", "None", "-"])},
        {},
    ),
    "a column of missing values": ("a,b\n,1\nNA,2\n", {"a": (I, []), "b": (N, [1, 2])}, {}),
    "a whole number with a gap": ("a,b\n1,1\n,2\n3,3\n", {"a": (N, [1, None, 3])}, {}),
    "thousands, percent, currency": (
        'a,p,c,d\n"1,234",12%,$5,5 €\n567,3.5 %,"$1,234.50",-1 €\n',
        {"a": (N, [1234, 567]), "p": (N, [12, 3.5]), "c": (N, [5, 1234.5]), "d": (N, [5, -1])},
        {},
    ),
    "spaces of thousands": ("a;b\n1 234;1\n12 345,5;2\n", {"a": (N, [1234, 12345.5])}, {}),
    "Swiss thousands": ("a;b\n1'234.5;1\n12'345;2\n", {"a": (N, [1234.5, 12345])}, {}),
    "a minus from a word processor": ("a,b\n\u22125,1\n3,2\n", {"a": (N, [-5, 3])}, {}),
    "percent and no percent": ("a,b\n12%,1\n0.12,2\n", {"a": (C, ["12%", "0.12"])}, {}),
    "two currencies": ("a,b\n$5,1\n€5,2\n", {"a": (C, ["$5", "€5"])}, {}),
    "infinite inputs": ("a,b\n1,1\ninf,2\n-Infinity,3\n", {"a": (N, [1, None, None])}, {}),
    "booleans with gaps": (
        "a,b\nyes,1\n,2\nNo,3\n yes,4\nYES,5\n",
        {"a": (B, ["yes", None, "No", "yes", "yes"])},
        {},
    ),
    "true and false": ("a,b\nTrue,1\nFalse,2\nNone,3\n", {"a": (B, ["True", "False", None])}, {}),
    "yes with a space": ("a,b\n yes,1\nyes,2\nmaybe,3\n", {"a": (C, ["yes", "yes", "maybe"])}, {}),
    "dates": ("a,b\n2024-02-29,1\n,2\n2023-12-31,3\n", {"a": (D, ["2024-02-29", None, "2023-12-31"])}, {}),
    "dates in five styles": (
        'a,b\n2024-01-31,1\n31.01.2024,2\n31/01/2024,3\n"Jan 31, 2024",4\n31-Jan-2024,5\n2024/1/31,6\n',
        {"a": (D, ["2024-01-31"] * 6)},
        {},
    ),
    "dates with times": (
        "a,b\n2024-01-31 06:00,1\n2024-01-31T18:00:00Z,2\n1/31/2024 3:00 PM,3\n2024-01-31T00:30:00+01:00,4\n",
        {"a": (D, ["2024-01-31 06:00", "2024-01-31 18:00", "2024-01-31 15:00", "2024-01-30 23:30"])},
        {},
    ),
    "days that decide the order": ("a,b\n01/02/2024,1\n13/02/2024,2\n", {"a": (D, ["2024-02-01", "2024-02-13"])}, {}),
    "months that decide the order": (
        "a,b\n01/02/2024,1\n02/13/2024,2\n",
        {"a": (D, ["2024-01-02", "2024-02-13"])},
        {},
    ),
    "day first": ("a,b\n01/02/2024,1\n", {"a": (D, ["2024-02-01"])}, {"dates": "day_first"}),
    "month first": ("a,b\n01/02/2024,1\n", {"a": (D, ["2024-01-02"])}, {"dates": "month_first"}),
    "the same day and month": ("a,b\n01/01/2024,1\n02/02/2024,1\n", {"a": (D, ["2024-01-01", "2024-02-02"])}, {}),
    "years of two digits": ("a,b\n31.12.99,1\n01.01.24,2\n", {"a": (D, ["1999-12-31", "2024-01-01"])}, {}),
    "dates before 1970": ("a,b\n1969-12-31,1\n1900-02-28,2\n", {"a": (D, ["1969-12-31", "1900-02-28"])}, {}),
    "no such date": ("a,b\n2023-02-29,1\n2024-01-01,2\n", {"a": (C, ["2023-02-29", "2024-01-01"])}, {}),
    "types given": ("a,b\n1,5\n2,6\n", {"a": (C, ["1", "2"]), "b": (I, [])}, {"types": {"a": C, "b": I}}),
    "zip codes that a user wants as numbers": ("zip,b\n01234,1\n", {"zip": (N, [1234])}, {"types": {"zip": N}}),
    "short and long rows skipped": ("a,b\n1,2\n3\n4,5,6\n7,8\n", {"a": (N, [1, 7])}, {"bad_rows": "skip"}),
    "a space as delimiter": ("a b\n1 2\n", {"b": (N, [2])}, {"delimiter": "space"}),
    "texts": (
        "t,b\n" + "".join(f"a longer text of the number {n},{n}\n" for n in range(50)),
        {"t": (T, [f"a longer text of the number {n}" for n in range(50)])},
        {},
    ),
}


def settings_of(given: dict[str, Any]) -> tuple[ReadOptions, Rules]:
    rules = Rules(given.get("types", {}), dates=given.get("dates", "auto"), decimal=given.get("decimal", "auto"))
    return ReadOptions(**{key: given[key] for key in ("delimiter", "encoding", "bad_rows") if key in given}), rules


@pytest.mark.parametrize("case", READ.values(), ids=READ)
def test_is_read(tmp_path: Path, case: tuple[bytes | str, dict[str, Any], dict[str, Any]]) -> None:
    content, expected, given = case
    options, rules = settings_of(given)
    found, _ = look(read_table(str(write(tmp_path, content)), options), rules)
    assert {name: found[name] for name in expected} == expected


def xlsx() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return file.getvalue()


# name → content, the line that a user reads, settings
REFUSED: dict[str, tuple[bytes | str, str, dict[str, Any]]] = {
    "an Excel file": (xlsx(), "table.csv is an Excel.* file: save its sheet as CSV", {}),
    "Parquet": (b"PAR1....", "is a Parquet file: use data=parquet", {}),
    "a binary file": (bytes(range(256)) * 50, "is a binary file, not a table of text", {}),
    "a web page": ("<!DOCTYPE html><html>a,b</html>", "is a web page", {}),
    "a damaged gzip file": (gzip.compress(b"a,b\n1,2\n" * 99)[:-12], "is damaged: its gzip data", {}),
    "an empty file": ("", "table.csv is empty", {}),
    "blank lines only": ("\n \n\n", "table.csv is empty", {}),
    "a header only": ("a,b\n", "has a header but no rows", {}),
    "no header": ("1,2\n3,4\n", r"has no header: its first line has only numbers \(1, 2\); add a line", {}),
    "a short row": ("a,b,c\n1,2,3\n4,5\n", "line 3 has 2 fields, but the header has 3.*data.bad_rows=skip", {}),
    "short rows only": ("a,b\n1\n2\n", "line 2 has 1 field, but the header has 2", {}),
    "a long row": ("a,b\n" + "1,2\n" * 9 + "1,2,3\n", "line 11 has 3 fields, but the header has 2", {}),
    "a long row behind quoted line breaks": ('a,b\n"x\n\ny",2\n4,5,6\n', "line 5 has 3 fields", {}),
    "a field more in every row": ("a,b\n1,2,\n3,4,\n", "line 2 has 3 fields.*is a name missing in the header", {}),
    "names of rows without a name": ("a b\n1 2 3\n", "line 2 has 3 .*is a name missing", {"delimiter": "space"}),
    "duplicate names": ("a,b,a\n1,2,3\n", "columns 1 and 3 are both named a: rename one of them", {}),
    "only rows that are skipped": ('a,b\n1"\n2\n', "has a header but no rows", {"bad_rows": "skip"}),
    "a quote that is never closed": ('a,b\n1,"2\n3,4\n', "row 1: the quote at the start of '2 3,4' .* never", {}),
    "ambiguous dates": (
        "d,b\n01/02/2024,1\n03/04/2024,2\n",
        "column d: dates such as 01/02/2024 are ambiguous: use data.dates=day_first or data.dates=month_first",
        {},
    ),
    "no such month": ("d,b\n13/02/2024,1\n", "column d: .* no date", {"dates": "month_first", "types": {"d": D}}),
    "a text in a column of numbers": ("a,b\n1,1\nx,2\n", "column a, row 2: 'x' is no number", {"types": {"a": N}}),
    "a wrong encoding": ("é,b\n1,2\n".encode("cp1252"), "is not text in utf-8.*data.encoding", {"encoding": "utf-8"}),
    "no such encoding": ("a,b\n1,2\n", "data.encoding=utf-9: no such encoding; use auto", {"encoding": "utf-9"}),
    "one wrong byte in UTF-8": ("é,ü\nö,ä\n".encode() + b"\xff,1\n", "line 3: byte 13 is not UTF-8, although", {}),
    "a delimiter of two characters": ("a,b\n1,2\n", "data.delimiter=::: must be one character", {"delimiter": "::"}),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_is_refused_in_one_line(tmp_path: Path, case: tuple[bytes | str, str, dict[str, Any]]) -> None:
    content, message, given = case
    options, rules = settings_of(given)
    with pytest.raises(ValueError, match=message) as refused:
        look(read_table(str(write(tmp_path, content)), options), rules)
    assert "\n" not in str(refused.value)


def test_folder_and_absent_files(tmp_path: Path) -> None:
    write(tmp_path, "a,b\n1,2\n", "houses.csv")
    for path, message in (
        (tmp_path, r"is a folder: use a file in it, or data.path='.*/\*\.csv'"),
        (tmp_path / "hauses.csv", "there is no file .*: did you mean .*houses.csv"),
        (tmp_path / "no" / "file.csv", "there is no file"),
        (tmp_path / "no*.csv", "no file matches data.path="),
    ):
        with pytest.raises(ValueError, match=message):
            read_table(str(path))
    with pytest.raises(ValueError, match=r"data\.path is not given: use data\.path=FILE"):
        read_table(None)


def test_globs_and_lists(tmp_path: Path) -> None:
    write(tmp_path, "a,b\n1,x\n", "part 1.csv")
    write(tmp_path, "b;a\ny;2\n", "part 2.csv")
    expected = {"a": (N, [1, 2]), "b": (C, ["x", "y"])}
    assert looked(tmp_path / "part *.csv") == expected
    files = [str(tmp_path / "part 1.csv"), str(tmp_path / "part 2.csv")]
    assert look(read_table(files))[0] == expected
    write(tmp_path, "a,c\n1,x\n", "part 3.csv")
    with pytest.raises(ValueError, match=r"part 3.csv lacks column b, compared with .*part 1.csv"):
        read_table(str(tmp_path / "part *.csv"))


def test_brackets_in_a_file_name(tmp_path: Path) -> None:
    assert looked(write(tmp_path, "a,b\n1,2\n", "houses (1) [new].csv"))["a"] == (N, [1])


def test_guesses_are_said(tmp_path: Path) -> None:
    for content, note in (
        ("Sales report of 2024\n\na,b,c\n1,2,x\n", "'Sales report of 2024' above the header was taken for a title"),
        ("é,b\n1,2\n".encode("cp1252"), "read as cp1252"),
        ("a;b\n1,234;x\n5,678;y\n", r"column a: 1,234 is read as 1234; if it is a decimal comma"),
        ("a;b\n1.234;0,5\n56;0,7\n", r"column a: 1.234 is read as 1234, since decimal signs of the file are commas"),
        ("a;b\n1.234;x\n56;y\n", r"column a: 1.234 is read with a decimal point; if it separates thousands"),
        ("a,b\n1,1\n2,2\nx3,3\n", r"column a: 'x3' in row 3 is no number"),
        ("a\n1\n2\n", "has one column only"),
    ):
        _, notes = look(read_table(str(write(tmp_path, content))))
        assert [each for each in notes if re.search(note, each)], notes
    _, notes = look(read_table(str(write(tmp_path, "a,b\n1,2\n3\n4,5,6\n")), ReadOptions(bad_rows="skip")))
    assert "2 rows with another number of fields skipped" in notes[0]


def test_text_after_many_numbers(tmp_path: Path) -> None:
    rows = 300_000
    table = read_table(str(write(tmp_path, "a,b\n" + "1,2\n" * rows + "x,3\n")))
    found, notes = look(table)
    assert found["a"][0] == C and found["b"][0] == N
    assert "'x' in row 300,001 is no number" in notes[0]


def test_many_columns(tmp_path: Path) -> None:
    count = 10_000
    lines = [",".join(f"x{place}" for place in range(count)), ",".join(["1.5"] * count), ",".join(["2"] * count)]
    examples = csv(str(write(tmp_path, "\n".join(lines))), target="x9999", as_classes=False)
    assert examples.inputs.shape == (2, count - 1) and examples.targets.tolist() == [1.5, 2]


def test_many_levels(tmp_path: Path) -> None:
    count = 18_210
    rows = [f"level {n % count}" for n in range(2 * count)]
    found = looked(write(tmp_path, "c,b\n" + "".join(f"{text},1\n" for text in rows)))
    assert found["c"] == (C, rows)


def test_a_line_of_more_than_16_mb(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"line 2 has more than 16 MB"):
        read_table(str(write(tmp_path, b"a,b\n1," + b"x" * (17 << 20) + b"\n2,3\n")))
