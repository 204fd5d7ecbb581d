from collections.abc import Callable
from typing import Any

import pytest
import torch

from mlcli.data.deliveries import VOCABULARY
from mlcli.experiment.attention_heatmap import deciding


@pytest.mark.slow
def test_heads_look_where_the_answer_is(experiment: Callable[..., Any]) -> None:
    told = experiment("attention_heatmap", "trainer.epochs=5")
    assert [(row["layer"], row["head"]) for row in told.rows] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    by_class = [row["class token → the day"] for row in told.rows]
    assert max(by_class) == max(by_class[2:]) > 0.5 and told.rows[0]["even weights"] < 0.1
    assert max(row["the day → delivered"] for row in told.rows[:2]) > 0.3
    assert told.sentence.startswith("The heads look where the answer is: in layer 2")
    assert "heads" in told.figures()


def test_the_deciding_tokens_are_the_delivery_and_the_day_after_it() -> None:
    note = ["paid", "on", "friday", ",", "delivered", "late", "on", "monday"]
    event, day = deciding(torch.tensor([[VOCABULARY.index(word) for word in note]]), VOCABULARY)
    assert (event.item(), day.item()) == (5, 8)  # behind the class token
