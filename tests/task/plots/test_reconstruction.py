"""Plots of reconstructions: which examples they show, and that they can be written."""

import json
from pathlib import Path

import numpy as np
import pytest

from mlcli.metric.reconstruction import Rebuilt
from mlcli.task.plots.reconstruction import SHOWN, plots
from tests.predictions import SHAPES, reconstructed


@pytest.mark.parametrize("noisy", [True, False])
@pytest.mark.parametrize("kind", SHAPES)
def test_strips_and_errors_are_drawn(kind: str, noisy: bool, tmp_path: Path) -> None:
    spread, worst, distribution = plots(reconstructed(kind, noisy))
    assert list(spread.data["rows"]) == ["clean", "noisy", "rebuilt"] if noisy else ["clean", "rebuilt"]
    assert spread.data["index"][0] == 0 and spread.data["index"][-1] == 29
    assert worst.data["index"] == list(range(29, 29 - SHOWN, -1))
    assert worst.data["errors"]["rebuilt"] == sorted(worst.data["errors"]["rebuilt"], reverse=True)
    assert all(sum(counts) == 30 for counts in distribution.data["counts"].values())
    for plot in (spread, worst, distribution):
        plot.save(tmp_path)
        assert json.loads((tmp_path / f"{plot.name}.json").read_text()) == plot.data


def test_black_and_white_are_those_of_the_clean_images() -> None:
    rows = plots(reconstructed("image", noisy=True))[0].data["rows"]
    assert np.max(rows["clean"]) <= 255 and np.min(rows["noisy"]) > np.min(rows["clean"])
    assert np.shape(plots(reconstructed("colour", noisy=False))[0].data["rows"]["rebuilt"]) == (SHOWN, 35, 35, 3)


def test_what_is_not_finite_is_not_drawn() -> None:
    rebuilt = reconstructed("vector", noisy=False)
    assert plots(Rebuilt(rebuilt.clean, rebuilt.rebuilt * np.nan)) == []
