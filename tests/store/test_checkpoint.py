"""Checkpoints: exact, and always one whole checkpoint left, whatever happens to the files of the other."""

import hashlib
import json
import math
import os
import random
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from mlcli.store import checkpoint

DTYPES = [
    torch.bool,
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
]
PAYLOAD = struct.unpack(">d", bytes.fromhex("7ff8000000000123"))[0]  # a NaN of one's own
PLAIN = {
    "numbers": [0, -1, 2**80, 0.1, -0.0, 1e-310, math.inf, -math.inf, PAYLOAD],
    "nested": {"a": (1, ("b", None)), "empty": ([], (), {}), "text": "ä\n\u0000😀", "$mark": True},
    "keys": {0: "int", "0": "text", (1, 2): [False], None: b"\x00\xff", 1.5: b""},
}


def loaded(folder: Path, state: dict[str, Any]) -> dict[str, Any]:
    checkpoint.save(folder, state)
    found = checkpoint.latest(folder)
    assert found is not None
    return found


def test_plain_values_come_back_exactly(tmp_path: Path) -> None:
    found = loaded(tmp_path / "checkpoints", PLAIN)
    assert repr(found) == repr(PLAIN)  # tells -0.0, 1 and True, tuples and lists apart
    assert struct.pack(">d", found["numbers"][-1]) == struct.pack(">d", PAYLOAD)
    assert list(found["keys"]) == list(PLAIN["keys"])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (2, 3)], ids=str)
def test_tensors_come_back_exactly(tmp_path: Path, dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    tensor = (torch.randn(shape) * 3).to(dtype)
    found = loaded(tmp_path, {"t": tensor})["t"]
    assert found.dtype == dtype and found.shape == shape and torch.equal(found, tensor)


def test_shared_tensors_stay_shared(tmp_path: Path) -> None:
    tied = torch.randn(4, 4, requires_grad=True)
    state = {"a": tied, "b": [tied], "view": tied.view(-1), "part": tied[1], "transposed": tied.T, "nan": PAYLOAD}
    found = loaded(tmp_path, state)
    assert found["a"] is found["b"][0] and not found["a"].requires_grad
    for name in ("a", "view", "part", "transposed"):
        assert torch.equal(found[name], state[name].detach()), name


def test_tensors_of_the_same_name_are_kept_apart(tmp_path: Path) -> None:
    found = loaded(
        tmp_path, {"a.b": torch.zeros(2), "a": {"b": torch.ones(3)}, "c": {0: torch.ones(1), "0": torch.zeros(1)}}
    )
    assert found["a.b"].tolist() == [0, 0] and found["a"]["b"].tolist() == [1, 1, 1]
    assert found["c"][0].tolist() == [1] and found["c"]["0"].tolist() == [0]


def test_what_cannot_be_saved_is_named(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, {"whole": 1})
    circle: list[Any] = []
    circle.append(circle)
    for value, words in (
        (object(), "builtins.object at update.x"),
        ({1}, "builtins.set at update.x"),
        (circle, "contains itself"),
        (torch.eye(2).to_sparse(), "sparse"),
        (torch.zeros(2, dtype=torch.complex128), "complex128"),
    ):
        with pytest.raises(ValueError, match=words):
            checkpoint.save(tmp_path, {"update": {"x": value}})
    assert checkpoint.latest(tmp_path) == {"whole": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["000001"]


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    for number in range(5):
        checkpoint.save(tmp_path, {"number": number})
    assert [path.name for path in checkpoint.numbered(tmp_path)] == ["000004", "000005"]
    assert checkpoint.latest(tmp_path) == {"number": 4}
    checkpoint.keep(tmp_path, 0)
    assert not tmp_path.exists()
    assert checkpoint.latest(tmp_path) is None


def test_sha256sum_reads_the_checksums(tmp_path: Path) -> None:
    path = checkpoint.save(tmp_path, {"t": torch.ones(2)})
    command = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    if shutil.which("sha256sum"):
        subprocess.run(command, cwd=path, check=True)


def two(folder: Path) -> tuple[Path, int]:
    """Two checkpoints; the newest one, and its size."""
    for number in (1, 2):
        newest = checkpoint.save(folder, {"number": number, "weights": torch.full((40,), float(number)), **PLAIN})
    return newest, sum(path.stat().st_size for path in newest.iterdir())


def damaged_at(newest: Path, place: int, flip: int | None) -> None:
    """Cuts the file that has this byte of the checkpoint there, and removes the files after it; or flips its bits."""
    for path in sorted(newest.iterdir()):
        content = path.read_bytes()
        if place < 0 and flip is None:
            path.unlink()
        elif 0 <= place < len(content):
            changed = content[:place]
            if flip is not None:
                changed += bytes([content[place] ^ flip]) + content[place + 1 :]
            path.write_bytes(changed)
        place -= len(content)


@pytest.mark.parametrize("way", ["cut", "flipped"])
def test_damage_at_200_places_leaves_one_whole_checkpoint(tmp_path: Path, way: str) -> None:
    source, size = two(tmp_path / "source")
    chosen = random.Random(0)
    for place in sorted(chosen.sample(range(size), 200)):
        folder = tmp_path / f"{place}"
        shutil.copytree(source.parent, folder)
        damaged_at(folder / source.name, place, None if way == "cut" else chosen.randrange(1, 256))
        warnings: list[str] = []
        found = checkpoint.latest(folder, warnings.append)
        assert found is not None
        assert found["number"] == 1 and found["weights"].tolist() == [1.0] * 40
        assert len(warnings) == 1 and "000002 is damaged: " in warnings[0] and "\n" not in warnings[0]
        shutil.rmtree(folder)


def test_two_damaged_checkpoints_are_none(tmp_path: Path) -> None:
    newest, _ = two(tmp_path)
    for path in (newest, newest.with_name("000001")):
        (path / "state.json").write_bytes(b"")
    warnings: list[str] = []
    assert checkpoint.latest(tmp_path, warnings.append) is None
    assert len(warnings) == 2


@pytest.mark.parametrize(
    "tree",
    [
        '{"$tensor": "missing"}',
        '{"$tensor": ["t"]}',
        '{"$tensor": "t", "$tuple": []}',
        '{"$tuple": 3}',
        '{"$dict": [[1, 2, 3]]}',
        '{"$dict": [[[1], 2]]}',
        '{"$float": "zz"}',
        '{"$float": "00"}',
        '{"$bytes": 5}',
        '{"$unknown": 1}',
        "NaN",
        "[" * 5000,
        "9" * 5000,
        "5",
    ],
)
def test_what_anyone_may_have_written_is_one_error(tmp_path: Path, tree: str) -> None:
    folder = tmp_path / "000001"
    folder.mkdir()
    save_file({"t": torch.ones(1)}, folder / "tensors.safetensors")
    text = f'{{"format": 1, "state": {tree if tree == "5" else f"[{tree}]"}}}'
    (folder / "state.json").write_text(text)
    sums = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in ("tensors.safetensors", "state.json")
    }
    (folder / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()))
    with pytest.raises(ValueError, match="000001 is damaged: ") as error:
        checkpoint.read(folder)
    assert "\n" not in str(error.value) and len(str(error.value)) < 400


