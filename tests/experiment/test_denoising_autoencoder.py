from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlcli.experiment.denoising_autoencoder import through_pca


def test_pca_keeps_what_lies_in_the_plane_of_the_clean_examples() -> None:
    draw = np.random.default_rng(0)
    plane = draw.normal(size=(2, 4))
    train, test = draw.normal(size=(50, 2)) @ plane + 3, draw.normal(size=(5, 2)) @ plane + 3
    across = np.linalg.svd(plane)[2][2:]  # what no clean example has
    noisy = test + draw.normal(size=(5, 2)) @ across
    kept = through_pca(train.reshape(50, 1, 2, 2), noisy.reshape(5, 1, 2, 2), 2)
    assert kept.reshape(5, 4) == pytest.approx(test, abs=1e-6)


def test_an_autoencoder_beats_doing_nothing_and_pca_where_noise_is_strong(experiment: Callable[..., Any]) -> None:
    told = experiment(
        "denoising_autoencoder", "data=digits", "task.noise=1.0,2.0", "model.code=8", "model.width=128",
        "trainer.epochs=30",
    )  # fmt: skip
    weak, strong = told.rows
    assert (weak["noise"], strong["noise"], strong["numbers in the code"]) == (1.0, 2.0, 8)
    assert strong["doing nothing"] == pytest.approx(4 * weak["doing nothing"], rel=1e-4)
    for row in told.rows:
        assert row["autoencoder"] < 0.97 * row["PCA"] < 0.6 * row["doing nothing"]
    assert "nearest to the clean images at 2 of 2 strengths" in told.sentence
    assert {"denoising", "denoised_1", "denoised_2"} <= told.figures()
