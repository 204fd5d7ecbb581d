from collections.abc import Callable
from typing import Any


def test_prototypes_are_more_accurate_than_nearest_neighbour_on_unseen_classes(
    experiment: Callable[..., Any],
) -> None:
    conclusion = experiment(
        "prototypical", "data.images=16", "task.episodes=30", "trainer.epochs=3", "task.test_episodes=100"
    )
    found = {
        (row["method"], row["shots"], row["ways"]): (row["accuracy"], row["95% interval ±"])
        for row in conclusion.rows
    }
    methods = ("euclidean", "cosine", "untrained network", "nearest neighbour on raw inputs")
    assert set(found) == {(method, shots, ways) for method in methods for shots in (1, 5) for ways in (5, 20)}
    for shots in (1, 5):
        for ways in (5, 20):
            accuracy, half = found["euclidean", shots, ways]
            nearest, nearest_half = found["nearest neighbour on raw inputs", shots, ways]
            assert accuracy - half > nearest + nearest_half
            assert accuracy > found["untrained network", shots, ways][0]
    assert found["euclidean", 1, 5][0] > 0.92 and found["euclidean", 1, 20][0] > 0.8
    assert abs(found["nearest neighbour on raw inputs", 1, 20][0] - 0.62) < 0.03
    assert "do not overlap at any number of ways" in conclusion.sentence
    assert "accuracy_by_ways" in conclusion.figures()
