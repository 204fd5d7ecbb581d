from collections.abc import Callable
from typing import Any


def test_what_comes_over_http_is_what_comes_in_process(experiment: Callable[..., Any]) -> None:
    told = experiment("serving", "trainer.epochs=1", "conclusion.sizes=[9,100]")
    few, many = told.rows
    assert (few["inputs a request"], few["requests"]) == (9, 40)
    assert (many["inputs a request"], many["requests"], many["of"]) == (100, 40, 3600)
    for row in told.rows:
        assert row["equal"] == row["of"] and row["largest difference"] <= 1e-6
        assert 0 < row["in process, median ms"] < row["median ms"] <= row["95 % within ms"]
    assert many["inputs a second"] > few["inputs a second"]
    assert "Of 3,960 predictions over HTTP 3,960 are equal to those in process" in told.sentence
    assert "latency" in told.figures()
