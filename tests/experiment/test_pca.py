from collections.abc import Callable
from typing import Any


def test_images_need_fewer_components_than_words(experiment: Callable[..., Any]) -> None:
    conclusion = experiment("pca")
    digits, news = conclusion.rows
    assert digits["first three ratios"] == "0.1489, 0.1362, 0.1179"
    assert [digits[f"components for {share}%"] for share in (90, 95, 99)] == [21, 29, 41]
    assert news["features"] == 1000 and 29 / 64 < news["components for 95%"] / 1000 < 1
    assert "for news" in conclusion.sentence and "For digits, 29 of 64 components explain 95%" in conclusion.sentence
    assert {"plane_digits", "plane_news", "reconstructions_digits", "components_news"} <= conclusion.figures()
