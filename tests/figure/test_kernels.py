"""Which kernels a run on images shows, and what they make of them."""

import numpy as np
import torch
from torch.nn import functional as F

from mlcli.run.build import Parts, build
from tests.configs import run_config


def parts_of(*overrides: str) -> Parts:
    return build(run_config("device=cpu", "data=digits", *overrides))


def test_feature_maps_are_what_the_first_convolution_makes_of_images() -> None:
    parts = parts_of("model=cnn")
    plots = {plot.name: plot.data for plot in parts.task.evaluate("test", full=True).plots()}
    data, layer = plots["kernels"], next(m for m in parts.model.modules() if isinstance(m, torch.nn.Conv2d))
    assert data["rows"] == ["kernel", "0", "1", "2", "3"] and len(data["columns"]) == 9
    np.testing.assert_allclose(data["cells"][0][1], layer.weight[0, 0].detach(), rtol=1e-6)
    for row in data["cells"][1:]:
        image = (torch.tensor(row[0])[None, None] - parts.data.standardise.mean) / parts.data.standardise.std
        expected = F.conv2d(image, layer.weight, layer.bias, padding=layer.padding)[0, 2]
        np.testing.assert_allclose(row[3], expected.detach(), rtol=1e-4, atol=1e-5)


def test_a_network_without_convolutions_shows_none() -> None:
    plots = parts_of("model=mlp").task.evaluate("test", full=True).plots()
    assert "kernels" not in {plot.name for plot in plots}
