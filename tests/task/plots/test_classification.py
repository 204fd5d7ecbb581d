"""Plots of a classifier: written, rendered again from their data, and in agreement with the metrics."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.datasets import load_breast_cancer, load_digits

from mlcli.metric import classification
from mlcli.task.plots import classification as plots
from tests.predictions import Classified, classified

NAMES = ["confusion_matrix", "confusion_matrix_normalised", "roc", "precision_recall", "calibration"]


@pytest.fixture(scope="module")
def digits() -> Classified:
    return classified(load_digits, 300)


@pytest.fixture(scope="module")
def cancer() -> Classified:
    return classified(load_breast_cancer, 150)


def test_curves_of_one_class_are_left_out() -> None:
    p = np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1]], dtype=np.float32)
    names = [plot.name for plot in plots.plots(np.array([0, 0, 0]), p, ["a", "b", "c"])]
    assert names == ["confusion_matrix", "confusion_matrix_normalised", "calibration"]


def test_probabilities_that_are_not_finite_leave_the_counts(tmp_path: Path) -> None:
    y, p = np.array([0, 1]), np.array([[np.nan, np.nan], [0.2, 0.8]], dtype=np.float32)
    for plot in plots.plots(y, p, ["a", "b"]):
        plot.save(tmp_path)
    plots.worst_mistakes(y, p, ["a", "b"], np.zeros((2, 3)), "vector", ()).save(tmp_path)


@pytest.mark.parametrize("which", ["digits", "cancer"])
def test_figures_are_written_and_rendered_again_from_their_json(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    y, p, classes, _ = request.getfixturevalue(which)
    made = plots.plots(y, p, classes)
    assert [plot.name for plot in made] == NAMES
    for plot in made:
        picture = plot.save(tmp_path)
        assert picture.read_bytes().startswith(b"\x89PNG")
        read = json.loads((tmp_path / f"{plot.name}.json").read_text())
        assert read == plot.data
        plot.render(**read)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json"] * 5 + [".png"] * 5


def test_figures_say_the_number(digits: Classified) -> None:
    y, p, classes, _ = digits
    scores = classification.scores(y, p, classes)
    titles = {plot.name: plot.figure().texts[0].get_text() for plot in plots.plots(y, p, classes)}
    assert titles["confusion_matrix"] == f"Confusion matrix · accuracy {scores['accuracy']:.3f}"
    assert titles["roc"].endswith(f"{scores['roc_auc']:.3f}")
    assert titles["precision_recall"].endswith(f"{scores['average_precision']:.3f}")


def test_confusion_and_calibration_count_every_example(digits: Classified) -> None:
    y, p, classes, _ = digits
    data = {plot.name: plot.data for plot in plots.plots(y, p, classes)}
    assert data["confusion_matrix"]["counts"] == sk.confusion_matrix(y, p.argmax(1)).tolist()
    assert sum(data["calibration"]["count"]) == len(y)


@pytest.mark.parametrize("count", [2, 7, 30, 100])
def test_any_number_of_classes_with_awkward_names(count: int, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    classes = [f"_{i} $x_{i}$ 猫 a rather long name" for i in range(count)]
    y = draw.integers(0, count, 500)
    p = draw.dirichlet(np.ones(count), 500).astype(np.float32)
    for plot in plots.plots(y, p, classes):
        plot.save(tmp_path)
    plots.worst_mistakes(y, p, classes, draw.random((500, 3, 80, 120)), "image", ()).save(tmp_path)


def test_worst_images_are_the_most_confident_mistakes(digits: Classified, tmp_path: Path) -> None:
    y, p, classes, x = digits
    plot = plots.worst_mistakes(y, p, classes, x.reshape(-1, 1, 8, 8), "image", ())
    wrong = p.argmax(1) != y
    assert plot.data["wrong"] == wrong.sum() > 0
    assert all(t != said for t, said in zip(plot.data["true"], plot.data["predicted"], strict=True))
    assert plot.data["probability"] == sorted(plot.data["probability"], reverse=True)
    assert plot.data["probability"][0] == pytest.approx(p.max(1)[wrong].max())
    first = np.array(plot.data["images"][0])
    assert np.array_equal(first, (x.reshape(-1, 8, 8)[plot.data["index"][0]] / 16 * 255).round())
    plot.save(tmp_path)


def test_worst_rows_name_the_features_that_stand_out(cancer: Classified, tmp_path: Path) -> None:
    y, p, classes, x = cancer
    features = list(load_breast_cancer().feature_names)
    plot = plots.worst_mistakes(y, p, classes, x, "vector", features)
    assert len(plot.data["features"]) == 6
    column = features.index(plot.data["features"][0])
    assert plot.data["values"][0][0] == x[plot.data["index"][0], column]
    plot.save(tmp_path)


def test_without_mistakes_the_least_confident_examples_are_shown(tmp_path: Path) -> None:
    y, p = np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]], dtype=np.float32)
    plot = plots.worst_mistakes(y, p, ["a", "b"], np.zeros((3, 2, 4)), "sequence", ())
    assert plot.data["wrong"] == 0 and plot.data["index"] == [1, 2, 0]
    assert "none in 3" in plot.figure().texts[0].get_text()


def test_misclassified_texts_are_shown_as_text(tmp_path: Path) -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    plot = plots.worst_mistakes(
        np.array([1, 1, 0]),
        probabilities,
        ["$a", "b"],
        np.array([[1], [2], [3]]),
        "tokens",
        (),
        lambda row: f"${row}",
    )
    assert plot.data["texts"] == ["$[1]", "$[3]"] and plot.data["true"] == ["b", "$a"]
    assert plot.save(tmp_path).exists()
