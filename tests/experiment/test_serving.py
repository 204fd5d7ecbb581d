from collections.abc import Callable
from typing import Any


def test_predictions_over_http_equal_in_process_predictions(experiment: Callable[..., Any]) -> None:
    conclusion = experiment("serving", "trainer.epochs=1", "conclusion.sizes=[9,100]")
    few, many = conclusion.rows
    assert (few["inputs per request"], few["requests"]) == (9, 40)
    assert (many["inputs per request"], many["requests"], many["predictions"]) == (100, 40, 3600)
    for row in conclusion.rows:
        assert row["equal"] == row["predictions"] and row["max difference"] <= 1e-6
        assert 0 < row["in-process median ms"] < row["median ms"] <= row["95th percentile ms"]
    assert many["inputs per second"] > few["inputs per second"]
    assert "3,960 of 3,960 predictions over HTTP are equal to in-process predictions" in conclusion.sentence
    assert "latency" in conclusion.figures()
