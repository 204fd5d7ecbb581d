"""Archives of data sets that are damaged, or unpack to far more than they should."""

import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from mlcli.data import omniglot
from mlcli.loading.archives import archive_errors, read_member


def test_a_member_that_is_too_large(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(1001))
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert len(read_member(archive, "a", 1001)) == 1001
        with pytest.raises(ValueError, match="a unpacks to 1,001 bytes, more than 1,000"):
            read_member(archive, "a", 1000)


@pytest.mark.parametrize(
    "error", [zipfile.BadZipFile("no zip"), KeyError("a"), SyntaxError("broken PNG"), MemoryError()]
)
def test_whatever_is_raised_names_the_file(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(ValueError, match=f"{tmp_path} is not an archive"), archive_errors(tmp_path, "an archive"):
        raise error


def picture(size: int) -> bytes:
    file = io.BytesIO()
    Image.new("1", (size, size)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (bytes(100_000), "unpacks to 100,000 bytes, more than 65,536"),
        (picture(5000), "has 5000 × 5000 pixels"),
        (b"no picture", "cannot identify image file"),
        (picture(105)[:45], "is not Omniglot's"),
    ],
    ids=["bomb", "large picture", "text", "cut short"],
)
def test_pictures_that_are_not_omniglots(tmp_path: Path, content: bytes, reason: str) -> None:
    for name in omniglot.MD5:
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{name[:-4]}/Greek/character01/0001_01.png", content)
    with pytest.raises(ValueError, match=reason):
        omniglot.omniglot(folder=str(tmp_path))
