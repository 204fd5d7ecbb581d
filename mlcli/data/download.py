"""Files from the network, checked, and kept where the user's caches are."""

import hashlib
import shutil
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from mlcli.data.cache import cache_folder

TIMEOUT = 20  # seconds without an answer


def download(url: str, md5: str, folder: str) -> Path:
    """The file behind `url`, from the cache if it is there; kept only if its MD5 is the one expected.

    Raises ValueError when it cannot be had or is not the right file.
    """
    path = cache_folder() / folder / url.rpartition("/")[2]
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        part = Path(file.name)
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
                shutil.copyfileobj(answer, file)
        except (urllib.error.URLError, OSError) as error:
            part.unlink()
            raise ValueError(f"{url} cannot be reached ({getattr(error, 'reason', error)}).") from error
    found = hashlib.md5(part.read_bytes(), usedforsecurity=False).hexdigest()
    if found != md5:
        part.unlink()
        raise ValueError(f"{url} is not the file expected: its MD5 is {found}, not {md5}.")
    part.replace(path)
    return path
