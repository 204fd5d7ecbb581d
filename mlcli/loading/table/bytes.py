"""Files of text as UTF-8: what data.path names, and the encoding of the bytes."""

import codecs
import gzip
import zlib
from collections.abc import Sequence
from difflib import get_close_matches
from glob import glob
from pathlib import Path

Paths = str | Sequence[str] | None  # a file, a glob, or several of these
LONGEST_LINE = 16 << 20  # bytes
CHUNK = 16 << 20
SAMPLE = 1 << 16  # bytes that are searched for control characters
# First bytes of files that are no text, and what to use for them.
SIGNATURES = (
    (b"PK\x03\x04", "is an Excel, LibreOffice or ZIP file: save its sheet as CSV, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel file: save its sheet as CSV"),
    (b"PAR1", "is a Parquet file: use data=parquet"),
    (b"ARROW1", "is an Arrow file: use data=arrow"),
    (b"SQLite format 3", "is an SQLite database: use data=sql data.url=sqlite:///FILE"),
    (b"BZh", "is packed with bzip2: unpack it, or pack it with gzip"),
    (b"\xfd7zXZ", "is packed with xz: unpack it, or pack it with gzip"),
    (b"(\xb5/\xfd", "is packed with zstd: unpack it, or pack it with gzip"),
    (b"%PDF", "is a PDF file: save its table as CSV"),
)
WIDE = ("utf-16", "utf-32")  # encodings with zero bytes


def find_files(path: Paths) -> list[Path]:
    """The files that data.path names: a file, a glob or a list of these. Raises ValueError if there is none."""
    if path is None or path == "" or path == []:
        raise ValueError("data.path is not given: use data.path=FILE")
    if not isinstance(path, str):
        return [file for each in path for file in find_files(each)]
    file = Path(path).expanduser()
    if file.is_dir():
        raise ValueError(f"{path} is a folder: use a file in it, or data.path='{path.rstrip('/')}/*.csv'")
    if file.exists():
        return [file]
    found = [Path(each) for each in sorted(glob(str(file), recursive=True)) if Path(each).is_file()]  # noqa: PTH207 - also absolute
    if found:
        return found
    if any(sign in path for sign in "*?["):
        raise ValueError(f"no file matches data.path={path}")
    names = [each.name for each in file.parent.iterdir()] if file.parent.is_dir() else []
    near = get_close_matches(file.name, names, n=1)
    hint = f": did you mean {file.parent / near[0]}?" if near else ""
    raise ValueError(f"there is no file {path}{hint}")


def stem(file: Path) -> str:
    """houses.csv.gz → houses."""
    name = file.name.removesuffix(".gz")
    return name.rpartition(".")[0] or name


def read_bytes(file: Path) -> bytes:
    """The content of a file, unpacked if it is packed with gzip. Raises ValueError if it cannot be read."""
    try:
        data = file.read_bytes()
        return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error) as error:
        raise ValueError(f"{file} is damaged: its gzip data ends too early or is wrong") from error
    except MemoryError as error:
        raise ValueError(f"{file} needs more memory than is available") from error


def as_utf8(data: bytes, name: str, encoding: str = "auto") -> tuple[bytes, str]:
    """The text as UTF-8 without a byte-order mark, with lines that end in \\n, and the encoding it had.

    encoding: auto, or the name of a codec of Python. auto: by the byte-order mark, else UTF-8, else cp1252.
    Raises ValueError for files that are no text, and for lines of more than 16 MB.
    """
    for start, advice in SIGNATURES:
        if data.startswith(start):
            raise ValueError(f"{name} {advice}")
    found = find_encoding(data, name, encoding)
    if not found.startswith(WIDE):
        _check_is_text(data, name)
    if found != "utf-8":
        try:
            data = data.decode(found).encode()
        except UnicodeDecodeError as error:
            wrong = f"byte {error.start + 1:,} is not valid in it"
            raise ValueError(f"{name} is not text in {found} ({wrong}): use another data.encoding") from error
    elif encoding != "auto" and (wrong_at := _first_invalid(data)) is not None:
        raise ValueError(f"{name} is not text in utf-8 (byte {wrong_at + 1:,}): use data.encoding=auto")
    data = data.removeprefix(codecs.BOM_UTF8)
    _check_is_text(data, name)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    _check_lines(data, name)
    return data, found


def _known(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError as error:
        raise ValueError(f"data.encoding={encoding}: no such encoding; use auto, utf-8, utf-16 or cp1252") from error


def find_encoding(data: bytes, name: str, encoding: str = "auto") -> str:
    """The name of the encoding: as given, or by the bytes. Raises ValueError where they are no text, and for names
    that Python does not know."""
    if encoding != "auto":
        return _known(encoding)
    if data.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "utf-32"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    start = data[:SAMPLE]
    if start[1::2].count(0) > len(start) // 3:  # ASCII in UTF-16 without a mark
        return "utf-16-le"
    if start[::2].count(0) > len(start) // 3:
        return "utf-16-be"
    _check_is_text(data, name)
    at = _first_invalid(data)
    if at is None:
        return "utf-8"
    if not data[:at].isascii():
        line = data.count(b"\n", 0, at) + 1
        raise ValueError(
            f"{name}, line {line:,}: byte {at + 1:,} is not UTF-8, although the text before it is: correct the line, "
            f"or use data.encoding=cp1252"
        )
    return "cp1252"


def _first_invalid(data: bytes) -> int | None:
    """The index of the first byte that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, max(len(data), 1), CHUNK):
        kept = len(decoder.getstate()[0])
        try:
            decoder.decode(data[start : start + CHUNK], final=start + CHUNK >= len(data))
        except UnicodeDecodeError as error:
            return start - kept + error.start
    return None


def _check_is_text(data: bytes, name: str) -> None:
    start = data[:SAMPLE]
    controls = sum(start.count(code) for code in range(32) if code not in (9, 10, 12, 13, 26))
    if b"\x00" in data or controls > 4 + len(start) // 100:
        raise ValueError(f"{name} is a binary file, not a table of text")
    lower = start[:200].lstrip().lower()
    if lower.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise ValueError(f"{name} is a web page or XML, not a table: download the table itself")


def _check_lines(data: bytes, name: str) -> None:
    """Raises ValueError for a line of more than 16 MB."""
    start = 0
    while len(data) - start > LONGEST_LINE:
        end = data.rfind(b"\n", start, start + LONGEST_LINE)
        if end < 0:
            line = data.count(b"\n", 0, start) + 1
            raise ValueError(f"{name}, line {line:,} has more than 16 MB: is it a table with line breaks?")
        start = end + 1
