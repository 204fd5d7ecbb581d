from collections.abc import Callable
from typing import Any


def test_batch_normalisation_converges_faster(experiment: Callable[..., Any]) -> None:
    conclusion = experiment(
        "dropout_vs_batchnorm", "data=digits", "variant=neither,both", "trainer.seed=0", "trainer.epochs=6",
        "conclusion.accuracy=0.8",
    )  # fmt: skip
    neither, both = conclusion.rows
    assert (neither["variant"], both["variant"]) == ("neither", "both")
    assert both["epochs to accuracy"] < (neither["epochs to accuracy"] or 7)
    assert both["test/accuracy"] > 0.8 and both["std over seeds"] is None
    assert "both is the fastest" in conclusion.sentence
    assert "dropout_vs_batchnorm" in conclusion.figures()
