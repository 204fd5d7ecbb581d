from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlcli.experiment.denoising_autoencoder import through_pca


def test_pca_projects_onto_the_plane_of_the_clean_examples() -> None:
    generator = np.random.default_rng(0)
    plane = generator.normal(size=(2, 4))
    train, test = generator.normal(size=(50, 2)) @ plane + 3, generator.normal(size=(5, 2)) @ plane + 3
    across = np.linalg.svd(plane)[2][2:]  # orthogonal to all clean examples
    noisy = test + generator.normal(size=(5, 2)) @ across
    projected = through_pca(train.reshape(50, 1, 2, 2), noisy.reshape(5, 1, 2, 2), 2)
    assert projected.reshape(5, 4) == pytest.approx(test, abs=1e-6)


def test_an_autoencoder_beats_the_identity_and_pca_with_strong_noise(experiment: Callable[..., Any]) -> None:
    conclusion = experiment(
        "denoising_autoencoder", "data=digits", "task.noise=1.0,2.0", "model.code=8", "model.width=128",
        "trainer.epochs=30",
    )  # fmt: skip
    weak, strong = conclusion.rows
    assert (weak["noise"], strong["noise"], strong["latent dimension"]) == (1.0, 2.0, 8)
    assert strong["identity baseline"] == pytest.approx(4 * weak["identity baseline"], rel=1e-4)
    for row in conclusion.rows:
        assert row["autoencoder"] < 0.97 * row["PCA"] < 0.6 * row["identity baseline"]
    assert "lowest error at 2 of 2 noise levels" in conclusion.sentence
    assert {"denoising", "denoised_1", "denoised_2"} <= conclusion.figures()
