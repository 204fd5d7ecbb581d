from collections.abc import Callable
from typing import Any


def test_gated_networks_make_better_use_of_longer_texts(experiment: Callable[..., Any]) -> None:
    conclusion = experiment(
        "rnn_vs_lstm", "model=rnn,gru", "data.length=10,60", "trainer.epochs=5", "data.words=1000"
    )
    accuracy = {row["words"]: row for row in conclusion.rows}
    assert set(accuracy) == {10, 60}
    assert accuracy[60]["GRU"] > accuracy[10]["GRU"] > accuracy[10]["majority-class baseline"] + 0.1
    assert accuracy[60]["GRU"] > accuracy[60]["RNN"] + 0.2
    assert "GRU +0." in conclusion.sentence and "At 60 words GRU is best" in conclusion.sentence
    assert "accuracy_by_length" in conclusion.figures()
