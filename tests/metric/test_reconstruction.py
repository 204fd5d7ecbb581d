import json
from pathlib import Path

import numpy as np
import pytest

from mlcli.metric.latent import latent_space
from mlcli.metric.reconstruction import SHOWN, Rebuilt, plots, scores

SHAPES = {"image": (1, 8, 8), "colour": (3, 70, 70), "sequence": (20, 2), "vector": (6,)}


def found(kind: str, noisy: bool) -> Rebuilt:
    """Of which the reconstruction of example i is off by i / 10 everywhere, and the noisy input by 5."""
    clean = np.random.default_rng(0).normal(size=(30, *SHAPES[kind])).astype(np.float32)
    off = np.arange(30, dtype=np.float32).reshape(30, *[1] * len(SHAPES[kind])) / 10
    return Rebuilt(clean, clean + off, clean + 5, "noisy") if noisy else Rebuilt(clean, clean + off)


def test_scores_against_formulas() -> None:
    rebuilt = found("image", noisy=True)
    mse, reach = np.mean((np.arange(30) / 10) ** 2), rebuilt.clean.max() - rebuilt.clean.min()
    expected = {"mse": mse, "corrupted_mse": 25, "psnr": 20 * np.log10(reach) - 10 * np.log10(mse)}
    assert scores(rebuilt) == pytest.approx(expected, rel=1e-5)
    assert set(scores(found("vector", noisy=False))) == {"mse"}


@pytest.mark.parametrize("noisy", [True, False])
@pytest.mark.parametrize("kind", SHAPES)
def test_strips_and_errors_are_drawn(kind: str, noisy: bool, tmp_path: Path) -> None:
    spread, worst, distribution = plots(found(kind, noisy))
    assert list(spread.data["rows"]) == ["clean", "noisy", "rebuilt"] if noisy else ["clean", "rebuilt"]
    assert spread.data["index"][0] == 0 and spread.data["index"][-1] == 29
    assert worst.data["index"] == list(range(29, 29 - SHOWN, -1))
    assert worst.data["errors"]["rebuilt"] == sorted(worst.data["errors"]["rebuilt"], reverse=True)
    assert all(sum(counts) == 30 for counts in distribution.data["counts"].values())
    for plot in (spread, worst, distribution):
        plot.save(tmp_path)
        assert json.loads((tmp_path / f"{plot.name}.json").read_text()) == plot.data


def test_black_and_white_are_those_of_the_clean_images() -> None:
    rows = plots(found("image", noisy=True))[0].data["rows"]
    assert np.max(rows["clean"]) <= 255 and np.min(rows["noisy"]) > np.min(rows["clean"])
    assert np.shape(plots(found("colour", noisy=False))[0].data["rows"]["rebuilt"]) == (SHOWN, 35, 35, 3)


def test_what_is_not_finite_is_not_drawn() -> None:
    rebuilt = found("vector", noisy=False)
    assert plots(Rebuilt(rebuilt.clean, rebuilt.rebuilt * np.nan)) == []


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
