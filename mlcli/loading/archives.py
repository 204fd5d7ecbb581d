"""Archives of data sets: one error for damaged ones, and a limit on the size of unpacked files."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def archive_errors(path: Path, what: str) -> Iterator[None]:
    """Within this context any exception becomes a ValueError: the file is not `what`."""
    try:
        yield
    except Exception as error:  # zipfile, tarfile and Pillow raise almost anything for damaged files
        raise ValueError(f"{path} is not {what} ({str(error) or type(error).__name__}).") from error


def read_member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """The content of a file in the archive. Raises ValueError if it has more than `most` bytes."""
    size = archive.getinfo(name).file_size
    if size > most:
        raise ValueError(f"{name} unpacks to {size:,} bytes, more than {most:,}")
    return archive.read(name)
