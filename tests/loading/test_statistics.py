"""Mean and deviation against numpy in double precision and scikit-learn's scaler."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from mlcli.data import breast_cancer, diabetes
from mlcli.loading.dataset import Examples
from mlcli.loading.make_dataset import make_dataset
from mlcli.loading.statistics import statistics
from mlcli.run.build import Parts, build
from mlcli.train.loop import Plan, Progress, fit
from tests.configs import run_config


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("scale", "place"), [(1.0, 0.0), (1e-9, 0.0), (1e-30, 0.0), (0.1, 1e6), (1e-3, 52.5)])
def test_every_scale_is_normalised_as_scikit_learn_does(scale: float, place: float) -> None:
    inputs = normal(3000, 4) * scale + place
    mean, std = statistics(inputs, "vector")
    scaler = StandardScaler().fit(inputs.double().numpy())
    assert std.numpy() == pytest.approx(scaler.scale_, rel=1e-6)
    assert ((mean.numpy() - scaler.mean_) / scaler.scale_) == pytest.approx(0, abs=max(1e-6, place * 6e-8 / scale))


@pytest.mark.parametrize("value", [0.0, 0.1, 52.5123, 1e-9, 1e6 + 0.1])
def test_constants_keep_their_scale(value: float) -> None:
    inputs = torch.full((100_003, 2), value)
    mean, std = statistics(inputs, "vector")
    assert torch.equal(std, torch.ones(2))
    assert torch.equal(mean, inputs[0])


def test_padding_does_not_count() -> None:
    inputs = normal(50, 6, 3) * torch.tensor([1.0, 1e-9, 0.0]) + torch.tensor([0.0, 0.0, 0.3])
    inputs[::2, 4:] = torch.nan
    mean, std = statistics(inputs, "sequence")
    known = inputs.double().numpy().reshape(-1, 3)
    known = known[~np.isnan(known[:, 0])]
    assert std[0].numpy() == pytest.approx([*known.std(0)[:2], 1.0], rel=1e-6)
    assert mean[0].numpy() == pytest.approx(known.mean(0), rel=1e-4, abs=1e-12)


def test_images_by_channel() -> None:
    images = normal(20, 2, 5, 5) * torch.tensor([3.0, 1e-10]).view(1, 2, 1, 1)
    mean, std = statistics(images, "image")
    assert std.shape == mean.shape == (2, 1, 1)
    assert std.flatten().numpy() == pytest.approx(images.double().numpy().std((0, 2, 3)), rel=1e-6)


def parts_of(*overrides: str) -> Parts:
    return build(run_config("device=cpu", *overrides))


def trained(parts: Parts, epochs: int) -> dict[str, float]:
    for _ in fit(parts.task, Plan(epochs=epochs, monitor="val/loss", higher=False), Progress()):
        pass
    return {name: float(value) for name, value in parts.task.evaluate("test").metrics.items()}


def test_features_of_a_tiny_scale_are_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = breast_cancer.breast_cancer()
    tiny = replace(whole, inputs=(whole.inputs - whole.inputs.mean(0)) / whole.inputs.std(0) * 1e-9)
    monkeypatch.setattr(breast_cancer, "breast_cancer", lambda **_: tiny)
    parts = parts_of("data=breast_cancer", "model=linear", "optimizer.lr=0.05")
    rows = {name: index.numpy() for name, index in parts.data.splits.items()}
    x, y = whole.inputs.numpy(), whole.targets.numpy()
    scaler = StandardScaler().fit(x[rows["train"]])
    theirs = LogisticRegression().fit(scaler.transform(x[rows["train"]]), y[rows["train"]])
    expected = theirs.score(scaler.transform(x[rows["test"]]), y[rows["test"]])
    assert trained(parts, 20)["accuracy"] == pytest.approx(expected, abs=0.02)


def test_targets_of_a_tiny_scale_are_learned_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for scale in (1.0, 1e-24):
        whole = diabetes.diabetes()
        scaled = replace(whole, targets=whole.targets * scale)
        monkeypatch.setattr(diabetes, "diabetes", lambda made=scaled, **_: made)
        found.append(trained(parts_of("task=regression", "data=diabetes", "model=linear"), 5))
        monkeypatch.undo()
    assert found[1]["r2"] == pytest.approx(found[0]["r2"], abs=1e-4)
    assert found[1]["loss"] == pytest.approx(found[0]["loss"], rel=1e-4)


def test_constant_targets_are_told_as_they_are() -> None:
    inputs, targets = normal(40, 2), torch.full((40,), 0.1)
    data = make_dataset(Examples("made", "vector", inputs, targets), val=0.2, test=0.2, seed=0)
    from mlcli.loading.adapter import adapt
    from mlcli.loading.loader import Loader
    from mlcli.task.regression import Regression

    loader = Loader(data, adapt("vector", (2,), ["vector"]), batch_size=8, seed=0, device=torch.device("cpu"))
    task = Regression(data, torch.nn.Linear(2, 1), None, loader)  # type: ignore[arg-type]  # not trained
    assert (float(task.mean), float(task.std)) == (pytest.approx(0.1), 1.0)
