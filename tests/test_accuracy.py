"""Accuracy of the default settings on the test split, for several seeds."""

import pytest

from mlcli.run.build import build
from mlcli.train.loop import Plan, Progress, fit
from tests.configs import run_config


def accuracy(*overrides: str) -> float:
    """Test accuracy of the weights with the best val/loss, as `mlcli train` reports it."""
    cfg = run_config("device=cpu", *overrides)
    parts, progress = build(cfg), Progress()
    for _ in fit(parts.task, Plan(epochs=cfg.trainer.epochs, monitor="val/loss", higher=False), progress):
        pass
    parts.task.load_state_dict({"model": progress.best_weights})
    return float(parts.task.evaluate("test").metrics["accuracy"])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("model", "least"), [("linear", 0.93), ("mlp", 0.965), ("cnn", 0.975), ("lstm", 0.95)])
def test_digits(model: str, least: float, seed: int) -> None:
    assert accuracy(f"model={model}", f"trainer.seed={seed}") >= least


@pytest.mark.slow
def test_mnist_sample() -> None:
    assert accuracy("model=cnn", "data=mnist_sample", "trainer.epochs=4") >= 0.96


@pytest.mark.slow
def test_diabetes_matches_least_squares() -> None:
    """Linear regression by gradient descent against the closed form, on the same split."""
    import numpy as np
    from sklearn.linear_model import LinearRegression
    from sklearn.metrics import r2_score

    overrides = ["task=regression", "data=diabetes", "device=cpu", "trainer.epochs=60", "optimizer.lr=0.02"]
    cfg = run_config(*overrides)
    parts, progress = build(cfg), Progress()
    for _ in fit(parts.task, Plan(epochs=60, monitor="val/loss", higher=False), progress):
        pass
    inputs, targets = parts.data.examples.inputs.numpy(), parts.data.examples.targets.numpy()
    train, test = (parts.data.splits[name].numpy() for name in ("train", "test"))
    closed = LinearRegression().fit(inputs[train].astype(np.float64), targets[train])
    reference = r2_score(targets[test], closed.predict(inputs[test]))
    assert float(parts.task.evaluate("test").metrics["r2"]) == pytest.approx(reference, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "split", "r2"),
    [(["data.last=20", "split.val=0.003"], "test", 0.585), (["split.val=0.003", "split.test=0.003"], "train", 0.518)],
)
def test_diabetes_matches_the_documentation_of_scikit_learn(overrides: list[str], split: str, r2: float) -> None:
    """R² of least squares on the 20 patients held out there, and on all patients when fitted to all."""
    whole = ["optimizer=sgd", "optimizer.lr=0.2", "trainer.batch_size=442"]
    cfg = run_config("task=regression", "data=diabetes", "model=linear", *whole, *overrides)
    parts = build(cfg)
    for _ in fit(parts.task, Plan(epochs=1000, monitor="train/loss", higher=False), Progress()):
        pass
    assert float(parts.task.evaluate(split).metrics["r2"]) == pytest.approx(r2, abs=0.005)


@pytest.mark.slow
def test_a_linear_autoencoder_matches_pca() -> None:
    """The closed form of the same problem (Baldi & Hornik 1989), on the same images."""
    from sklearn.decomposition import PCA

    overrides = ["task=reconstruction", "model.depth=0", "scheduler=cosine", "optimizer.lr=0.01", "trainer.epochs=60"]
    parts = build(run_config("device=cpu", *overrides))
    for _ in fit(parts.task, Plan(epochs=60, monitor="val/loss", higher=False), Progress()):
        pass
    pixels = parts.data.examples.inputs[parts.data.splits["train"]].flatten(1).numpy()
    pca = PCA(8).fit(pixels)
    exact = ((pca.inverse_transform(pca.transform(pixels)) - pixels) ** 2).mean()
    assert exact == pytest.approx(0.0239 * 16**2, rel=0.02)
    assert float(parts.task.evaluate("train").metrics["mse"]) == pytest.approx(exact, rel=0.02)
