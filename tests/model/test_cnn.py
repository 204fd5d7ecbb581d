import pytest
import torch
from torch.nn import functional as F

from mlcli.model.cnn import CNN


def test_computes_the_formula():
    model = CNN((1, 8, 8), 2, width=4, depth=1, norm="none", pooling="mean")
    convolution = model.blocks[0].convolution
    images = torch.randn(5, 1, 8, 8)
    maps = F.relu(F.conv2d(images, convolution.weight, convolution.bias, padding=1))
    pooled = maps.reshape(5, 4, 4, 2, 4, 2).mean(dim=(3, 5))
    torch.testing.assert_close(model(images), pooled.flatten(1) @ model.head.weight.T + model.head.bias)


def test_blocks_double_channels_and_halve_the_image():
    maps = torch.randn(2, 3, 12, 9)
    model = CNN((3, 12, 9), 2, width=4, depth=3, kernel_size=5)
    shapes = []
    for block in model.blocks:
        maps = block(maps)
        shapes.append(tuple(maps.shape[1:]))
    assert shapes == [(4, 6, 4), (8, 3, 2), (16, 1, 1)]
    assert model(torch.randn(2, 3, 12, 9)).shape == (2, 2)


def test_layer_norm_normalises_each_image():
    model = CNN((1, 8, 8), 2, norm="layer_norm")
    maps = model.blocks[0].norm(model.blocks[0].convolution(torch.randn(5, 1, 8, 8) * 9 + 4))
    torch.testing.assert_close(maps.mean(dim=(1, 2, 3)), torch.zeros(5), atol=1e-5, rtol=0)
    torch.testing.assert_close(maps.var(dim=(1, 2, 3), unbiased=False), torch.ones(5), atol=1e-3, rtol=0)


def test_too_deep_for_the_image():
    with pytest.raises(ValueError, match=r"model\.depth=4: images of 8×8 pixels .* use model\.depth=3"):
        CNN((1, 8, 8), 2, depth=4)


def test_even_kernels_have_no_centre():
    with pytest.raises(ValueError, match=r"model\.kernel_size=4: must be odd.* use model\.kernel_size=5"):
        CNN((1, 8, 8), 2, kernel_size=4)
