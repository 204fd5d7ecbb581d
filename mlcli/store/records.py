"""Reads and writes the JSON files of run folders.

Written whole or not at all, without credentials. Read within limits, as plain files only, and checked against the
schema of each file (`mlcli.store.record_schemas`): anyone may have written them.
"""

import errno
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from mlcli.config.errors import ConfigError
from mlcli.config.redact import redacted
from mlcli.files import open_plain, overwrite, read_plain, write_atomic
from mlcli.store import record_schemas
from mlcli.store.format import is_newer, newer_reason

LARGEST = 64 * 2**20  # bytes of a file,
LARGEST_LISTED = 2**20  # and of those that `mlcli runs` reads of every run
LARGEST_JOURNAL = 2**29
RECORDS = ("run.json", "sweep.json")
LISTED = (*RECORDS, ".mlflow.json", ".tensorboard.json")
DEEPEST = 50  # levels of nesting
_JSON = json.JSONEncoder(allow_nan=False)


class Damaged(ConfigError):
    """A record that mlcli cannot have written. `reason` is without the folder."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is damaged: {reason}")
        self.reason = f"{path.name}: {reason}"


class NewerFormat(Damaged):
    """A record of a later version of mlcli."""

    def __init__(self, path: Path, content: dict[str, Any]) -> None:
        environment = try_read_json(path.with_name("environment.json")) or {}
        reason = newer_reason(content, environment.get("mlcli"))
        ConfigError.__init__(self, f"{path}: {reason}")
        self.reason = reason


def read_json(path: Path) -> Any:
    """The content of a JSON file. Raises FileNotFoundError, NewerFormat, or Damaged for one that cannot be read or
    does not fit the schema of its name."""
    try:
        content = parse(read_plain(path, LARGEST_LISTED if path.name in LISTED else LARGEST))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Damaged(path, reason) from error
    if path.name in RECORDS and is_newer(content):
        raise NewerFormat(path, content)
    check = record_schemas.RECORDS.get(path.name, record_schemas.anything)
    if problem := check(content):
        raise Damaged(path, problem)
    return content


def try_read_json(path: Path) -> dict[str, Any] | None:
    """A record; None where there is none or it is damaged."""
    try:
        content = read_json(path)
    except (OSError, Damaged):
        return None
    return content if isinstance(content, dict) else None


def parse(content: bytes) -> Any:
    """Raises ValueError for what is not JSON, for NaN and infinities, and for nesting deeper than DEEPEST."""
    try:
        found = json.loads(content.decode(), parse_constant=_not_a_number)
    except RecursionError:
        raise ValueError(f"nested deeper than {DEEPEST} levels") from None
    except UnicodeDecodeError:
        raise ValueError("not text in UTF-8") from None
    except ValueError as error:
        raise ValueError(f"no JSON ({error})" if content.strip() else "empty") from None
    level = [found]
    for _ in range(DEEPEST):
        nodes = (node.values() if isinstance(node, dict) else node for node in level if isinstance(node, dict | list))
        level = [child for node in nodes for child in node if isinstance(child, dict | list)]
        if not level:
            return found
    raise ValueError(f"nested deeper than {DEEPEST} levels")


def _not_a_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def read_lines(journal: Path, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The complete lines of a journal from an offset in bytes on, and the offset of their end. A line that was cut
    off when a process was killed, and any other that is not a line of a journal, is left out."""
    try:
        with open_plain(journal) as file:
            file.seek(offset)
            new = file.read(LARGEST_JOURNAL)
    except (OSError, ValueError):
        return [], offset
    complete = new[: new.rfind(b"\n") + 1]
    lines = [line for each in complete.splitlines() if (line := _line(each)) is not None]
    return lines, offset + len(complete)


def _line(content: bytes) -> dict[str, Any] | None:
    try:
        found = parse(content)
    except ValueError:
        return None
    return None if record_schemas.line(found) else found


def write_json(path: Path, content: Any, durable: bool = False) -> None:
    """Whole or not at all, without credentials; NaN and infinities become null. On a full disk an existing file is
    overwritten in place."""
    content = redacted(content)
    try:
        text = to_json(content)
    except ValueError:
        text = to_json(finite(content))
    try:
        write_atomic(path, text, durable=durable)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not path.exists():
            raise
        overwrite(path, text.encode())


def to_json(content: Any, levels: int = 2, indent: str = "") -> str:
    """JSON with one line for each entry of a dictionary, for the upper `levels` of nesting. Raises ValueError for
    NaN and infinities."""
    # json's own `indent` would select its encoder in Python rather than the one in C.
    if not (isinstance(content, dict) and content and levels):
        return _JSON.encode(content)
    entries = [
        f"{indent} {_JSON.encode(str(key))}: {to_json(each, levels - 1, f'{indent} ')}"
        for key, each in content.items()
    ]
    return "{\n" + ",\n".join(entries) + f"\n{indent}}}"


def finite(content: Any) -> Any:
    """Plain data with None for NaN and infinities."""
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, Mapping):
        return {key: finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite(value) for value in content]
    return content


def flatten(node: Any, prefix: str = "") -> dict[str, Any]:
    """Nested settings as dotted keys."""
    if not isinstance(node, dict):
        return {prefix[:-1]: node}
    return {key: value for name, child in node.items() for key, value in flatten(child, f"{prefix}{name}.").items()}
