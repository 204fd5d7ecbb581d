"""Codes of any dimension in the plane."""

import json
from pathlib import Path

import numpy as np
import pytest

from mlcli.task.plots.latent import latent_space


@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("labels", ["classes", "numbers", "none"])
def test_latent_space(width: int, labels: str, tmp_path: Path) -> None:
    codes = np.random.default_rng(0).normal(size=(40, width)) * np.arange(1, width + 1)
    given = {"classes": np.array(["a", "b"] * 20), "numbers": np.arange(40.0), "none": None}[labels]
    plot = latent_space({"": codes}, given, ("a", "b") if labels == "classes" else ())
    points = np.array(plot.data["panels"][0]["points"])
    assert points.shape == (40, 2)
    if width == 2:
        np.testing.assert_array_equal(points, codes)
    if width == 5:
        variances = np.linalg.eigvalsh(np.cov(codes.T))[::-1]
        np.testing.assert_allclose(points.var(0, ddof=1), variances[:2], rtol=1e-3)
        assert f"({variances[0] / variances.sum():.0%} of variance)" in plot.data["panels"][0]["axes"][0]
    plot.save(tmp_path)
    assert json.loads((tmp_path / "latent_space.json").read_text()) == plot.data
