import pytest
import torch
from torch import nn

from mlcli.model.gpt import GPT, CausalAttention


def test_attention_is_torchs_with_a_causal_mask():
    torch.manual_seed(0)
    ours, theirs = CausalAttention(8, 2, 0.0), nn.MultiheadAttention(8, 2, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": ours.input.weight,
            "in_proj_bias": torch.zeros(24),
            "out_proj.weight": ours.output.weight,
            "out_proj.bias": ours.output.bias,
        }
    )
    states = torch.randn(3, 5, 8)
    mask = nn.Transformer.generate_square_subsequent_mask(5)
    expected, _ = theirs(states, states, states, attn_mask=mask, need_weights=False)
    torch.testing.assert_close(ours(states), expected)


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
    with pytest.raises(ValueError, match=r"model\.width=10 is no multiple of model\.heads=4"):
        GPT((6, 3), 2, width=10)


def test_weights_begin_small_and_smaller_where_they_add_to_the_stream():
    model = GPT((6,), 3, vocabulary=50, width=64, layers=8)
    assert model.head.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert model.blocks[0].attention.output.weight.std().item() == pytest.approx(0.02 / 4, rel=0.1)
    assert (model.steps.embedding.weight[0] == 0).all()
