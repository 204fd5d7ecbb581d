"""Downloads with a checksum, kept in the user's cache folder."""

import hashlib
import http.client
import urllib.request
from pathlib import Path

from mlcli.config.cache_dir import cached_file
from mlcli.files import write_atomic

TIMEOUT = 20  # seconds without data
LARGEST = 1 << 30  # bytes of a file
CHUNK = 1 << 20


def download(url: str, md5: str, folder: str) -> Path:
    """The file at `url` (http or https), from the cache if it is there. Kept only if its MD5 matches.

    folder: its folder in the cache. Raises ValueError if the file cannot be downloaded, does not match, or cannot be
    written.
    """
    name = url.rpartition("/")[2]
    if not url.startswith(("https://", "http://")) or not {folder, name}.isdisjoint({"", ".", ".."}) or "/" in folder:
        raise ValueError(f"{url} cannot be stored in {folder}: the URL must be http(s), the folder a single name.")
    path = cached_file(f"{folder}/{name}")
    if path.exists():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_atomic(path, lambda part: _fetch(url, md5, part))
    except OSError as error:
        raise ValueError(
            f"{path.parent} cannot be written ({error}): set MLCLI_CACHE to a writable folder."
        ) from error


def _fetch(url: str, md5: str, part: Path) -> None:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as response, part.open("wb") as file:
            while chunk := response.read(CHUNK):
                if file.tell() + len(chunk) > LARGEST:
                    raise ValueError(f"{url} is larger than {LARGEST:,} bytes.")
                file.write(chunk)
    except (OSError, http.client.HTTPException) as error:
        raise ValueError(f"{url} cannot be reached ({getattr(error, 'reason', error)}).") from error
    found = hashlib.md5(part.read_bytes(), usedforsecurity=False).hexdigest()
    if found != md5:
        raise ValueError(f"{url} is not the expected file: its MD5 is {found}, not {md5}.")
