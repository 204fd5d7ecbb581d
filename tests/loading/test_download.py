"""Downloads read the web alone, and write into the cache alone."""

import hashlib
from pathlib import Path

import pytest

from mlcli.loading.download import download


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("file:///{}", "names"),
        ("ftp://127.0.0.1/x", "names"),
        ("http://127.0.0.1:9/x", "/{}"),
        ("http://127.0.0.1:9/x", "../names"),
        ("http://127.0.0.1:9/x", ".."),
        ("http://127.0.0.1:9/..", "names"),
        ("http://127.0.0.1:9/", "names"),
    ],
)
def test_other_sources_and_places_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, folder: str
) -> None:
    monkeypatch.setenv("MLCLI_CACHE", str(tmp_path / "cache"))
    (tmp_path / "file").write_text("content")
    md5 = hashlib.md5(b"content", usedforsecurity=False).hexdigest()
    with pytest.raises(ValueError, match="cannot be stored"):
        download(url.format(tmp_path / "file"), md5, folder.format(tmp_path))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file"]
