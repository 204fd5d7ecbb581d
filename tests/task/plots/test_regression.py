"""Plots of a regression: written, and in agreement with the metrics."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sk

from mlcli.task.plots import regression as plots
from tests.predictions import Regressed, regressed


@pytest.fixture(scope="module")
def diabetes() -> Regressed:
    return regressed()


def test_no_plot_of_predictions_that_are_not_finite() -> None:
    assert plots.plots(np.array([1.0]), np.array([np.inf]), "y") == []


def test_figures_are_written_and_say_the_number(diabetes: Regressed, tmp_path: Path) -> None:
    y, p, x, features = diabetes
    made = [*plots.plots(y, p, "progression"), plots.worst_mistakes(y, p, x, features, "progression")]
    assert [plot.name for plot in made] == ["residuals", "predicted_against_true", "worst_mistakes"]
    for plot in made:
        assert plot.save(tmp_path).read_bytes().startswith(b"\x89PNG")
        assert json.loads((tmp_path / f"{plot.name}.json").read_text()) == plot.data
    assert f"R² {sk.r2_score(y, p):.3f}" in made[1].figure().texts[0].get_text()


def test_worst_are_the_largest_errors(diabetes: Regressed) -> None:
    y, p, x, features = diabetes
    data = plots.worst_mistakes(y, p, x, features, "progression").data
    errors = np.abs(np.array(data["true"]) - data["predicted"])
    assert errors.tolist() == sorted(np.abs(y - p).tolist(), reverse=True)[: len(errors)]


def test_many_points_are_thinned_and_it_says_so(tmp_path: Path) -> None:
    y = np.random.default_rng(0).normal(size=5000).astype(np.float32)
    residuals = plots.plots(y, y * 0.9, "price $")[0]
    assert len(residuals.data["true"]) == 2000
    assert "2,000 of 5,000" in residuals.figure().texts[1].get_text()
    residuals.save(tmp_path)


def test_images_and_constant_targets_are_plotted(tmp_path: Path) -> None:
    y, images = np.ones(4), np.zeros((4, 1, 5, 9))
    for plot in [*plots.plots(y, y, "y"), plots.worst_mistakes(y, y, images, (), "y")]:
        plot.save(tmp_path)
