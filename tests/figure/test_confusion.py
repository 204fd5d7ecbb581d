"""Confusion matrices."""

import numpy as np

from mlcli.figure.confusion import confusion_matrix, confusion_matrix_normalised


def colours(counts: list[list[int]], normalised: bool) -> np.ndarray:
    make = confusion_matrix_normalised if normalised else confusion_matrix
    figure = make(np.array(counts), ["a", "b"]).figure()
    return np.asarray(figure.axes[0].images[0].get_array())


def test_percentages_have_one_colour_scale_in_all_matrices() -> None:
    few, many = colours([[97, 3], [0, 10]], True), colours([[97, 3], [9, 1]], True)
    assert np.array_equal(few[0], many[0])  # 97 % and 3 %, whatever the other cells are
    assert few[0, 1].sum() > 2.3 and many[1, 0].sum() < 1.5  # 3 % is pale, 90 % is not
    assert (few[1, 0] == 1).all()  # 0 % is white


def test_few_mistakes_are_visible_among_counts() -> None:
    assert colours([[97, 3], [0, 10]], False)[0, 1].sum() < 1.5
