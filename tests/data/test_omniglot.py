"""Omniglot's archives, on small ones served from loopback."""

import functools
import hashlib
import http.server
import io
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlcli.data import omniglot as module

ALPHABETS = {"images_background.zip": ("Greek", "Latin"), "images_evaluation.zip": ("Tifinagh",)}


def png(seed: int) -> bytes:
    """105 × 105 pixels of black and white, as the original's, with ink in the upper left corner."""
    drawn = np.random.default_rng(seed).random((105, 105)) < 0.5
    drawn[:15, :15] = False  # black
    file = io.BytesIO()
    Image.fromarray(drawn).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two characters of each of three alphabets, by four people."""
    for name, alphabets in ALPHABETS.items():
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for alphabet in alphabets:
                for number, person in np.ndindex(2, 4):
                    path = f"{name[:-4]}/{alphabet}/character{number + 1:02}/{number:04}_{person:02}.png"
                    archive.writestr(path, png(10 * number + person))
    return tmp_path


def test_reads_images_by_character_and_alphabet(folder: Path) -> None:
    examples = module.omniglot(folder=str(folder))
    assert examples.classes == ("Greek/01", "Greek/02", "Latin/01", "Latin/02", "Tifinagh/01", "Tifinagh/02")
    assert examples.inputs.shape == (24, 1, 28, 28)
    assert examples.targets.bincount().tolist() == [4] * 6
    assert examples.groups is not None and examples.groups.unique_consecutive().tolist() == [0, 1, 2]
    assert (examples.inputs[:, :, :4, :4] == 1).all()  # ink
    assert 0.4 < examples.inputs[:, :, 5:, 5:].mean() < 0.6


def test_download_is_parsed_once(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("MLCLI_CACHE", str(tmp_path / "cache"))
    sums = {name: hashlib.md5((folder / name).read_bytes()).hexdigest() for name in ALPHABETS}
    monkeypatch.setattr(module, "MD5", sums)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(module, "URL", f"http://127.0.0.1:{server.server_port}/")
        first = module.omniglot()
        server.shutdown()
    monkeypatch.setattr(module, "_parse", lambda archives: pytest.fail("parsed again"))
    assert module.omniglot().inputs.equal(first.inputs)


def test_what_is_missing_or_damaged(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"lacks images_background\.zip"):
        module.omniglot(folder=str(tmp_path / "nowhere"))
    (folder / "images_evaluation.zip").write_bytes(b"no archive")
    with pytest.raises(ValueError, match="is not Omniglot's"):
        module.omniglot(folder=str(folder))


def test_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("MLCLI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "URL", "http://127.0.0.1:9/")
    with pytest.raises(ValueError, match=r"use data\.folder=FOLDER, or use data=glyphs"):
        module.omniglot()
