import pytest
import torch

from mlcli.model.vit import ViT

SMALL = {"d_model": 8, "heads": 2, "layers": 2}
IMAGES = torch.randn(3, 2, 8, 12, generator=torch.Generator().manual_seed(0))


def cut(images, side):
    """B × C × H × W → B × N × C × side × side, row by row."""
    patches = images.unfold(2, side, side).unfold(3, side, side)
    return patches.permute(0, 2, 3, 1, 4, 5).flatten(1, 2)


def joined(patches, rows):
    """The inverse of `cut`."""
    grid = patches.unflatten(1, (rows, -1)).permute(0, 3, 1, 4, 2, 5)
    return grid.flatten(4, 5).flatten(2, 3)


def test_patches_are_embedded_by_one_linear_map_behind_the_token():
    model = ViT((2, 8, 12), 3, **SMALL)
    begun = model._embed(IMAGES) - model.positions
    weight, bias = model.patches.weight.flatten(1), model.patches.bias
    torch.testing.assert_close(begun[:, 1:], cut(IMAGES, 4).flatten(2) @ weight.T + bias)
    assert torch.equal(begun[:, 0], model.token[0].expand(3, -1))
    assert model.attention(IMAGES).shape == (3, 2, 2, 7, 7)


def test_only_the_positions_tell_where_a_patch_stands():
    model = ViT((2, 8, 12), 3, **SMALL).double().eval()
    images = IMAGES.double()
    shuffled = joined(cut(images, 4)[:, [3, 1, 5, 0, 2, 4]], rows=2)
    assert not torch.isclose(model(images), model(shuffled)).any()
    torch.nn.init.zeros_(model.positions)
    torch.testing.assert_close(model(images), model(shuffled), rtol=1e-10, atol=1e-10)


def test_an_image_that_cannot_be_cut_is_told_what_can():
    with pytest.raises(ValueError, match=r"model\.patch=3: images of 8×12 .* use model\.patch=1\|2\|4\."):
        ViT((1, 8, 12), 2, patch=3)
    with pytest.raises(ValueError, match=r"model\.d_model=8 cannot be divided among model\.heads=3"):
        ViT((1, 8, 8), 2, d_model=8, heads=3)
