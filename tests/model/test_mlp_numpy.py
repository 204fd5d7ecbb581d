"""The MLPs that take their own steps, in NumPy and in PyTorch, beside model=mlp: one start and the same batches."""

import numpy as np
import pytest
import torch

from mlcli.model.mlp_numpy import MLPNumpy
from mlcli.run.build import Parts, build
from tests.configs import run_config

SHAPE = ("data=digits", "model.width=32", "model.depth=3", "device=cpu")
PYTORCH = (*SHAPE, "model=mlp", "model.norm=none", "optimizer=sgd", "optimizer.lr=0.1")


def built(*overrides: str) -> Parts:
    return build(run_config(*overrides))


def steps(parts: Parts, count: int, dtype: torch.dtype) -> list[float]:
    losses: list[float] = []
    epoch = 0
    while len(losses) < count:
        for inputs, targets in parts.task.batches(epoch):
            losses.append(float(parts.task.step((inputs.to(dtype), targets))["loss"]))
        epoch += 1
    return losses


@pytest.mark.parametrize("model", ["mlp_numpy", "mlp_pytorch"])
@pytest.mark.parametrize(("dtype", "close"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_after_a_hundred_steps_equal_to_pytorch(dtype: torch.dtype, close: float, model: str) -> None:
    ours, theirs = built(*SHAPE, f"model={model}"), built(*PYTORCH)
    start = {name: tensor.clone() for name, tensor in theirs.model.state_dict().items()}
    assert all(torch.equal(tensor, start[name]) for name, tensor in ours.model.state_dict().items())
    for parts in (ours, theirs):
        parts.model.to(dtype)
    assert steps(ours, 100, dtype) == pytest.approx(steps(theirs, 100, dtype), rel=close * 10)
    for name, tensor in theirs.model.state_dict().items():
        assert (tensor - start[name]).abs().max() > 1e-3
        torch.testing.assert_close(ours.model.state_dict()[name], tensor, rtol=0, atol=close)


def test_its_weights_are_those_of_an_mlp() -> None:
    theirs, ours = built(*PYTORCH).model, built(*SHAPE, "model=mlp_numpy", "trainer.seed=1").model
    ours.load_state_dict(theirs.state_dict())
    inputs = torch.randn(5, 64)
    torch.testing.assert_close(ours(inputs), theirs(inputs))


def test_classes_alone_and_no_weights() -> None:
    with pytest.raises(ValueError, match="use model=mlp"):
        MLPNumpy((3,), 1)
    with pytest.raises(ValueError, match=r"use trainer\.class_weights=null"):
        built(*SHAPE, "model=mlp_numpy", "trainer.class_weights=balanced")
    assert np.isfinite(MLPNumpy((3,), 2)(torch.ones(2, 3)).numpy()).all()
