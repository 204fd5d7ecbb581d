import numpy as np
import torch

from mlcli.model.scratch.lstm_cell import Weights, sequence, step


def test_equals_torchs_lstm_with_its_weights():
    cells = torch.nn.LSTM(3, 4, batch_first=True).double()
    inputs = torch.randn(5, 6, 3, dtype=torch.float64)
    w, u, b, c = (each.detach().numpy() for each in cells.parameters())
    expected, (_, memory) = cells(inputs)
    states, own_memory = sequence(inputs.numpy(), Weights(w, u, b + c))
    np.testing.assert_allclose(states, expected.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(own_memory, memory[0].detach().numpy(), atol=1e-12)


def test_one_step_equals_torchs_cell():
    cell = torch.nn.LSTMCell(3, 4).double()
    x, state, memory = (torch.randn(5, size, dtype=torch.float64) for size in (3, 4, 4))
    w, u, b, c = (each.detach().numpy() for each in cell.parameters())
    found = step(x.numpy(), state.numpy(), memory.numpy(), Weights(w, u, b + c))
    for own, torchs in zip(found, cell(x, (state, memory)), strict=True):
        np.testing.assert_allclose(own, torchs.detach().numpy(), atol=1e-12)


def test_an_open_gate_keeps_the_memory_and_a_shut_one_forgets_it():
    none, memory = np.zeros((1, 1)), np.full((1, 1), 0.7)
    keeps, forgets = (
        Weights(np.zeros((4, 1)), np.zeros((4, 1)), np.array([-50.0, gate, 0.0, 0.0])) for gate in (50, -50)
    )
    assert abs(step(none, none, memory, keeps)[1].item() - 0.7) < 1e-12
    assert abs(step(none, none, memory, forgets)[1].item()) < 1e-12
