"""IDX files and their download, on small files served from loopback."""

import functools
import gzip
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mlcli.data import mnist as mnist_module
from mlcli.data.download import download
from mlcli.data.idx import FILES, IdxSource, load_idx, read_idx


def write_idx(path: Path, array: np.ndarray) -> None:
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(gzip.compress(header + array.tobytes(), mtime=0))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The four files: 6 training and 4 test images."""
    folder = tmp_path / "files"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for name, shape, top in zip(FILES, ((6, 28, 28), (6,), (4, 28, 28), (4,)), (256, 10, 256, 10), strict=True):
        write_idx(folder / name, generator.integers(0, top, shape, dtype=np.uint8))
    return folder


@pytest.fixture
def server(files: Path) -> Iterator[str]:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(files))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as http_server:
        threading.Thread(target=http_server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http_server.server_port}/"
        http_server.shutdown()


def source(url: str, files: Path, system: Path = Path("/nowhere")) -> IdxSource:
    sums = tuple(hashlib.md5((files / name).read_bytes()).hexdigest() for name in FILES)
    return IdxSource("small", url, sums, system, "dataset-small")  # type: ignore[arg-type]


def test_reads_what_was_written(tmp_path: Path) -> None:
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    write_idx(tmp_path / "a.gz", array)
    np.testing.assert_array_equal(read_idx(tmp_path / "a.gz"), array)


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"hello, this is no IDX"))
    with pytest.raises(ValueError, match="no IDX file"):
        read_idx(tmp_path / "a.gz")


def test_a_folder_of_the_users(files: Path) -> None:
    examples = mnist_module.mnist(folder=str(files))
    assert examples.inputs.shape == (10, 1, 28, 28)
    assert examples.inputs.max() <= 1
    assert examples.test is not None and examples.test.tolist() == [6, 7, 8, 9]


def test_download_is_checked_and_kept(
    files: Path, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLCLI_CACHE", str(tmp_path / "cache"))
    first = load_idx(source(server, files), tuple("0123456789"), "digit")
    assert len(first.inputs) == 10
    requests = capfd.readouterr().err.count("GET")
    assert requests == 4
    load_idx(source(server, files), tuple("0123456789"), "digit")
    assert capfd.readouterr().err.count("GET") == 0


def test_a_wrong_file_is_not_kept(files: Path, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCLI_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ValueError, match="not the file expected"):
        download(server + FILES[0], "0" * 32, "small")
    assert list((tmp_path / "cache" / "small").iterdir()) == []


def test_the_systems_folder_comes_before_a_download(files: Path) -> None:
    assert len(load_idx(source("http://127.0.0.1:9/", files, files), tuple("0123456789"), "digit").inputs) == 10


def test_out_of_reach_names_every_way(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCLI_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ValueError) as error:
        load_idx(source("http://127.0.0.1:9/", files), tuple("0123456789"), "digit")
    for word in ("apt-get install dataset-small", "data.folder=", "cannot be reached"):
        assert word in str(error.value)
