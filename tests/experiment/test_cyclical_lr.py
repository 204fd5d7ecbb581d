from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.experiment.range_test import range_test
from mlcli.run.build import build


def test_each_schedule_is_judged_at_its_best_rate(experiment: Callable[..., Any]) -> None:
    told = experiment(
        "cyclical_lr", "data=digits", "variant=cosine,triangular", "optimizer.lr=0.0001,0.03", "trainer.seed=0",
        "trainer.epochs=4", "answer.accuracy=0.8",
    )  # fmt: skip
    assert [row["schedule"] for row in told.rows] == ["cosine", "triangular"]
    for row in told.rows:
        assert row["peak rate"] == 0.03 and 1 <= row["epochs to accuracy"] <= 4 and row["test/accuracy"] > 0.8
    assert (
        "Epochs to 80% validation accuracy" in told.sentence and "In the range test the loss falls" in told.sentence
    )
    assert {"cyclical_lr", "lr_range_test"} <= told.figures()


def test_the_range_test_finds_where_the_loss_falls() -> None:
    with hydra_session() as hydra:
        cfg = to_run(compose(hydra, ["optimizer=momentum", "model.norm=none", "device=cpu"]))
    found, again = (range_test(build(cfg), updates=100) for _ in range(2))
    assert found == again
    assert found.curve.x[0] == pytest.approx(1e-4) and len(found.curve.x) <= 100
    ratios = [after / before for before, after in pairwise(found.curve.x)]
    assert ratios == pytest.approx([1e5**0.01] * len(ratios))
    assert 1e-3 < found.low < found.high < 1
    assert min(found.curve.y) == found.curve.y[list(found.curve.x).index(found.high)]  # type: ignore[type-var]
