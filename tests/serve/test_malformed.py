"""Malformed files through the command: one line with the reason, exit status 2, no result."""

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from mlcli.cli.app import app
from mlcli.run.build import build
from mlcli.run.finish import write_model
from mlcli.serve import arrays, input_files
from tests.configs import run_config

RUNS = {
    "iris": ["data=iris"],
    "digits": ["data=digits", "model=mlp"],
    "series": ["task=regression", "data=adding", "data.examples=50", "model=gru", "model.hidden_size=4"],
    "texts": ["task=sequence_labelling", "data.examples=50", "data.length=9", "model.hidden_size=4"],
    "recall": ["data=recall", "data.examples=50", "model=gru", "model.hidden_size=4"],
    "lake": ["task=control", "data=frozen_lake"],
}
HEADER = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)"
ROW = "5.1,3.5,1.4,0.2"
FOUR = [5.1, 3.5, 1.4, 0.2]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Run folders with an untrained model each."""
    found = {}
    for name, overrides in RUNS.items():
        cfg = run_config("device=cpu", *overrides)
        folder = found[name] = tmp_path_factory.mktemp(name)
        write_model(folder / "model", cfg, build(cfg))
        if name == "series":  # no such data set ships
            described = folder / "model" / "model.json"
            described.write_text(described.read_text().replace('"padded": false', '"padded": true'))
        record = {"id": name, "name": name, "status": "FINISHED", "started": 0}
        (folder / "run.json").write_text(json.dumps(record))
    return found


def npy(header: str, content: bytes = b"") -> bytes:
    """A .npy file with an invalid header."""
    text = header.encode("latin-1").ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content


def saved(array: Any, pickled: bool = False) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=pickled)
    return file.getvalue()


def archive(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(f"{name}.npy", content)
    return file.getvalue()


def damaged(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + b"damage" + content[middle + 6 :]


def bomb() -> bytes:
    """A gigabyte of zeros, in a few megabytes."""
    file = io.BytesIO()
    header = npy(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({2**27 // 4}, 4)}}")
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made,
        made.open("inputs.npy", "w") as to,
    ):
        to.write(header)
        for _ in range(64):
            to.write(bytes(1 << 24))
    return file.getvalue()


def png(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A grey image whose header declares this size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        whole = kind + content
        return struct.pack(">I", len(content)) + whole + struct.pack(">I", zlib.crc32(whole))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def picture(**options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("L", (8, 8), 3).save(file, "PNG", **options)
    return file.getvalue()


def steps(count: int, value: Any = 0.5) -> list[list[Any]]:
    return [[value] * 2] * count


HUGE = "{'descr': '<f8', 'fortran_order': False, 'shape': (8000000000000, 4)}"
NESTED = "[" * 100_000
DIGITS = "9" * 5000
FILES: dict[str, tuple[str, str, Any, str]] = {
    # arrays
    "npy of 233 TiB": ("iris", "a.npy", npy(HUGE), "mmap length is greater than file size"),
    "npy cut short": ("iris", "a.npy", saved(np.zeros((9, 4)))[:-1], "mmap length is greater than file size"),
    "npy of text": ("iris", "a.npy", b"5.1,3.5", "magic string"),
    "npy empty": ("iris", "a.npy", b"", "a.npy: "),
    "npy with a broken header": ("iris", "a.npy", npy("{'descr': " + "(" * 50), "a.npy: "),
    "npy pickled": ("iris", "a.npy", saved(np.array([{}, 5], dtype=object), True), "a.npy: "),
    "npy of complex numbers": ("iris", "a.npy", saved(np.ones((2, 4), complex)), "type complex128"),
    "npy of dates": ("iris", "a.npy", saved(np.zeros((2, 4), "datetime64[s]")), "type datetime64[s]"),
    "npy of texts": ("iris", "a.npy", saved(np.array([["a"] * 4])), "type <U1"),
    "npy of records": ("iris", "a.npy", saved(np.zeros(2, [("x", "f8"), ("y", "f8")])), "where real numbers"),
    "npy of one number": ("iris", "a.npy", saved(np.float64(3)), "holds no row"),
    "npy without rows": ("iris", "a.npy", saved(np.zeros((0, 4))), "holds no row"),
    "npy beyond float32": ("iris", "a.npy", saved(np.full((2, 4), 1e300)), "row 1 has a gap, or a number that"),
    "npz damaged": ("iris", "a.npz", archive(inputs=saved(np.zeros((2, 4))))[:-30], "not a zip file"),
    "npz with flipped bytes": (
        "iris",
        "a.npz",
        lambda: damaged(archive(inputs=saved(np.random.default_rng(0).random((200, 4))))),
        "a.npz: ",
    ),
    "npz of something else": ("iris", "a.npz", archive(inputs=b"5.1,3.5"), "a.npz: "),
    "npz of two": ("iris", "a.npz", archive(x=saved(np.ones(1)), y=saved(np.ones(1))), "holds x, y: name the array"),
    "npz of none": ("iris", "a.npz", archive(), "holds nothing"),
    "npz of 233 TiB": ("iris", "a.npz", archive(inputs=npy(HUGE)), "a.npz: "),
    "npz pickled": ("iris", "a.npz", archive(inputs=saved(np.array([{}], object), True)), "allow_pickle=False"),
    "npz that is a bomb": ("iris", "a.npz", bomb, "unpacks to 1,073,741,952 bytes, more than 1,073,741,824"),
    # JSON
    "nested lists": ("iris", "a.json", NESTED, "is JSON that is nested too deeply"),
    "nested objects": ("iris", "a.json", '{"a":' * 100_000, "is JSON that is nested too deeply"),
    "lists in lists": ("iris", "a.json", "[" * 200 + "]" * 200, "not all numbers and of the same size"),
    "object and number": ("iris", "a.json", [{"a": 1}, 5], "row 2 names no columns, as other rows do"),
    "number and object": ("iris", "a.json", [5, {"a": 1}], "row 1 names no columns, as other rows do"),
    "text and number": ("iris", "a.json", ["a", 5], "is text"),
    "number": ("iris", "a.json", 5, "must hold a list of examples"),
    "null": ("iris", "a.json", None, "must hold a list of examples"),
    "text": ("iris", "a.json", {"inputs": "abc"}, "must hold a list of examples"),
    "a form of nothing": ("iris", "a.json", {"instances": None}, "must hold a list of examples"),
    "two forms": ("iris", "a.json", {"inputs": [FOUR], "instances": [FOUR]}, "exactly one of"),
    "5,000 digits": ("iris", "a.json", f"[[1, 2, 3, {DIGITS}]]", "a number with too many digits"),
    "4,000 digits": ("iris", "a.json", f"[[1, 2, 3, {DIGITS[:4000]}]]", "not all numbers"),
    "4,000 digits in a table": (
        "iris",
        "a.json",
        "[" + json.dumps(dict(zip(HEADER.split(","), FOUR, strict=True))).replace("0.2", DIGITS[:4000]) + "]",
        "a.json: ",
    ),
    "NaN": ("iris", "a.json", "[[1, 2, 3, NaN]]", "row 1 has a gap, or a number that is not finite"),
    "1e999": (
        "iris",
        "a.json",
        "[[1, 2, 3, 4], [1, 2, 3, 1e999]]",
        "row 2 has a gap, or a number that is not finite",
    ),
    "lists in cells": (
        "iris",
        "a.json",
        [{n: [1, 2] for n in HEADER.split(",")}],
        "holds [1, 2], where numbers",
    ),
    "objects in cells": ("iris", "a.json", [{name: {"a": 2} for name in HEADER.split(",")}], "a.json: "),
    "columns of numbers": ("iris", "a.json", {"inputs": {"columns": 5, "data": []}}, "must be a list of names"),
    "columns of lists": ("iris", "a.json", {"inputs": {"columns": [[1], [2]], "data": []}}, "a list of names"),
    "columns twice": (
        "iris",
        "a.json",
        {"dataframe_split": {"columns": [*HEADER.split(","), "sepal length (cm)"], "data": [[*FOUR, 9]]}},
        "column names more than once: 'sepal length (cm)'",
    ),
    "too few columns": (
        "iris",
        "a.json",
        {"dataframe_split": {"columns": HEADER.split(","), "data": [[1, 2]]}},
        "do not form a table",
    ),
    "columns of other lengths": ("iris", "a.json", {"inputs": {"a": [1], "b": [1, 2]}}, "do not form a table"),
    "columns of scalars": ("iris", "a.json", {"inputs": {"a": 1}}, "a list of values for each column"),
    "records of too many columns": (
        "iris",
        "a.json",
        lambda: json.dumps([{f"{row} {i}": 1 for i in range(9)} for row in range(9000)]).encode(),
        "describes 9,000 × 81,000 values",
    ),
    "JSON cut short": ("iris", "a.json", '{"inputs": [[1, 2', "is not valid JSON"),
    "JSON empty": ("iris", "a.json", "", "is not valid JSON"),
    "JSON not in UTF-8": ("iris", "a.json", b'["\xff"]', "is not text in UTF-8 (byte 3)"),
    "JSON with NUL bytes": ("iris", "a.json", '[["\0"]]', "is not valid JSON"),
    "half a surrogate": ("lake", "a.json", '["\\ud800"]', "row 1 names an unknown state '\\ud800'"),
    # tables
    "CSV empty": ("iris", "a.csv", "", "No columns to parse"),
    "CSV of blank lines": ("iris", "a.csv", "\n\n\n", "No columns to parse"),
    "CSV without rows": ("iris", "a.csv", f"{HEADER}\n", "holds no row"),
    "CSV with a longer row": ("iris", "a.csv", f"{HEADER}\n{ROW}\n{ROW},7\n", "Expected 4 fields in line 3, saw 5"),
    "CSV with a shorter row": ("iris", "a.csv", f"{HEADER}\n{ROW}\n5.1,3.5\n", "row 2 has a gap"),
    "CSV with columns twice": (
        "iris",
        "a.csv",
        f"{HEADER},sepal length (cm)\n{ROW},9\n",
        "has 1 column names more than once: 'sepal length (cm)'",
    ),
    "CSV with NUL bytes": ("iris", "a.csv", f"{HEADER}\n5.1\0,3.5,1.4,0.2\n", "a.csv: "),
    "CSV of NUL bytes": ("iris", "a.csv", bytes(100), "a.csv: "),
    "CSV not in UTF-8": ("iris", "a.csv", f"{HEADER},größe\n{ROW},1\n".encode("latin-1"), "is not text in UTF-8"),
    "CSV with an open quote": ("iris", "a.csv", f'{HEADER}\n"{ROW}\n', "a.csv: "),
    "CSV of shorter rows": (
        "iris",
        "a.csv",
        ",".join(map(str, range(2000))) + "\n" + "1\n" * 100_000,
        "describes 100,000 × 2,000 values",
    ),
    "CSV with a huge number": ("iris", "a.csv", f"{HEADER}\n5.1,3.5,1.4,{DIGITS}\n", "a.csv: "),
    "CSV with an infinite number": ("iris", "a.csv", f"{HEADER}\n5.1,3.5,1.4,1e999\n", "row 1 has a gap"),
    "CSV with a long word": ("iris", "a.csv", f"{HEADER}\n5.1,3.5,1.4,{'x' * 500}\n", f"{'x' * 59}…, where numbers"),
    # pictures
    "picture empty": ("digits", "a.png", b"", "cannot identify image file"),
    "picture of text": ("digits", "a.png", b"no picture", "cannot identify image file"),
    "picture cut short": ("digits", "a.png", picture()[:40], "a.png: "),
    "picture without pixels": ("digits", "a.png", png(8, 8), "a.png: "),
    "picture that is a bomb": ("digits", "a.png", png(20000, 20000), "declares too many pixels"),
    "picture of a large size": ("digits", "a.png", png(12000, 12000), "declares too many pixels"),
    "picture of another size": ("digits", "a.png", png(5000, 9), "has 5000 × 9 pixels where"),
    "picture animated": (
        "digits",
        "a.png",
        lambda: picture(save_all=True, append_images=[Image.new("L", (8, 8), 9)]),
        "is animated",
    ),
    "PostScript": ("digits", "a.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n", "cannot identify"),
    # texts
    "text not in UTF-8": ("texts", "a.txt", b"(\xff)", "is not text in UTF-8 (byte 2)"),
    "text empty": ("texts", "a.txt", "", "row 1 holds no text"),
    # sequences
    "gap between steps": ("series", "a.json", [steps(3) + steps(1, None) + steps(2)], "row 1 is empty, has a gap"),
    "gap in a step": ("series", "a.json", [steps(2), [*steps(2), [0.5, None]]], "row 2 is empty, has a gap"),
    "gap at the start": ("series", "a.json", [steps(1, None) + steps(2)], "row 1 is empty, has a gap"),
    "sequence of padding": ("series", "a.json", [steps(3), steps(3, None)], "row 2 is empty"),
    "sequence without steps": ("series", "a.json", [steps(3), []], "row 2 is empty"),
    "infinite step": ("series", "a.json", f"[[[{','.join(['1e999'] * 2)}]]]", "or a number that is not finite"),
    "sequence that is too long": ("series", "a.json", [steps(300)], "must be B × 50 × 2, not (1, 300, 2)"),
    "padding between tokens": ("texts", "a.json", [[2, 0, 3]], "row 1 is empty, or has padding"),
    "padding before tokens": ("texts", "a.json", [[0, 2, 3]], "row 1 is empty, or has padding"),
    "no tokens": ("texts", "a.json", [[2, 3], [0] * 9], "row 2 is empty, or has padding"),
    "padding where none was": ("recall", "a.json", [[1] * 9 + [0]], "row 1 is empty, or has padding"),
    # files
    "folder": ("iris", "folder.csv", None, "holds no image"),
    "folder of arrays": ("iris", "folder.npz", None, "holds no image"),
    "missing": ("iris", "missing.npy", ..., "No such file"),
    "missing picture": ("digits", "missing.png", ..., "No such file"),
    "other suffix": ("iris", "a.csv.gz", b"", "cannot be read: use a file .csv"),
    "no suffix": ("iris", "a", b"", "cannot be read: use a file .csv"),
    "control characters": ("iris", "a.csv", f"{HEADER}\n5.1,3.5,1.4,\x1b[2J\n", "'\\x1b[2J', where numbers"),
}


def make(path: Path, content: Any) -> None:
    if content is None and path.name.startswith("folder"):
        path.mkdir()
    elif callable(content):
        path.write_bytes(content())
    elif isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not ...:
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_bytes(text.encode())


@pytest.mark.parametrize("case", FILES)
def test_is_one_line(folders: dict[str, Path], tmp_path: Path, case: str, capfd: pytest.CaptureFixture[str]) -> None:
    run, name, content, reason = FILES[case]
    make(tmp_path / name, content)
    result = tmp_path / "result.csv"
    ended = CliRunner().invoke(app, ["predict", str(folders[run]), str(tmp_path / name), "-o", str(result)])
    assert ended.exit_code == 2, (ended.exception, ended.output)
    assert isinstance(ended.exception, SystemExit)
    assert ended.stdout == "" and ended.stderr.startswith(f"error: {tmp_path / name}"), ended.output
    assert ended.stderr.count("\n") == 1 and len(ended.stderr) < 500
    assert reason in ended.stderr
    assert "\x1b" not in ended.stderr
    assert not result.exists()
    assert capfd.readouterr().err == ""  # nothing but the line, from no library either


def test_the_number_of_a_row_counts_from_the_start_of_the_file(folders: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join([HEADER, *[ROW] * 3000, "5.1,,1.4,0.2", *[ROW] * 5]))
    ended = CliRunner().invoke(app, ["predict", str(folders["iris"]), str(path)])
    assert ended.exit_code == 2 and "row 3,001 has a gap" in ended.stderr


def test_limits_name_what_to_use_instead(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_files, "MAX_TEXT", 50)
    monkeypatch.setattr(arrays, "MAX_UNPACKED", 50)
    (tmp_path / "a.json").write_text(json.dumps([FOUR] * 3))
    np.savez(tmp_path / "a.npz", inputs=np.ones((3, 4)))
    for name in ("a.json", "a.npz"):
        ended = CliRunner().invoke(app, ["predict", str(folders["iris"]), str(tmp_path / name)])
        assert ended.exit_code == 2 and "more than 50: " in ended.stderr and ".npy" in ended.stderr


def test_large_arrays_are_read_from_disk_part_by_part(folders: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(saved(np.full((2000, 4), 1.5)))
    ended = CliRunner().invoke(app, ["predict", str(folders["iris"]), str(tmp_path / "a.npy")])
    assert ended.exit_code == 0 and ended.stdout.count("\n") == 2001
