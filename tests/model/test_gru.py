import torch
from torch import nn

from mlcli.model.gru import GRU


def test_computes_the_recurrence():
    model = GRU((6, 3), 2, hidden_size=4)
    inputs = torch.randn(5, 6, 3)
    cell = nn.GRUCell(3, 4)
    cell.load_state_dict({name.removesuffix("_l0"): w for name, w in model.cells.state_dict().items()})
    state = torch.zeros(5, 4)
    for x in inputs.unbind(1):
        state = cell(x, state)
    torch.testing.assert_close(model(inputs), model.head(state))
