"""How numbers are written in figures."""

from itertools import pairwise

import pytest

from mlcli.figure.style import plus_minus, widths


@pytest.mark.parametrize(
    ("mean", "deviation", "text"),
    [
        (0.04123, 0.00312, "0.0412 ± 0.0031"),
        (12345.6, 321.0, "12346 ± 321"),
        (0.98, 0.0, "0.98 ± 0"),
        (0.1, 1.4e-17, "0.1 ± 0"),
        (1e30, 2e29, "1e+30 ± 2e+29"),
        (0.5, 1.25, "0.5 ± 1.2"),
    ],
)
def test_a_mean_has_the_decimal_places_of_its_deviation(mean: float, deviation: float, text: str) -> None:
    assert plus_minus(mean, deviation) == text


def test_lines_that_coincide_can_be_told_apart() -> None:
    for count in (1, 2, 6, 30):
        found = widths(count)
        assert len(found) == count and found[-1] == 1.5 and found[0] <= 6
        assert all(below > above for below, above in pairwise(found))
