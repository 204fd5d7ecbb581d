import pytest
import torch
from torch import nn

from mlcli.model.transformer import Transformer
from mlcli.model.transformer_layers import Block

INPUTS = torch.randn(5, 6, 3, generator=torch.Generator().manual_seed(0))
TOKENS = torch.tensor([[3, 1, 4, 1, 5, 8], [2, 6, 5, 0, 0, 0], [7, 0, 0, 0, 0, 0]])
SMALL = {"d_model": 8, "heads": 2}
positions = pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary"])


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_a_block_equals_torchs_encoder_layer(norm, activation):
    own = Block(8, 2, 16, norm=norm, activation=activation)
    torchs = nn.TransformerEncoderLayer(
        8, 2, 16, dropout=0.0, activation=activation, batch_first=True, norm_first=norm == "pre"
    )
    names = {
        "mixing.project.weight": "self_attn.in_proj_weight",
        "mixing.mix": "self_attn.out_proj",
        "feed_forward.widen": "linear1",
        "feed_forward.narrow": "linear2",
        "mixing_norm": "norm1",
        "feed_forward_norm": "norm2",
    }
    state = own.state_dict()
    for name in list(state):
        place = name if name in names else name.rpartition(".")[0]
        state[name.replace(place, names[place])] = state.pop(name)
    torchs.load_state_dict(state | {"self_attn.in_proj_bias": torch.zeros(24)})
    inputs, mask = torch.randn(3, 6, 8), TOKENS != 0
    torch.testing.assert_close(own(inputs), torchs(inputs), rtol=0, atol=2e-6)
    expected = torchs(inputs, src_key_padding_mask=~mask)
    torch.testing.assert_close(own(inputs, mask)[mask], expected[mask], rtol=0, atol=2e-6)


@positions
@pytest.mark.parametrize("norm", ["pre", "post"])
def test_later_steps_do_not_change_earlier_outputs_of_a_causal_one(positions, norm):
    model = Transformer((6, 3), 2, per_step=True, causal=True, positions=positions, norm=norm, **SMALL)
    changed = INPUTS.clone()
    changed[:, 4:] += 1
    first, second = model(INPUTS), model(changed)
    assert first.shape == (5, 6, 2)
    assert torch.equal(first[:, :4], second[:, :4]) and not torch.isclose(first[:, 4:], second[:, 4:]).any()
    both_ways = Transformer((6, 3), 2, per_step=True, positions=positions, norm=norm, **SMALL)
    assert not torch.isclose(both_ways(INPUTS)[:, :4], both_ways(changed)[:, :4]).all()


@positions
@pytest.mark.parametrize("pooling", ["mean", "class_token"])
def test_padding_changes_nothing(positions, pooling):
    model = Transformer((6,), 2, vocabulary=9, padded=True, positions=positions, pooling=pooling, **SMALL)
    alone = torch.cat([model(tokens[tokens != 0].unsqueeze(0)) for tokens in TOKENS])
    torch.testing.assert_close(model(TOKENS), alone, rtol=0, atol=2e-6)


def test_padded_sequences_are_as_without_their_padding():
    model = Transformer((6, 3), 2, padded=True, **SMALL)
    padded = INPUTS.clone()
    padded[:, 4:] = torch.nan
    torch.testing.assert_close(model(padded), model(INPUTS[:, :4]), rtol=0, atol=2e-6)


@pytest.mark.parametrize(("pooling", "steps"), [("mean", 6), ("class_token", 7)])
def test_attention_of_each_layer_and_head(pooling, steps):
    model = Transformer((6,), 2, vocabulary=9, padded=True, pooling=pooling, layers=3, **SMALL)
    weights = model.attention(TOKENS)
    assert weights.shape == (3, 3, 2, steps, steps)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 3, 2, steps))
    assert (weights[1, ..., steps - 3 :] == 0).all()
    first = model.blocks[0]
    states, mask = model._embed(TOKENS)
    expected = first.mixing.with_weights(first.mixing_norm(states), mask)[1]
    torch.testing.assert_close(weights[:, 0], expected)


def test_order_matters_with_any_positions_and_not_without():
    for name in ("learned", "sinusoidal", "rotary"):
        model = Transformer((6, 3), 2, positions=name, **SMALL)
        assert not torch.allclose(model(INPUTS), model(INPUTS.flip(1)), atol=1e-4), name
    with torch.no_grad():
        model = Transformer((6, 3), 2, **SMALL)
        model.placed.positions.learned.zero_()
    torch.testing.assert_close(model(INPUTS), model(INPUTS.flip(1)), rtol=0, atol=1e-6)


def test_what_cannot_be_says_what_to_type():
    with pytest.raises(ValueError, match=r"model.causal=true.*use model.pooling=mean"):
        Transformer((6, 3), 2, causal=True, pooling="class_token")
    with pytest.raises(ValueError, match=r"model.norm=none: .* Choices: pre, post"):
        Transformer((6, 3), 2, norm="none")
    with pytest.raises(ValueError, match=r"Choices: mean, class_token"):
        Transformer((6, 3), 2, pooling="last")
    with pytest.raises(ValueError, match=r"model.heads=1\|2\|4\|8\|16"):
        Transformer((6, 3), 2, d_model=16, heads=3)
