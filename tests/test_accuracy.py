"""What the defaults reach on the test split, seed by seed."""

import pytest

from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.run.build import build
from mlcli.train.loop import Plan, Progress, fit


def accuracy(*overrides: str) -> float:
    """Test accuracy of the best weights by val/loss, as `mlcli train` has it."""
    with hydra_session() as hydra:
        cfg = to_run(compose(hydra, ["device=cpu", *overrides]))
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
def test_diabetes_is_as_good_as_least_squares() -> None:
    """Linear regression by gradient descent against the closed form, on the same split."""
    import numpy as np
    from sklearn.linear_model import LinearRegression
    from sklearn.metrics import r2_score

    overrides = ["task=regression", "data=diabetes", "device=cpu", "trainer.epochs=60", "optimizer.lr=0.02"]
    with hydra_session() as hydra:
        cfg = to_run(compose(hydra, overrides))
    parts, progress = build(cfg), Progress()
    for _ in fit(parts.task, Plan(epochs=60, monitor="val/loss", higher=False), progress):
        pass
    inputs, targets = parts.data.examples.inputs.numpy(), parts.data.examples.targets.numpy()
    train, test = (parts.data.splits[name].numpy() for name in ("train", "test"))
    closed = LinearRegression().fit(inputs[train].astype(np.float64), targets[train])
    reference = r2_score(targets[test], closed.predict(inputs[test]))
    assert float(parts.task.evaluate("test").metrics["r2"]) == pytest.approx(reference, abs=0.03)
