import pytest
import torch

from mlcli.model.rnn import RNN


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_computes_the_recurrence(activation):
    model = RNN((6, 3), 2, hidden_size=4, activation=activation)
    inputs = torch.randn(5, 6, 3)
    w, u, b, c = model.cells.parameters()
    state = torch.zeros(5, 4)
    for x in inputs.unbind(1):
        state = getattr(torch, activation)(x @ w.T + b + state @ u.T + c)
    torch.testing.assert_close(model(inputs), model.head(state))
