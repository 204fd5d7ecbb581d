"""YAML that somebody else wrote is read within limits, or refused in one line."""

import time
from itertools import pairwise
from pathlib import Path

import pytest

from mlcli.config.stored import has_interpolation, read_yaml

BOMB = "a: &a [x, x]\n" + "".join(f"{new}: &{new} [*{old}, *{old}]\n" for old, new in pairwise("abcdefgh"))
BAD = {
    "alias bomb": BOMB,
    "merge": "a: &a {b: 1}\nc: {<<: *a}\n",
    "deep lists": "[" * 200_000,
    "deep blocks": "".join(f"{' ' * level}a:\n" for level in range(200)),
    "compact lists": "- " * 100_000 + "x",
    "no YAML": "a: [1\nb: 2",
    "a tab": "a:\n\t- b",
    "tag": "a: !!python/object/apply:os.system ['touch x']",
    "binary": "\0\1\2",
    "long number": f"a: {':'.join(['1'] * 100_000)}",
    "long digits": f"a: {'9' * 5_000}",
    "several documents": "a: 1\n---\nb: 2\n",
    "large": "a: 1\n" * 2_000_000,
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_refused_at_once_and_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    began = time.process_time()
    with pytest.raises(ValueError, match="not a config that mlcli wrote") as error:
        read_yaml(path)
    assert time.process_time() - began < 2
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_no_text(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="not a config"):
        read_yaml(tmp_path / "config.yaml")


def test_numbers_and_dates_as_omegaconf_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("a: 1e-5\nb: 1.0e-05\nc: '1e-5'\nd: 2020-01-01\ne: .5\nf: 3\ng: 1_0e1\nh: e5\ni: true\n")
    wanted = {
        "a": 1e-5,
        "b": 1e-5,
        "c": "1e-5",
        "d": "2020-01-01",
        "e": 0.5,
        "f": 3,
        "g": 100.0,
        "h": "e5",
        "i": True,
    }
    assert read_yaml(path) == wanted


def test_interpolations_are_found_everywhere() -> None:
    for node in ("${a}", {"a": ["x", "a${b}"]}, {"${a}": 1}, [[{"a": ("${b}",)}]]):
        assert has_interpolation(node)
    assert not has_interpolation({"a": ["$", "{b}", 1, None]})


@pytest.mark.parametrize("number", ["9" * 5000, "0x" + "f" * 20_000, "1:" + "1:" * 9000 + "1"])
def test_a_whole_number_that_cannot_be_printed(tmp_path: Path, number: str) -> None:
    (tmp_path / "config.yaml").write_text(f"x: {number}\n")
    with pytest.raises(ValueError, match="not a config that mlcli wrote"):
        read_yaml(tmp_path / "config.yaml")
