"""MNIST-1D is what its package generates, and its absence is one clear line."""

from pathlib import Path

import numpy as np
import pytest

from mlcli.data import mnist1d as module


def test_is_what_the_package_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mnist1d import data as package

    monkeypatch.setenv("MLCLI_CACHE", str(tmp_path))
    before = np.random.get_state()[1].copy()
    examples = module.mnist1d()
    assert (before == np.random.get_state()[1]).all()
    assert examples.inputs.shape == (5000, 40, 1) and examples.test.tolist() == list(range(4000, 5000))
    made = package.make_dataset()
    np.testing.assert_allclose(examples.inputs[4000:, :, 0].numpy(), made["x_test"], rtol=1e-5)
    np.testing.assert_array_equal(examples.targets[:4000].numpy(), made["y"])


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install mnist1d"):
        module.mnist1d()
