"""Its formula written out, and that padding changes nothing."""

import pytest
import torch
from torch.nn import functional as F

from mlcli.model.cnn1d import CNN1d


def test_computes_the_formula():
    model = CNN1d((7, 3), 2, width=4, depth=1, kernel_size=3, norm="none", pooling="mean")
    convolution = model.blocks[0].convolution
    inputs = torch.randn(5, 7, 3)
    maps = F.relu(F.conv1d(inputs.transpose(1, 2), convolution.weight, convolution.bias, padding=1))[..., ::2]
    torch.testing.assert_close(model(inputs), maps.mean(2) @ model.head.weight.T + model.head.bias)


@pytest.mark.parametrize("pooling", ["max", "mean"])
@pytest.mark.parametrize("norm", ["none", "batch_norm", "layer_norm"])
@pytest.mark.parametrize("length", [1, 5, 8])
def test_padding_changes_nothing(pooling: str, norm: str, length: int):
    torch.manual_seed(0)
    model = CNN1d((12, 3), 2, padded=True, width=4, norm=norm, pooling=pooling).eval()
    short = torch.randn(6, length, 3)
    expected = model(short)
    for more in (1, 4, 12 - length):
        longer = torch.cat([short, torch.full((6, more, 3), torch.nan)], 1)
        torch.testing.assert_close(model(longer), expected)


def test_tokens_are_embedded():
    model = CNN1d((9,), 2, vocabulary=5, padded=True, embedding=6)
    tokens = torch.tensor([[1, 2, 3, 4, 0, 0, 0, 0, 0], [4, 3, 2, 1, 1, 2, 3, 4, 1]])
    logits = model(tokens)
    assert logits.shape == (2, 2)
    logits.sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_even_kernels_have_no_centre():
    with pytest.raises(ValueError, match=r"model\.kernel_size=4: must be odd.* use model\.kernel_size=5"):
        CNN1d((8, 1), 2, kernel_size=4)
