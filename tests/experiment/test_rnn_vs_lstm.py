from collections.abc import Callable
from typing import Any


def test_gates_remember_what_a_plain_network_forgets(experiment: Callable[..., Any]) -> None:
    told = experiment("rnn_vs_lstm", "model=rnn,gru", "data.length=10,60", "trainer.epochs=5", "data.words=1000")
    accuracy = {row["words"]: row for row in told.rows}
    assert set(accuracy) == {10, 60}
    assert accuracy[60]["GRU"] > accuracy[10]["GRU"] > accuracy[10]["guessing"] + 0.1
    assert accuracy[60]["GRU"] > accuracy[60]["RNN"] + 0.2
    assert "GRU gains" in told.sentence and "Of 60 words GRU makes the most" in told.sentence
    assert "accuracy_by_length" in told.figures()
