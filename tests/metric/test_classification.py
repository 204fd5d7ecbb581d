"""Scores against scikit-learn's on real predictions; figures that exist, are quick and read back from their data."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression

from mlcli.metric import classification

NAMES = ["confusion_matrix", "confusion_matrix_normalised", "roc", "precision_recall", "calibration"]


def predicted(load: Any, held_out: int) -> tuple[np.ndarray, np.ndarray, list[str], np.ndarray]:
    """Targets, float32 probabilities, classes and inputs of the examples that a logistic regression has not seen."""
    data = load()
    order = np.random.default_rng(0).permutation(len(data.target))
    x = (data.data - data.data.mean(0)) / (data.data.std(0) + 1)
    test, train = order[:held_out], order[held_out:]
    model = LogisticRegression(C=0.05, max_iter=500).fit(x[train], data.target[train])
    classes = [str(name) for name in data.target_names]
    return data.target[test], model.predict_proba(x[test]).astype(np.float32), classes, data.data[test]


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray, list[str], np.ndarray]:
    return predicted(load_digits, 300)


@pytest.fixture(scope="module")
def cancer() -> tuple[np.ndarray, np.ndarray, list[str], np.ndarray]:
    return predicted(load_breast_cancer, 150)


@pytest.mark.parametrize("which", ["digits", "cancer"])
def test_scores_equal_scikit_learns(which: str, request: pytest.FixtureRequest) -> None:
    y, p, classes, _ = request.getfixturevalue(which)
    got = classification.scores(y, p, classes)
    p = p.astype(np.float64) / p.astype(np.float64).sum(1, keepdims=True)
    said, binary = p.argmax(1), len(classes) == 2
    target_NC = np.eye(len(classes))[y]
    expected = {
        "accuracy": sk.accuracy_score(y, said),
        "balanced_accuracy": sk.balanced_accuracy_score(y, said),
        "precision_macro": sk.precision_score(y, said, average="macro"),
        "recall_macro": sk.recall_score(y, said, average="macro"),
        "f1_macro": sk.f1_score(y, said, average="macro"),
        "log_loss": sk.log_loss(y, p),
        "matthews": sk.matthews_corrcoef(y, said),
        "roc_auc": sk.roc_auc_score(y, p[:, 1]) if binary else sk.roc_auc_score(y, p, multi_class="ovr"),
        "average_precision": (
            sk.average_precision_score(y, p[:, 1]) if binary else sk.average_precision_score(target_NC, p)
        ),
    }
    for name, score in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)):
        each = score(y, said, average=None)
        expected |= {f"{name}/{c}": each[i] for i, c in enumerate(classes)}
    assert got == pytest.approx(expected, abs=1e-9)


def test_what_is_not_defined_is_left_out() -> None:
    p = np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1]], dtype=np.float32)
    got = classification.scores(np.array([0, 0, 0]), p, ["a", "b", "c"])
    assert "roc_auc" not in got and "recall/b" not in got and "f1/c" not in got
    assert got["precision/b"] == 0 and got["recall/a"] == pytest.approx(2 / 3)
    assert got["balanced_accuracy"] == pytest.approx(2 / 3)
    names = [plot.name for plot in classification.plots(np.array([0, 0, 0]), p, ["a", "b", "c"])]
    assert names == ["confusion_matrix", "confusion_matrix_normalised", "calibration"]


def test_probabilities_that_are_not_finite_leave_the_counts(tmp_path: Path) -> None:
    y, p = np.array([0, 1]), np.array([[np.nan, np.nan], [0.2, 0.8]], dtype=np.float32)
    assert "log_loss" not in classification.scores(y, p, ["a", "b"])
    for plot in classification.plots(y, p, ["a", "b"]):
        plot.save(tmp_path)
    classification.worst(y, p, ["a", "b"], np.zeros((2, 3)), "vector", ()).save(tmp_path)


@pytest.mark.parametrize("which", ["digits", "cancer"])
def test_figures_are_written_and_drawn_again_from_their_json(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    y, p, classes, _ = request.getfixturevalue(which)
    plots = classification.plots(y, p, classes)
    assert [plot.name for plot in plots] == NAMES
    for plot in plots:
        picture = plot.save(tmp_path)
        assert picture.read_bytes().startswith(b"\x89PNG")
        read = json.loads((tmp_path / f"{plot.name}.json").read_text())
        assert read == plot.data
        plot.render(**read)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json"] * 5 + [".png"] * 5


def test_figures_say_the_number(digits: Any) -> None:
    y, p, classes, _ = digits
    scores = classification.scores(y, p, classes)
    titles = {plot.name: plot.figure().texts[0].get_text() for plot in classification.plots(y, p, classes)}
    assert titles["confusion_matrix"] == f"Confusion matrix · accuracy {scores['accuracy']:.3f}"
    assert titles["roc"].endswith(f"{scores['roc_auc']:.3f}")
    assert titles["precision_recall"].endswith(f"{scores['average_precision']:.3f}")


def test_confusion_and_calibration_count_every_example(digits: Any) -> None:
    y, p, classes, _ = digits
    plots = {plot.name: plot.data for plot in classification.plots(y, p, classes)}
    assert plots["confusion_matrix"]["counts"] == sk.confusion_matrix(y, p.argmax(1)).tolist()
    assert sum(plots["calibration"]["count"]) == len(y)


@pytest.mark.parametrize("count", [2, 7, 30, 100])
def test_any_number_of_classes_with_awkward_names(count: int, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    classes = [f"_{i} $x_{i}$ 猫 a rather long name" for i in range(count)]
    y = draw.integers(0, count, 500)
    p = draw.dirichlet(np.ones(count), 500).astype(np.float32)
    for plot in classification.plots(y, p, classes):
        plot.save(tmp_path)
    classification.worst(y, p, classes, draw.random((500, 3, 80, 120)), "image", ()).save(tmp_path)


def test_worst_images_are_the_surest_mistakes(digits: Any, tmp_path: Path) -> None:
    y, p, classes, x = digits
    plot = classification.worst(y, p, classes, x.reshape(-1, 1, 8, 8), "image", ())
    wrong = p.argmax(1) != y
    assert plot.data["wrong"] == wrong.sum() > 0
    assert all(t != said for t, said in zip(plot.data["true"], plot.data["predicted"], strict=True))
    assert plot.data["probability"] == sorted(plot.data["probability"], reverse=True)
    assert plot.data["probability"][0] == pytest.approx(p.max(1)[wrong].max())
    first = np.array(plot.data["images"][0])
    assert np.array_equal(first, (x.reshape(-1, 8, 8)[plot.data["index"][0]] / 16 * 255).round())
    plot.save(tmp_path)


def test_worst_rows_name_the_features_that_stand_out(cancer: Any, tmp_path: Path) -> None:
    y, p, classes, x = cancer
    features = list(load_breast_cancer().feature_names)
    plot = classification.worst(y, p, classes, x, "vector", features)
    assert len(plot.data["features"]) == 6
    column = features.index(plot.data["features"][0])
    assert plot.data["values"][0][0] == x[plot.data["index"][0], column]
    plot.save(tmp_path)


def test_without_mistakes_the_least_sure_examples_are_shown(tmp_path: Path) -> None:
    y, p = np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]], dtype=np.float32)
    plot = classification.worst(y, p, ["a", "b"], np.zeros((3, 2, 4)), "sequence", ())
    assert plot.data["wrong"] == 0 and plot.data["index"] == [1, 2, 0]
    assert "none in 3" in plot.figure().texts[0].get_text()
