from itertools import product

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mlcli.model.scratch.convolution import SOBEL_X, SOBEL_Y, conv2d, max_pool2d, mean_pool2d

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.normal(size=(2, 3, 11, 9))
STRIDES, PADDINGS, DILATIONS = (1, 2, (3, 1)), (0, 1, (2, 0)), (1, 2, (1, 3))


@pytest.mark.parametrize(("stride", "padding", "dilation"), list(product(STRIDES, PADDINGS, DILATIONS)))
@pytest.mark.parametrize("size", [(1, 1), (3, 3), (2, 3)])
def test_convolution_equals_torchs(size, stride, padding, dilation):
    kernels, bias = RANDOM.normal(size=(5, 3, *size)), RANDOM.normal(size=5)
    settings = {"stride": stride, "padding": padding, "dilation": dilation}
    expected = F.conv2d(*map(torch.from_numpy, (IMAGES, kernels, bias)), **settings).numpy()
    np.testing.assert_allclose(conv2d(IMAGES, kernels, bias, **settings), expected, atol=1e-12)


@pytest.mark.parametrize("stride", [None, *STRIDES])
@pytest.mark.parametrize("padding", [0, 1, (1, 0)])
def test_pooling_equals_torchs(stride, padding):
    images = torch.from_numpy(IMAGES)
    for window in (2, 3, (3, 2)):
        mean = F.avg_pool2d(images, window, stride, padding).numpy()
        np.testing.assert_allclose(mean_pool2d(IMAGES, window, stride=stride, padding=padding), mean, atol=1e-12)
        for dilation in (1, 2):
            largest = F.max_pool2d(images, window, stride, padding, dilation).numpy()
            found = max_pool2d(IMAGES, window, stride=stride, padding=padding, dilation=dilation)
            np.testing.assert_array_equal(found, largest)


def test_single_precision_stays_single():
    images = IMAGES.astype(np.float32)
    kernels = np.ones((1, 3, 3, 3), dtype=np.float32)
    for found in (conv2d(images, kernels), max_pool2d(images, 2), mean_pool2d(images, 2)):
        assert found.dtype == np.float32


def test_sobel_answers_to_edges_by_their_direction():
    brighter_to_the_right = np.repeat([[0.0, 0, 0, 1, 1, 1]], 6, 0)[None, None]
    found = conv2d(brighter_to_the_right, np.stack([SOBEL_X, SOBEL_Y])[:, None])[0]
    np.testing.assert_array_equal(found[0], np.repeat([[0.0, 4, 4, 0]], 4, 0))
    np.testing.assert_array_equal(found[1], np.zeros((4, 4)))


def test_what_does_not_fit_says_so():
    with pytest.raises(ValueError, match="images have 3 channels and the kernels 2"):
        conv2d(IMAGES, np.ones((1, 2, 3, 3)))
    with pytest.raises(ValueError, match="over 13 pixels does not fit into 11"):
        conv2d(IMAGES, np.ones((1, 3, 3, 3)), dilation=6)
    with pytest.raises(ValueError, match="more than half of the window"):
        max_pool2d(IMAGES, 2, padding=2)
