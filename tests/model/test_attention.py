import torch

from mlcli.model.attention import Attention


def test_computes_attention_from_its_weights():
    model = Attention((6, 3), 2, d_model=4)
    inputs = torch.randn(5, 6, 3)
    weights = model.attention(inputs)
    assert weights.shape == (5, 1, 6, 6)
    states = model.placed.project(inputs) + model.placed.positions.learned
    query, key, value = model.layer.project(states).chunk(3, -1)
    torch.testing.assert_close(weights[:, 0], (query @ key.mT / 4**0.5).softmax(-1))
    torch.testing.assert_close(model(inputs), model.head(model.layer.mix(weights[:, 0] @ value).mean(1)))


def test_padding_changes_nothing_and_is_not_looked_at():
    model = Attention((6,), 2, vocabulary=9, padded=True, heads=2)
    tokens = torch.tensor([[3, 1, 4, 0, 0, 0]])
    torch.testing.assert_close(model(tokens), model(tokens[:, :3]), rtol=0, atol=1e-6)
    assert (model.attention(tokens)[..., 3:] == 0).all()


def test_answers_each_step():
    assert Attention((6, 3), 2, per_step=True)(torch.randn(5, 6, 3)).shape == (5, 6, 2)
