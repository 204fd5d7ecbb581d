"""IDX files and their download, on small files served from loopback."""

import functools
import gzip
import hashlib
import http.server
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mlcli.data import mnist as mnist_module
from mlcli.loading.download import download
from mlcli.loading.idx import FILES, IdxSource, load_idx, read_idx


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


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback stays loopback on machines whose environment names a proxy."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


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
    with pytest.raises(ValueError, match="not an IDX file"):
        read_idx(tmp_path / "a.gz")


GOOD = bytes([0, 0, 8, 1]) + np.array([4], ">u4").tobytes() + b"abcd"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD, "cannot be decompressed"),
        (gzip.compress(GOOD)[:-9], "cannot be decompressed"),
        (gzip.compress(b"\0"), "not an IDX file"),
        (gzip.compress(GOOD[:6]), "not an IDX file"),
        (gzip.compress(GOOD[:-1]), "has 3 values instead of 4"),
        (gzip.compress(GOOD + b"e"), "has more than 4 values instead of 4"),
        (gzip.compress(bytes([0, 0, 8, 3]) + b"\xff" * 12), "declares 79,228,162,458,924,105,385,300,197,375 values"),
    ],
    ids=["not packed", "cut short", "almost empty", "half a header", "a value short", "a value more", "huge"],
)
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_idx(tmp_path / "a.gz")


def test_no_more_is_unpacked_than_the_header_says(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(GOOD + bytes(100 << 20), compresslevel=1))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="has more than 4 values"):
            read_idx(tmp_path / "a.gz")
        assert tracemalloc.get_traced_memory()[1] < 5 << 20
    finally:
        tracemalloc.stop()


def test_a_download_has_an_end(files: Path, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCLI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("mlcli.loading.download.LARGEST", 1000)
    with pytest.raises(ValueError, match="is larger than 1,000 bytes"):
        download(server + FILES[0], "0" * 32, "small")
    assert list((tmp_path / "cache" / "small").iterdir()) == []


def test_labels_of_other_images_are_refused(files: Path) -> None:
    write_idx(files / FILES[1], np.zeros(5, np.uint8))
    with pytest.raises(ValueError, match="numbers of images and labels differ"):
        mnist_module.mnist(folder=str(files))


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
    with pytest.raises(ValueError, match="not the expected file"):
        download(server + FILES[0], "0" * 32, "small")
    assert list((tmp_path / "cache" / "small").iterdir()) == []


def test_an_answer_that_is_not_http_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCLI_CACHE", str(tmp_path / "cache"))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(b"no such protocol\r\n\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with pytest.raises(ValueError, match="cannot be reached"):
            download(f"http://127.0.0.1:{listener.getsockname()[1]}/a.gz", "0" * 32, "small")
        thread.join()
    assert list((tmp_path / "cache" / "small").iterdir()) == []


def test_a_cache_that_cannot_be_written_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MLCLI_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ValueError, match="set MLCLI_CACHE"):
        download("http://127.0.0.1:9/a.gz", "0" * 32, "small")


def test_the_systems_folder_comes_before_a_download(files: Path) -> None:
    assert len(load_idx(source("http://127.0.0.1:9/", files, files), tuple("0123456789"), "digit").inputs) == 10


def test_out_of_reach_names_every_way(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCLI_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ValueError) as error:
        load_idx(source("http://127.0.0.1:9/", files), tuple("0123456789"), "digit")
    for word in ("apt-get install dataset-small", "data.folder=", "cannot be reached"):
        assert word in str(error.value)
