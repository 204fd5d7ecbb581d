"""The MLP in Keras beside model=mlp, from the same start on the same batches."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mlcli.config.errors import ConfigError
from mlcli.run.build import Parts, build
from mlcli.run.finish import write_model
from mlcli.run.load import load_model
from tests.configs import run_config

SHAPE = ("data=digits", "model.width=16", "model.depth=3", "device=cpu")
PYTORCH = (*SHAPE, "model=mlp", "model.norm=none", "optimizer=sgd", "optimizer.lr=0.1")
pytestmark = pytest.mark.filterwarnings("ignore")


def built(*overrides: str) -> Parts:
    return build(run_config(*overrides))


def steps(parts: Parts, epochs: int) -> list[float]:
    return [float(parts.task.step(batch)["loss"]) for epoch in range(epochs) for batch in parts.task.batches(epoch)]


@pytest.mark.optional
def test_after_a_hundred_steps_equal_to_pytorch() -> None:
    ours, theirs = built(*SHAPE, "model=mlp_keras"), built(*PYTORCH)
    start = {name: tensor.clone() for name, tensor in theirs.model.state_dict().items()}
    assert all(torch.equal(tensor, start[name]) for name, tensor in ours.model.state_dict().items())
    assert steps(ours, 3) == pytest.approx(steps(theirs, 3), abs=1e-5)
    for name, tensor in theirs.model.state_dict().items():
        assert (tensor - start[name]).abs().max() > 1e-3
        torch.testing.assert_close(ours.model.state_dict()[name], tensor, rtol=0, atol=1e-5)
    assert float(ours.task.evaluate("val").metrics["loss"]) == pytest.approx(
        float(theirs.task.evaluate("val").metrics["loss"]), abs=1e-5
    )


@pytest.mark.optional
def test_weights_put_back_predict_the_same(tmp_path: Path) -> None:
    cfg = run_config(*SHAPE, "model=mlp_keras")
    parts = build(cfg)
    steps(parts, 1)
    write_model(tmp_path / "model", cfg, parts)
    raw = parts.data.examples.inputs[:20]
    expected, found = parts.predict(raw), load_model(tmp_path / "model").predict(raw)
    assert all(np.array_equal(found[name], column) for name, column in expected.items())


def test_without_tensorflow_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(ConfigError, match="run pip install keras tensorflow"):
        built(*SHAPE, "model=mlp_keras")
