import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression

from mlcli.metric import regression


@pytest.fixture(scope="module")
def diabetes() -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    data = load_diabetes()
    model = LinearRegression().fit(data.data[100:], data.target[100:])
    return data.target[:100], model.predict(data.data[:100]), data.data[:100], list(data.feature_names)


def test_scores_equal_scikit_learns(diabetes: Any) -> None:
    y, p, _, _ = diabetes
    expected = {
        "mse": sk.mean_squared_error(y, p),
        "rmse": sk.root_mean_squared_error(y, p),
        "mae": sk.mean_absolute_error(y, p),
        "r2": sk.r2_score(y, p),
        "explained_variance": sk.explained_variance_score(y, p),
    }
    assert regression.scores(y, p) == pytest.approx(expected, rel=1e-12)


def test_what_is_not_defined_is_left_out() -> None:
    assert set(regression.scores(np.array([1.0]), np.array([2.0]))) == {"mse", "rmse", "mae"}
    assert regression.scores(np.array([1.0, 2.0]), np.array([np.nan, 2.0])) == {}
    assert regression.plots(np.array([1.0]), np.array([np.inf]), "y") == []


def test_figures_are_written_and_say_the_number(diabetes: Any, tmp_path: Path) -> None:
    y, p, x, features = diabetes
    plots = [*regression.plots(y, p, "progression"), regression.worst(y, p, x, features, "progression")]
    assert [plot.name for plot in plots] == ["residuals", "predicted_against_true", "worst_mistakes"]
    for plot in plots:
        assert plot.save(tmp_path).read_bytes().startswith(b"\x89PNG")
        assert json.loads((tmp_path / f"{plot.name}.json").read_text()) == plot.data
    assert f"R² {sk.r2_score(y, p):.3f}" in plots[1].figure().texts[0].get_text()


def test_worst_are_the_largest_errors(diabetes: Any) -> None:
    y, p, x, features = diabetes
    data = regression.worst(y, p, x, features, "progression").data
    errors = np.abs(np.array(data["true"]) - data["predicted"])
    assert errors.tolist() == sorted(np.abs(y - p).tolist(), reverse=True)[: len(errors)]


def test_many_points_are_thinned_and_it_says_so(tmp_path: Path) -> None:
    y = np.random.default_rng(0).normal(size=5000).astype(np.float32)
    residuals = regression.plots(y, y * 0.9, "price $")[0]
    assert len(residuals.data["true"]) == 2000
    assert "2,000 of 5,000" in residuals.figure().texts[1].get_text()
    residuals.save(tmp_path)


def test_images_and_constant_targets_are_drawn(tmp_path: Path) -> None:
    y, images = np.ones(4), np.zeros((4, 1, 5, 9))
    for plot in [*regression.plots(y, y, "y"), regression.worst(y, y, images, (), "y")]:
        plot.save(tmp_path)
