"""How numbers are written in figures."""

from itertools import pairwise

import pytest

from mlcli.figure.style import page, plus_minus, widths, write_subject


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


def test_a_long_subject_is_smaller_and_keeps_the_number_of_the_trial() -> None:
    subject = "mlp on iris · lr=0.01 model=mlp · 20261201-064229-644a54be-4"
    figure = page(4.6, 4, "Confusion matrix")
    write_subject(figure, subject)
    written = figure.texts[-1]
    assert written.get_text() == subject and 7 <= written.get_size() < 9.5
    assert written.get_window_extent().x1 <= figure.bbox.x1


def test_the_name_of_a_sweep_is_cut_before_its_id() -> None:
    figure = page(4, 4, "val/loss")
    write_subject(
        figure, "mlp on digits · sweep over optimizer.lr, trainer.batch_size, trainer.seed · 20261201-104952-a"
    )
    text = figure.texts[-1].get_text()
    assert text.startswith("mlp on digits · sweep over") and text.endswith("… · 20261201-104952-a")
    assert figure.texts[-1].get_window_extent().x1 <= figure.bbox.x1


def test_a_long_note_is_smaller_rather_than_cut() -> None:
    note = (
        "9 trials, 6 of them pruned at epoch 2 to 4 (hollow); means of 3 repeats; bars: ± 1 standard deviation of 3"
    )
    text = page(5, 4, "val/loss", note).texts[-1]
    assert text.get_text() == note and text.get_size() < 9.5
