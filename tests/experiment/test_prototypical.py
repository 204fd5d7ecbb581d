from collections.abc import Callable
from typing import Any


def test_prototypes_answer_better_than_pixels_on_classes_never_seen(experiment: Callable[..., Any]) -> None:
    told = experiment(
        "prototypical", "data.images=16", "task.episodes=30", "trainer.epochs=3", "task.test_episodes=100"
    )
    found = {(row["by"], row["shots"], row["ways"]): (row["accuracy"], row["interval ±"]) for row in told.rows}
    methods = ("euclidean", "cosine", "untrained network", "nearest, raw inputs")
    assert set(found) == {(method, shots, ways) for method in methods for shots in (1, 5) for ways in (5, 20)}
    for shots in (1, 5):
        for ways in (5, 20):
            accuracy, half = found["euclidean", shots, ways]
            nearest, nearest_half = found["nearest, raw inputs", shots, ways]
            assert accuracy - half > nearest + nearest_half
            assert accuracy > found["untrained network", shots, ways][0]
    assert found["euclidean", 1, 5][0] > 0.92 and found["euclidean", 1, 20][0] > 0.8
    assert abs(found["nearest, raw inputs", 1, 20][0] - 0.62) < 0.03
    assert "apart at every number of ways" in told.sentence
    assert "accuracy_by_ways" in told.figures()
