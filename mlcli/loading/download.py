"""Files from the network, checked, and kept where the user's caches are."""

import hashlib
import http.client
import urllib.request
from pathlib import Path

from mlcli.config.cache_dir import cache_folder
from mlcli.files import write_atomic

TIMEOUT = 20  # seconds without an answer
LARGEST = 1 << 30  # bytes of a file
CHUNK = 1 << 20


def download(url: str, md5: str, folder: str) -> Path:
    """The file behind `url` (http or https), from the cache if it is there; kept only if its MD5 is the one expected.

    folder: its name in the cache. Raises ValueError when the file cannot be had, is not the right one, or cannot be
    kept.
    """
    name = url.rpartition("/")[2]
    if not url.startswith(("https://", "http://")) or not {folder, name}.isdisjoint({"", ".", ".."}) or "/" in folder:
        raise ValueError(f"{url} cannot be kept in {folder}: neither a web address nor the name of a folder.")
    path = cache_folder() / folder / name
    if path.exists():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_atomic(path, lambda part: _fetch(url, md5, part))
    except OSError as error:
        raise ValueError(
            f"{path.parent} cannot be written ({error}): set MLCLI_CACHE to a folder that can."
        ) from error


def _fetch(url: str, md5: str, part: Path) -> None:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer, part.open("wb") as file:
            while chunk := answer.read(CHUNK):
                if file.tell() + len(chunk) > LARGEST:
                    raise ValueError(f"{url} sends more than {LARGEST:,} bytes.")
                file.write(chunk)
    except (OSError, http.client.HTTPException) as error:
        raise ValueError(f"{url} cannot be reached ({getattr(error, 'reason', error)}).") from error
    found = hashlib.md5(part.read_bytes(), usedforsecurity=False).hexdigest()
    if found != md5:
        raise ValueError(f"{url} is not the file expected: its MD5 is {found}, not {md5}.")
