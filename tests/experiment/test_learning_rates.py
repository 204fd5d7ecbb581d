from collections.abc import Callable
from typing import Any


def test_rates_crawl_converge_and_diverge(experiment: Callable[..., Any]) -> None:
    told = experiment("learning_rates")
    verdicts = {row["rate"]: row["it"] for row in told.rows}
    assert verdicts[0.0001] == verdicts[0.001] == "crawls"
    assert verdicts[0.1] == verdicts[0.3] == "converges"
    assert verdicts[3.0] == "diverges"
    assert {"sweep", "compare"} <= told.figures()
    assert "3 diverge" in told.sentence and "is the fastest" in told.sentence
