import pytest
import torch

from mlcli.model.autoencoder import Autoencoder


def test_widths_are_halved_down_to_the_code_and_doubled_again() -> None:
    model = Autoencoder((10,), code=3, width=8, depth=3)
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items() if name.endswith("weight")}
    assert [shapes[f"encoder.hidden.{i}.linear.weight"] for i in range(3)] == [(8, 10), (4, 8), (2, 4)]
    assert shapes["encoder.code.weight"] == (3, 2)
    assert [shapes[f"decoder.hidden.{i}.linear.weight"] for i in range(3)] == [(2, 3), (4, 2), (8, 4)]
    assert shapes["decoder.outputs.weight"] == (10, 8)


@pytest.mark.parametrize(("depth", "activation"), [(0, "relu"), (2, "none")])
def test_without_activations_it_is_one_linear_map(depth: int, activation: str) -> None:
    torch.manual_seed(0)
    model = Autoencoder((6,), code=2, width=8, depth=depth, activation=activation)
    a, b = torch.randn(2, 4, 6)
    torch.testing.assert_close(model(a) + model(b) - model(torch.zeros(4, 6)), model(a + b))
    assert torch.linalg.matrix_rank(model(a) - model(torch.zeros(4, 6)), atol=1e-5) == 2


def test_forward_is_encode_and_decode() -> None:
    model, inputs = Autoencoder((6,), code=2), torch.randn(4, 6)
    assert model.encode(inputs).shape == (4, 2)
    torch.testing.assert_close(model(inputs), model.decode(model.encode(inputs)))


def test_a_width_that_cannot_be_halved_is_told() -> None:
    with pytest.raises(ValueError, match=r"model.width=8 or more, or model.depth=3 or less"):
        Autoencoder((6,), width=4, depth=4)
