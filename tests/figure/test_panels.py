import json
from pathlib import Path

import pytest

from mlcli.figure.panels import Curve, Panel, panels


def test_repeats_become_a_mean_with_their_deviation() -> None:
    curve = Curve.mean([1, 2], [[1.0, None], [3.0, 4.0]])
    assert curve.y == [2.0, None]
    assert curve.spread == pytest.approx([2**0.5, None])
    assert Curve.mean([1, 2], [[1.0, 2.0]]).spread is None
    with pytest.raises(ValueError, match="different lengths"):
        Curve.mean([1, 2], [[1.0, 2.0], [1.0]])


def test_panels_are_drawn_from_plain_data(tmp_path: Path) -> None:
    gap = Curve([1, 10, 100], [0.5, None, 0.001], [0.1, None, 0.0])
    lines = {f"curve {place}": Curve(list(range(1, 40)), [place] * 39) for place in range(8)}
    of = [Panel("update", "loss", {"gap": gap}, log="xy", level=0.1), Panel("epoch", "accuracy", lines)]
    plot = panels("both", "Title", "note", of, "kind")
    plot.save(tmp_path)
    assert json.loads((tmp_path / "both.json").read_text())["panels"][0]["curves"]["gap"]["y"] == gap.y
    left, right = plot.figure().axes
    assert left.get_xscale() == left.get_yscale() == "log" and right.get_xscale() == "linear"
    [legend] = plot.figure().legends
    assert len(right.lines) == 8 and legend.get_title().get_text() == "kind"


def test_panels_fill_rows_of_a_page_width() -> None:
    curve = {"a": Curve([1, 2], [1.0, 2.0])}
    for count in (1, 2, 3, 4, 7):
        figure = panels("many", "Title", "", [Panel("x", "y", curve)] * count).figure()
        assert len(figure.axes) == count and figure.get_size_inches()[0] < 8.2
        places = {tuple(axes.get_position().bounds) for axes in figure.axes}
        assert len(places) == count and all(min(place) >= 0 for place in places)
