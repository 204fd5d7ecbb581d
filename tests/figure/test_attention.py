import numpy as np
import pytest

from mlcli.figure.attention import FULL, HIDDEN, attention_entropy, attention_maps


def test_a_map_for_each_head_with_labels_at_the_edges() -> None:
    weights = np.array([[[1.0, 0.0], [0.5, 0.5]], [[1.0, np.nan], [0.25, 0.75]], [[1.0, 0.0], [0.0, 1.0]]])
    figure = attention_maps("heads", weights, ["a", "b", "c"], ["paid", "$on"], 2, "title").figure()
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["a", "b", "c"]
    colours = np.asarray(figure.axes[1].images[0].get_array())
    assert colours[0, 0] == pytest.approx(FULL) and colours[0, 1] == pytest.approx(HIDDEN)
    assert colours[1, 0] == pytest.approx(1 - 0.25 * (1 - FULL))
    left = [axes.yaxis.get_tick_params()["labelleft"] for axes in figure.axes]
    below = [axes.xaxis.get_tick_params()["labelbottom"] for axes in figure.axes]
    assert left == [True, False, True] and below == [False, True, True]


def test_entropy_stays_below_the_most() -> None:
    (axes,) = attention_entropy([0.1, 1.0, 10.0], [0.2, 1.0, 2.0], 2.08, "title").figure().axes
    assert axes.get_xscale() == "log" and axes.get_ylim()[1] > 2.08
