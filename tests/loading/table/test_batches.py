"""Batches have the rows of the whole table."""

import gzip
import io
from pathlib import Path

import pyarrow as pa
import pytest

from mlcli.loading.table import batches
from mlcli.loading.table.batches import read_batches
from mlcli.loading.table.files import format_of, read_files
from mlcli.loading.table.read import ReadOptions
from tests.data.typed_tables import write_arrow, write_json_lines, write_parquet
from tests.loading.table.awkward import write

TEXT = "a;größe\n" + "".join(f'{n};"x, {n}\ny"\n' for n in range(400))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "HEAD", 512)
    monkeypatch.setattr(batches, "BLOCK", 1024)
    monkeypatch.setattr(batches, "ROWS", 50)


@pytest.mark.parametrize(
    "content",
    [
        *(TEXT.encode(), TEXT.encode("utf-8-sig"), TEXT.encode("utf-16"), TEXT.encode("cp1252")),
        *(gzip.compress(TEXT.encode()), TEXT.replace("\n", "\r\n").encode(), TEXT.replace("\ny", "\ry").encode()),
        TEXT.replace("\ny", "").replace("\n", "\r").encode(),
    ],
)
def test_text(tmp_path: Path, content: bytes) -> None:
    path = str(write(tmp_path, content))
    found = list(read_batches(path))
    assert len(found) > 5 and max(batch.num_rows for batch in found) <= 50
    whole = read_files(format_of(path), path).columns
    joined = pa.concat_tables(found)
    assert joined.column_names == whole.column_names and joined.num_rows == 400
    assert joined.to_pydict() == whole.to_pydict()
    assert pa.concat_tables(read_batches("-", stdin=io.BytesIO(content))).equals(joined)


@pytest.mark.parametrize("ending", ["parquet", "arrow", "jsonl"])
def test_other_formats(tmp_path: Path, ending: str) -> None:
    table = pa.table({"n": list(range(120)), "s": [str(n) for n in range(120)]})
    write_in = {"parquet": write_parquet, "arrow": write_arrow, "jsonl": write_json_lines}[ending]
    path = write_in(table, tmp_path / f"table.{ending}")
    assert pa.concat_tables(read_batches(path)).equals(table)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TEXT + "1;2;3\n", "row 401 has 3 fields, but the header has 2"),
        (TEXT + '1;"2\n3;4\n', "row 401: the quote at the start of '2 3;4' .* is never closed"),
        ("a,b\n", "has a header but no rows"),
        ("", "is empty"),
        (TEXT + '1;"' + "x" * 5000, "has a row of more than 0 MB: is a quote never closed"),
        (b"PK\x03\x04...", "is an Excel"),
        (("a,b\n" + "1,2\n" * 999).encode() + b"\xe9,1\n", "is not text in utf-8 after its first lines"),
        (gzip.compress(TEXT.encode())[:-20], "is damaged"),
    ],
)
def test_refused(tmp_path: Path, content: bytes | str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        list(read_batches(str(write(tmp_path, content))))
    assert "\n" not in str(refused.value)


def test_bad_lines_are_named_or_skipped(tmp_path: Path) -> None:
    path = str(write(tmp_path, '{"a": 1}\n' * 70 + "x\n" + '{"a": 2}\n', "table.jsonl"))
    with pytest.raises(ValueError, match="line 71 is not valid JSON"):
        list(read_batches(path))
    skipped = pa.concat_tables(read_batches(path, ReadOptions(bad_rows="skip")))
    assert skipped.column("a").to_pylist() == [1] * 70 + [2]
    rows = pa.concat_tables(read_batches(str(write(tmp_path, TEXT + "1;2;3\n")), ReadOptions(bad_rows="skip")))
    assert rows.num_rows == 400
