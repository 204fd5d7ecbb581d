import pytest
import torch

from mlcli.model.conv_autoencoder import ConvAutoencoder


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28), (2, 7, 13)])
def test_images_of_any_size_come_back_in_their_size(shape: tuple[int, ...]) -> None:
    model, images = ConvAutoencoder(shape, code=5, width=4, depth=3), torch.randn(2, *shape)
    assert model.encode(images).shape == (2, 5)
    assert model(images).shape == images.shape


def test_blocks_halve_and_double() -> None:
    model = ConvAutoencoder((1, 28, 28), code=5, width=4, depth=2)
    sizes = []
    for block in (*model.encoder.blocks, *model.decoder.blocks, model.decoder.enlarge):
        block.register_forward_hook(lambda module, inputs, output: sizes.append(tuple(output.shape[1:])))
    model(torch.randn(2, 1, 28, 28))
    assert sizes == [(4, 14, 14), (8, 7, 7), (8, 14, 14), (4, 14, 14), (4, 28, 28)]


@pytest.mark.parametrize(
    ("settings", "word"), [({"depth": 4}, "model.depth=3 or less"), ({"kernel_size": 4}, "model.kernel_size=5")]
)
def test_what_cannot_be_is_told(settings: dict[str, int], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        ConvAutoencoder((1, 8, 8), **settings)
