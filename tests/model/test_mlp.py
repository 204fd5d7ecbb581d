import torch

from mlcli.model.mlp import MLP


def test_computes_the_formula():
    model = MLP((3,), 2, width=4, depth=2, activation="tanh", norm="none")
    first, second = (block.linear for block in model.hidden)
    inputs = torch.randn(5, 3)
    hidden = torch.tanh(torch.tanh(inputs @ first.weight.T + first.bias) @ second.weight.T + second.bias)
    torch.testing.assert_close(model(inputs), hidden @ model.head.weight.T + model.head.bias)


def test_width_and_depth_are_the_hidden_layers():
    model = MLP((3,), 2, width=4, depth=3, norm="none")
    assert [tuple(block.linear.weight.shape) for block in model.hidden] == [(4, 3), (4, 4), (4, 4)]


def test_norm_comes_before_activation():
    model = MLP((3,), 2, norm="batch_norm", activation="relu", dropout=0.1)
    assert list(dict(model.hidden[0].named_children())) == ["linear", "norm", "activation", "dropout"]
