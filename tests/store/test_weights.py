"""Weights on disk: what is shared is saved once, and comes back under all names with the same bits."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from mlcli.store.weights import check_saveable, load_weights, save_weights
from mlcli.train.extra_state import decode, encode

STATISTICS = {"mean": torch.zeros(2), "std": torch.ones(2)}


def test_shared_tensors_are_saved_once(tmp_path: Path) -> None:
    tied = torch.randn(8, 4)
    weights = {"a": tied, "b": tied, "c": tied[:2], "d": tied.T, "e": torch.randn(4), "none": torch.empty(0)}
    save_weights(tmp_path / "w.safetensors", weights, STATISTICS)
    loaded, statistics = load_weights(tmp_path / "w.safetensors")
    assert loaded.keys() == weights.keys() and statistics.keys() == STATISTICS.keys()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in weights.items())
    stored = load_file(tmp_path / "w.safetensors")  # by safetensors alone
    assert "model.a" in stored and "model.b" not in stored and torch.equal(stored["model.c"], tied[:2])


def test_files_of_earlier_versions_load(tmp_path: Path) -> None:
    save_file({"model.a": torch.ones(3), "data.mean": torch.zeros(1), "data.std": torch.ones(1)}, tmp_path / "w")
    loaded, _ = load_weights(tmp_path / "w")
    assert torch.equal(loaded["a"], torch.ones(3))


@pytest.mark.parametrize("tensor", [torch.zeros(2, dtype=torch.complex128), torch.eye(2).to_sparse()])
def test_what_cannot_be_saved_is_named(tensor: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"layer\.w of this model is a tensor of torch.*cannot hold"):
        check_saveable({"a": torch.zeros(1), "layer.w": tensor})


def test_extra_state_round_trips() -> None:
    extra = {"a": [1, 2.5, None, True, "ä|json"], "b": (1, (2,)), "t": torch.arange(3), "inf": float("inf")}
    state = {"w": torch.zeros(2), "layer._extra_state": extra, "_extra_state": None}
    encoded = encode(state)
    assert all(isinstance(each, torch.Tensor) for each in encoded.values())
    restored = decode(encoded)
    assert restored.keys() == state.keys()
    other = restored["layer._extra_state"]
    assert torch.equal(other.pop("t"), extra.pop("t")) and other == extra and restored["_extra_state"] is None


@pytest.mark.parametrize("value", [{1: 2}, {1, 2}, b"x", object(), {"x": lambda: 1}])
def test_extra_state_that_needs_pickle_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="cannot be saved without pickle"):
        encode({"layer._extra_state": value})
