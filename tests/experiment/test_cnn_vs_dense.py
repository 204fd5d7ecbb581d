from collections.abc import Callable
from typing import Any

import torch

from mlcli.experiment.cnn_vs_dense import shifted


def test_shifted_images_are_padded_with_the_smallest_value() -> None:
    image = torch.tensor([[1.0, 2.0], [3.0, 4.0]])[None, None]
    assert shifted(image, 1, 0)[0, 0].tolist() == [[1, 1], [1, 3]]
    assert shifted(image, 0, -1)[0, 0].tolist() == [[3, 4], [1, 1]]
    assert torch.equal(shifted(image, 0, 0), image)


def test_a_cnn_is_better_also_on_shifted_images(experiment: Callable[..., Any]) -> None:
    conclusion = experiment("cnn_vs_dense", "trainer.epochs=2", "trainer.seed=0", "variant=cnn,dense")
    cnn, dense = conclusion.rows
    assert (cnn["network"], dense["network"]) == ("cnn", "dense")
    assert abs(cnn["parameters"] / dense["parameters"] - 1) < 0.01
    assert cnn["accuracy"] > dense["accuracy"] > 0.8
    assert cnn["shifted by 2"] > dense["shifted by 2"] + 0.05
    assert dense["shifted by 4"] < dense["shifted by 1"] < dense["accuracy"]
    assert "cnn is better on both" in conclusion.sentence
    assert "shifted" in conclusion.figures()
