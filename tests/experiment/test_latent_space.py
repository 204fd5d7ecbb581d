from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlcli.experiment.latent_space import Space, accuracy, components


def test_knn_accuracy_and_principal_components() -> None:
    train = np.array([[0.0, 0, 0], [0, 1, 0], [1, 0, 0.1], [9, 0, 0], [9, 1, 0], [8, 0, 0.1], [8, 1, 0], [1, 1, 0]])
    labels = np.array(["left" if x < 5 else "right" for x in train[:, 0]])
    space = Space(train, np.array([[2.0, 0, 0], [7, 1, 0]]), 0.0)
    assert accuracy(space, labels, np.array(["left", "right"])) == 1
    assert accuracy(space, labels, np.array(["left", "left"])) == 0.5
    one, all_three = components(space, 1), components(space, 3)
    assert one.train.shape == (8, 1) and np.abs(np.corrcoef(one.train[:, 0], train[:, 0])[0, 1]) > 0.99
    assert one.mse > 0.05 and all_three.mse == pytest.approx(0, abs=1e-12)


def test_latent_spaces_hold_more_class_information_than_pca(experiment: Callable[..., Any]) -> None:
    conclusion = experiment(
        "latent_space",
        "data=digits",
        "model.code=2,8",
        "model.width=64",
        "trainer.epochs=25",
        "trainer.batch_size=32",
    )
    rows = {(row["space"], row["dimension"]): row for row in conclusion.rows}
    assert list(rows)[-1] == ("pixels", 64) and len(rows) == 7
    for name in ("autoencoder", "vae"):
        two, eight = rows[name, 2], rows[name, 8]
        assert eight["k-NN accuracy"] > two["k-NN accuracy"] > rows["PCA", 2]["k-NN accuracy"]
        assert two["mean squared error"] < 0.9 * rows["PCA", 2]["mean squared error"]
    assert "All spaces are learned without labels" in conclusion.sentence
    assert {"latent_space", "neighbours"} <= conclusion.figures()
