import math

import numpy as np
import torch
from torch.func import functional_call, stack_module_state

from mlcli.model.table_layers import Categories, MemberLinear, Periodic, PiecewiseLinear, average


def test_the_average_is_of_numbers_or_of_probabilities():
    numbers, logits = torch.randn(5, 3, 1), torch.randn(5, 3, 4)
    torch.testing.assert_close(average(numbers), numbers.mean(1))
    torch.testing.assert_close(average(logits).exp(), logits.softmax(2).mean(1))


def test_each_member_has_a_linear_layer():
    layer, x_KBI = MemberLinear(3, 4, 2), torch.randn(3, 5, 4)
    for member in range(3):
        torch.testing.assert_close(layer(x_KBI)[member], x_KBI[member] @ layer.weight[member] + layer.bias[member])


def encoded(x: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The definition in Gorishniy et al. 2022, equation 1, by loops."""
    out = np.zeros((len(x), len(edges) - 1))
    for row, number in enumerate(x):
        for t in range(1, len(edges)):
            if number < edges[t - 1] and t > 1:
                out[row, t - 1] = 0
            elif number >= edges[t] and t < len(edges) - 1:
                out[row, t - 1] = 1
            else:
                out[row, t - 1] = (number - edges[t - 1]) / (edges[t] - edges[t - 1])
    return out


def test_a_piecewise_linear_embedding_equals_its_definition():
    torch.manual_seed(0)
    layer = PiecewiseLinear(2, 6, 3).double()
    rows = torch.randn(500, 2, dtype=torch.float64)
    layer.fit(rows)
    inputs = 3 * torch.randn(50, 2, dtype=torch.float64)  # some beyond the outer edges
    layer.bin_weight.data.normal_()
    expected = []
    for place in range(2):
        edges = np.quantile(rows[:, place].numpy(), np.linspace(0, 1, 7))
        np.testing.assert_allclose(layer.edges[place], edges)
        bins = encoded(inputs[:, place].numpy(), edges)
        np.testing.assert_allclose(layer.encode(inputs)[:, place], bins, atol=1e-12)
        plain = inputs[:, place, None] * layer.weight[place] + layer.bias[place]
        expected.append(plain + torch.from_numpy(bins) @ layer.bin_weight[place])
    torch.testing.assert_close(layer(inputs), torch.cat(expected, 1))


def test_equal_quantiles_are_one_edge_and_bins_without_width_are_zero():
    layer = PiecewiseLinear(2, 4, 2)
    rows = torch.stack([torch.tensor([0.0] * 8 + [1.0] * 2), torch.full((10,), 3.0)], 1)
    layer.fit(rows)
    assert layer.edges.tolist() == [[0, 1, 1, 1, 1], [3, 3, 3, 3, 3]]
    inputs = torch.tensor([[0.25, 3.0], [2.0, 9.0]])
    assert layer.encode(inputs).tolist() == [[[0.25, 0, 0, 0], [0, 0, 0, 0]], [[2, 0, 0, 0], [0, 0, 0, 0]]]
    assert layer(inputs).isfinite().all()


def test_the_bins_of_many_rows_come_from_some_of_them(monkeypatch):
    monkeypatch.setattr("mlcli.model.table_layers.SAMPLED", 10)
    layer = PiecewiseLinear(1, 2, 2)
    layer.fit(torch.arange(95.0).unsqueeze(1))
    assert layer.edges.tolist() == [[0, 45, 90]]


def test_a_periodic_embedding_equals_its_definition():
    layer, x_BD = Periodic(2, 3, 5, 4, sigma=0.1), torch.randn(6, 3)
    out = layer(x_BD).view(2, 6, 3, 4)
    for member, number in ((0, 0), (1, 2)):
        x = x_BD[:, number, None]
        waves = torch.cos(2 * math.pi * x * layer.frequency[member, number] + layer.phase[member, number])
        expected = torch.cat([x, waves @ layer.weight[member, number] + layer.bias[member, number]], 1)
        torch.testing.assert_close(out[member, :, number], expected)


def test_categories_are_one_hot_or_embedded():
    layer = Categories(2, (3, 12, 4, 11), size=5, most_one_hot=9)
    codes = torch.tensor([[0.0, 11, 3, 0], [2, 0, 1, 10]])
    out = layer(codes)
    assert out.shape == (2, 2, layer.features) and layer.features == 2 + 3 + 2 * 5
    assert out[0, :, :5].tolist() == [[0, 0, 0, 0, 1], [0, 1, 1, 0, 0]]
    for member in range(2):
        table = layer.table[member]
        expected = torch.stack([torch.cat([table[11], table[12]]), torch.cat([table[0], table[22]])])
        torch.testing.assert_close(out[member, :, 5:], expected)


def test_stacked_categories_equal_alone():
    """Also the gradients of rows that several examples share, and with codes of each trial's own."""
    layers = [Categories(2, (3, 12), size=5, most_one_hot=9) for _ in range(3)]
    codes = torch.stack(
        [torch.randint(0, 3, (20, 2)), torch.randint(0, 3, (20, 2)), torch.randint(0, 3, (20, 2))]
    ).float()
    alone = torch.stack([layer(own) for layer, own in zip(layers, codes, strict=True)])
    alone.square().sum().backward()
    expected = torch.stack([layer.table.grad for layer in layers])
    weights, buffers = stack_module_state(layers)
    out = torch.vmap(lambda w, b, own: functional_call(layers[0], (w, b), (own,)))(weights, buffers, codes)
    out.square().sum().backward()
    torch.testing.assert_close(out, alone)
    torch.testing.assert_close(weights["table"].grad, expected)
