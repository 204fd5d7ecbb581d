import torch

from mlcli.model.linear import Linear


def test_is_weights_times_inputs_plus_bias():
    model = Linear((3,), 2)
    inputs = torch.randn(5, 3)
    torch.testing.assert_close(model(inputs), inputs @ model.head.weight.T + model.head.bias)
    assert sum(p.numel() for p in model.parameters()) == 3 * 2 + 2
