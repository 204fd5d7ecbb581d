import pytest
import torch
from torch import nn

from mlcli.model.gpt import GPT


def test_it_is_torchs_encoder_with_a_causal_mask():
    torch.manual_seed(0)
    ours = GPT((5, 8), 3, width=8, heads=2, layers=2, per_step=True).eval()
    layer = nn.TransformerEncoderLayer(8, 2, 32, 0.0, "gelu", batch_first=True, norm_first=True)
    theirs = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    for block, other in zip(ours.blocks, theirs.layers, strict=True):
        other.load_state_dict(
            {
                "self_attn.in_proj_weight": block.mixing.project.weight,
                "self_attn.in_proj_bias": torch.zeros(24),
                **renamed(block.mixing.mix, "self_attn.out_proj"),
                **renamed(block.feed_forward.widen, "linear1"),
                **renamed(block.feed_forward.narrow, "linear2"),
                **renamed(block.mixing_norm, "norm1"),
                **renamed(block.feed_forward_norm, "norm2"),
            }
        )
    inputs = torch.randn(3, 5, 8)
    states = ours.placed(inputs)[0]
    seen = theirs(states, mask=nn.Transformer.generate_square_subsequent_mask(5))
    torch.testing.assert_close(ours(inputs), ours.head(ours.norm(seen)))


def renamed(module, name):
    return {f"{name}.weight": module.weight, f"{name}.bias": module.bias}


def test_no_step_sees_a_later_one():
    model = GPT((9,), 7, vocabulary=11, per_step=True, layers=2).eval()
    tokens = torch.randint(1, 11, (2, 9))
    changed = tokens.clone()
    changed[:, 5:] = 1 + changed[:, 5:] % 10
    before, after = model(tokens), model(changed)
    torch.testing.assert_close(before[:, :5], after[:, :5])
    assert not torch.allclose(before[:, 5:], after[:, 5:])
    torch.testing.assert_close(model(tokens[:, :5]), before[:, :5])


def test_without_an_answer_a_step_the_last_token_that_is_there_answers():
    model = GPT((6,), 3, vocabulary=9, padded=True).eval()
    tokens = torch.tensor([[4, 5, 6, 7, 8, 2], [4, 5, 6, 0, 0, 0]])
    torch.testing.assert_close(model(tokens)[1], model(tokens[1:, :3])[0])


def test_heads_share_the_width():
    with pytest.raises(ValueError, match=r"model\.width=10: must be a multiple of model\.heads=4"):
        GPT((6, 3), 2, width=10)


def test_weights_begin_small_and_smaller_where_they_add_to_the_stream():
    model = GPT((6,), 3, vocabulary=50, width=64, layers=8)
    assert model.head.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert model.blocks[0].mixing.mix.weight.std().item() == pytest.approx(0.02 / 4, rel=0.1)
    assert model.blocks[7].feed_forward.narrow.weight.std().item() == pytest.approx(0.02 / 4, rel=0.1)
    assert model.placed.positions.learned.std().item() == pytest.approx(0.02, rel=0.2)
    assert (model.placed.steps.embedding.weight[0] == 0).all()
