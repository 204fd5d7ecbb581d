from collections.abc import Callable
from typing import Any

import pytest
import torch

from mlcli.data.deliveries import VOCABULARY
from mlcli.experiment.attention_heatmap import deciding_positions


@pytest.mark.slow
def test_heads_attend_to_the_deciding_tokens(experiment: Callable[..., Any]) -> None:
    conclusion = experiment("attention_heatmap", "trainer.epochs=5")
    assert [(row["layer"], row["head"]) for row in conclusion.rows] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    by_class = [row["class token → day"] for row in conclusion.rows]
    assert max(by_class) == max(by_class[2:]) > 0.5 and conclusion.rows[0]["uniform weight"] < 0.1
    assert max(row["day → delivered"] for row in conclusion.rows[:2]) > 0.3
    assert conclusion.sentence.startswith("The heads attend to the deciding tokens: in layer 2")
    assert "heads" in conclusion.figures()


def test_deciding_tokens_are_the_delivery_and_the_day_after_it() -> None:
    note = ["paid", "on", "friday", ",", "delivered", "late", "on", "monday"]
    event, day = deciding_positions(torch.tensor([[VOCABULARY.index(word) for word in note]]), VOCABULARY)
    assert (event.item(), day.item()) == (5, 8)  # after the class token
