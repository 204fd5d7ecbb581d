"""The format of checkpoints: the state of a training on disk, from which it continues.

A checkpoint is a folder whose name is a number: `tensors.safetensors`; `state.json`, a tree that names these tensors
(`mlcli.store.state_tree`); and `SHA256SUMS`, which `sha256sum -c` reads. There is no pickle, and all that is read is
untrusted.
"""

import hashlib
import json
import logging
import re
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from safetensors.torch import load
from safetensors.torch import save as to_bytes
from torch import Tensor

from mlcli.files import PART, open_plain
from mlcli.store.records import parse
from mlcli.store.state_tree import decode, encode
from mlcli.system import sync

FORMAT = 1
KEPT = 2
TENSORS, TREE, SUMS = "tensors.safetensors", "state.json", "SHA256SUMS"
NAME = re.compile(r"\d{6,15}")

log = logging.getLogger("mlcli")


def save(folder: Path, state: dict[str, Any], kept: int = KEPT) -> Path:
    """Adds a checkpoint to the folder, which is created if missing, and removes all but the last `kept`.

    The checkpoint is there whole or not at all, also after a power cut. Only one process may save at a time. Raises
    OSError, and ValueError for a state that cannot be restored exactly.
    """
    tree, tensors = encode(state)
    files = {TENSORS: _packed(tensors), TREE: json.dumps({"format": FORMAT, "state": tree}).encode()}
    files[SUMS] = "".join(f"{_digest(content)}  {name}\n" for name, content in files.items()).encode()
    if folder.is_symlink():
        raise OSError(f"{folder} is a link; links are not followed")
    folder.mkdir(exist_ok=True)
    _remove_parts(folder)
    known = numbered(folder)
    number = int(known[-1].name) + 1 if known else 1
    part, path = folder / f".{number:06}{PART}", folder / f"{number:06}"
    try:
        part.mkdir()
        for name, content in files.items():
            (part / name).write_bytes(content)
            sync(part / name)
        sync(part)
        part.rename(path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    sync(folder)
    keep(folder, kept)
    return path


def latest(folder: Path, warn: Callable[[str], None] = log.warning) -> dict[str, Any] | None:
    """The state of the newest checkpoint that is whole; None if there is none. `warn` receives a line for each
    damaged one that is left out."""
    for path in reversed(numbered(folder)):
        try:
            return read(path)
        except ValueError as error:
            warn(f"{error}; the checkpoint before it is used, if there is one")
    return None


def read(path: Path) -> dict[str, Any]:
    """The state of one checkpoint. Raises ValueError for a damaged one, and for one of a later version of mlcli."""
    try:
        sums = _lines(_content(path / SUMS))
        files = {name: _content(path / name) for name in (TENSORS, TREE)}
        for name, content in files.items():
            if sums.get(name) != _digest(content):
                raise ValueError(f"the checksum of {name} is wrong")
        found = parse(files[TREE])
        if not isinstance(found, dict) or not isinstance(found.get("format"), int):
            raise ValueError(f"{TREE} is no state")
        if found["format"] > FORMAT:
            raise ValueError(f"format {found['format']} of a later version of mlcli: upgrade mlcli")
        state = decode(found.get("state"), load(files[TENSORS]))
    except Exception as error:  # whatever a file of any content makes the parsers raise
        raise ValueError(f"{path} is damaged: {_reason(error)}") from error
    if not isinstance(state, dict):
        raise ValueError(f"{path} is damaged: {TREE} is no state")
    return state


def numbered(folder: Path) -> list[Path]:
    """The checkpoints of a folder, the oldest first. Links are left out."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if NAME.fullmatch(path.name) and not path.is_symlink()]
    return sorted(found, key=lambda path: int(path.name))


def keep(folder: Path, kept: int) -> None:
    """Removes all checkpoints but the last `kept`; for 0, the folder too."""
    known = numbered(folder)
    for path in known[: max(0, len(known) - kept)]:
        shutil.rmtree(path, ignore_errors=True)
    if not kept and not folder.is_symlink():
        _remove_parts(folder)
        with suppress(OSError):  # it holds something else, or does not exist
            folder.rmdir()


def _remove_parts(folder: Path) -> None:
    """Removes what a killed process left behind."""
    for path in folder.glob(f".*{PART}"):
        if not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)


def _packed(tensors: dict[str, Tensor]) -> bytes:
    """Tensors that share memory in part are stored separately. Raises ValueError for a tensor of a type that
    safetensors cannot hold."""
    owners = Counter(tensor.untyped_storage().data_ptr() for tensor in tensors.values())
    own = {
        name: tensor.clone() if owners[tensor.untyped_storage().data_ptr()] > 1 else tensor
        for name, tensor in tensors.items()
    }
    try:
        return bytes(to_bytes(own))
    except (KeyError, RuntimeError, TypeError) as error:
        dtypes = ", ".join(sorted({str(tensor.dtype) for tensor in tensors.values()}))
        raise ValueError(f"the state holds tensors that safetensors cannot hold ({dtypes})") from error


def _content(path: Path) -> bytes:
    with open_plain(path) as file:
        return file.read()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _lines(sums: bytes) -> dict[str, str]:
    """Digests by the name of a file."""
    pairs = (line.split("  ") for line in sums.decode().splitlines())
    return {name: digest for digest, name in pairs}


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split())[:200] or type(error).__name__
