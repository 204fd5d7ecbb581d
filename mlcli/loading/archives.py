"""Archives that data sets come in: damaged ones are one error, and none unpacks to more than its limit."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Whatever is raised meanwhile becomes a ValueError: the file is not `what` it should be."""
    try:
        yield
    except Exception as error:  # zipfile, tarfile and Pillow raise almost anything for damaged files
        raise ValueError(f"{path} is not {what} ({str(error) or type(error).__name__}).") from error


def unpacked(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A file of the archive. Raises ValueError if it has more than `most` bytes."""
    size = archive.getinfo(name).file_size
    if size > most:
        raise ValueError(f"{name} unpacks to {size:,} bytes, more than {most:,}")
    return archive.read(name)
