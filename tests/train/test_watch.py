"""Norms of gradients by layer, against those that a backward pass leaves."""

import pytest
import torch

from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.run.build import Parts, build
from mlcli.train.watch import gradients


def parts_of(*overrides: str) -> Parts:
    with hydra_session() as hydra:
        return build(to_run(compose(hydra, ["device=cpu", "data=iris", "model.width=8", *overrides])))


def test_gradient_norms_are_those_of_a_backward_pass() -> None:
    parts = parts_of("model.dropout=0.5")
    norms = gradients(parts.task)
    assert list(norms) == ["hidden.0.linear", "hidden.0.norm", "hidden.1.linear", "hidden.1.norm", "head"]
    parts.model.eval()
    task: object = parts.task
    loader = parts.task.loader  # type: ignore[attr-defined]
    task.loss(*next(iter(loader.split("train")))).backward()  # type: ignore[attr-defined]
    layer = dict(parts.model.named_modules())["hidden.0.linear"]
    expected = torch.cat([p.grad.flatten() for p in layer.parameters() if p.grad is not None]).norm()
    assert float(norms["hidden.0.linear"]) == pytest.approx(float(expected), rel=1e-5)
