import torch

from mlcli.model.lstm import LSTM


def test_computes_the_recurrence():
    model = LSTM((6, 3), 2, hidden_size=4)
    inputs = torch.randn(5, 6, 3)
    w, u, b, c = model.cells.parameters()
    state = memory = torch.zeros(5, 4)
    for x in inputs.unbind(1):
        inlet, forget, candidate, outlet = (x @ w.T + b + state @ u.T + c).chunk(4, dim=1)
        memory = torch.sigmoid(forget) * memory + torch.sigmoid(inlet) * torch.tanh(candidate)
        state = torch.sigmoid(outlet) * torch.tanh(memory)
    torch.testing.assert_close(model(inputs), model.head(state))


def test_layers_and_directions_are_torchs():
    model = LSTM((6, 3), 2, hidden_size=4, layers=2, bidirectional=True)
    _, (states, _) = model.cells(torch.randn(5, 6, 3))
    assert states.shape == (2 * 2, 5, 4)
    assert model.head.in_features == 2 * 4
