import pytest
import torch

from mlcli.model.gru import GRU
from mlcli.model.lstm import LSTM
from mlcli.model.recurrent import pool
from mlcli.model.rnn import RNN


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_last_is_the_final_state_of_the_top_layer(kind, bidirectional):
    model = kind((6, 3), 2, hidden_size=4, layers=2, bidirectional=bidirectional)
    states, final = model.cells(torch.randn(5, 6, 3))
    final = final[0] if kind is LSTM else final
    expected = torch.cat([final[-2], final[-1]], dim=1) if bidirectional else final[-1]
    torch.testing.assert_close(model.pool(states), expected)


def test_mean_is_over_the_steps():
    states = torch.randn(5, 6, 4)
    torch.testing.assert_close(pool("mean", False, 0.0)(states), states.sum(1) / 6)


def test_unknown_pooling_lists_the_choices():
    with pytest.raises(ValueError, match=r"model\.pooling=first: .* last, mean"):
        pool("first", False, 0.0)
