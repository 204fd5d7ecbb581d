"""Reads the records of run folders: within limits, of plain files alone, and as what they have to be."""

import json
from pathlib import Path
from typing import Any, NoReturn

from mlcli.config.errors import ConfigError
from mlcli.files import open_plain, read_plain
from mlcli.store import checks

LARGEST = 64 * 2**20  # bytes of a file,
LARGEST_LISTED = 2**20  # and of those that are read of every run in order to list it
LARGEST_JOURNAL = 2**29
LISTED = ("run.json", "sweep.json", ".mlflow.json", ".tensorboard.json")
DEEPEST = 50  # levels of nesting


class Damaged(ConfigError):
    """A record that cannot be what mlcli wrote. `reason` is without the path."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is damaged: {reason}")
        self.reason = f"{path.name}: {reason}"


def read_record(path: Path) -> Any:
    """A JSON file of a run folder. Raises FileNotFoundError, or Damaged for one that cannot be read or is not what a
    file of this name has to be."""
    try:
        content = parse(read_plain(path, LARGEST_LISTED if path.name in LISTED else LARGEST))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Damaged(path, reason) from error
    check = checks.RECORDS.get(path.name, checks.anything)
    if problem := check(content):
        raise Damaged(path, problem)
    return content


def parse(content: bytes) -> Any:
    """Raises ValueError for what is no JSON, for NaN and infinities, and for what is nested deeper than DEEPEST."""
    try:
        found = json.loads(content.decode(), parse_constant=_no_number)
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


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def load(path: Path) -> dict[str, Any] | None:
    """A record, None where there is none or it is damaged."""
    try:
        content = read_record(path)
    except (OSError, Damaged):
        return None
    return content if isinstance(content, dict) else None


def read_lines(journal: Path, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The journal's whole lines from a place on, and where they end. Those that a kill cut off, on top of which a
    resumed run has written its next, are left out, as is whatever else is no line of a journal."""
    try:
        with open_plain(journal) as file:
            file.seek(offset)
            new = file.read(LARGEST_JOURNAL)
    except (OSError, ValueError):
        return [], offset
    whole = new[: new.rfind(b"\n") + 1]
    return [line for each in whole.splitlines() if (line := _line(each)) is not None], offset + len(whole)


def _line(content: bytes) -> dict[str, Any] | None:
    try:
        found = parse(content)
    except ValueError:
        return None
    return None if checks.line(found) else found
