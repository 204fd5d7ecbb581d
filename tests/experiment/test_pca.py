from collections.abc import Callable
from typing import Any


def test_images_need_fewer_components_than_words(experiment: Callable[..., Any]) -> None:
    told = experiment("pca")
    digits, news = told.rows
    assert digits["first three"] == "0.1489, 0.1362, 0.1179"
    assert [digits[f"for {share} %"] for share in (90, 95, 99)] == [21, 29, 41]
    assert news["features"] == 1000 and 29 / 64 < news["for 95 %"] / 1000 < 1
    assert "of news" in told.sentence and "Of digits, 29 of 64 components keep 95 %" in told.sentence
    assert {"plane_digits", "plane_news", "reconstructions_digits", "components_news"} <= told.figures()