def test_later_formats_and_links_are_refused(tmp_path: Path) -> None:
    path = checkpoint.save(tmp_path / "c", {"a": 1})
    other = tmp_path / "other"
    shutil.copytree(path, other)
    (other / "state.json").write_text(json.dumps({"format": 2, "state": {}}))
    digest = hashlib.sha256((other / "state.json").read_bytes()).hexdigest()
    lines = [line for line in (other / "SHA256SUMS").read_text().splitlines() if "state.json" not in line]
    (other / "SHA256SUMS").write_text("\n".join([*lines, f"{digest}  state.json", ""]))
    with pytest.raises(ValueError, match="later version of mlcli"):
        checkpoint.read(other)
    (tmp_path / "c" / "000002").symlink_to(other)
    assert checkpoint.latest(tmp_path / "c") == {"a": 1}
    (path / "state.json").unlink()
    (path / "state.json").symlink_to(other / "state.json")
    assert checkpoint.latest(tmp_path / "c", lambda line: None) is None
    (tmp_path / "link").symlink_to(tmp_path / "c")
    with pytest.raises(OSError, match="link"):
        checkpoint.save(tmp_path / "link", {"a": 1})


# One process imports torch; its children save until they are killed.
SAVING = """
import os, random, signal, sys, time, torch
from pathlib import Path
from mlcli.store import checkpoint
chosen = random.Random(1)
for round in range(30):
    folder = Path(sys.argv[1]) / str(round)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        number = 0
        while True:
            number += 1
            checkpoint.save(folder, {"number": number, "weights": torch.full((50_000,), float(number))})
            os.write(writer, f"{number}\\n".encode())
    os.close(writer)
    said = os.read(reader, 100)
    time.sleep(chosen.uniform(0, 0.1))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while part := os.read(reader, 10_000):
        said += part
    os.close(reader)
    print(max(map(int, said.split())))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_kills_while_saving_leave_the_checkpoint_before(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SAVING, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert len(said) == 30
    for round, number in enumerate(said):
        found = checkpoint.latest(tmp_path / str(round), pytest.fail)
        assert found is not None
        assert found["number"] >= int(number)  # what it said was saved is
        assert bool((found["weights"] == found["number"]).all())
