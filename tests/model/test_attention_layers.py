import pytest
import torch
from torch import nn

from mlcli.model.attention_layers import SelfAttention

B, T, D, H = 3, 6, 8, 2
INPUTS = torch.randn(B, T, D, generator=torch.Generator().manual_seed(0))
MASK = torch.arange(T) < torch.tensor([[6], [4], [1]])  # of lengths 6, 4 and 1
masks = pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "padded"])
causality = pytest.mark.parametrize("causal", [False, True], ids=["both-ways", "causal"])


def layer(**settings):
    torch.manual_seed(1)
    return SelfAttention(D, H, **settings)


def torchs(own):
    """torch's layer with the same weights."""
    theirs = nn.MultiheadAttention(D, H, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": own.project.weight,
            "in_proj_bias": torch.zeros(3 * D),
            "out_proj.weight": own.mix.weight,
            "out_proj.bias": own.mix.bias,
        }
    )
    return theirs


@masks
@causality
def test_equals_torchs_multihead_attention(mask, causal):
    own = layer(causal=causal)
    outputs, weights = own.with_weights(INPUTS, mask)
    expected, expected_weights = torchs(own)(
        INPUTS,
        INPUTS,
        INPUTS,
        key_padding_mask=None if mask is None else ~mask,
        attn_mask=torch.ones(T, T, dtype=torch.bool).triu(1) if causal else None,
        average_attn_weights=False,
    )
    torch.testing.assert_close(outputs, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(weights, expected_weights, rtol=0, atol=1e-6)


@masks
@causality
@pytest.mark.parametrize("settings", [{}, {"rotary": True}, {"temperature": 0.3}], ids=str)
def test_fused_and_step_by_step_are_equal_with_their_gradients(mask, causal, settings):
    own, other = (layer(causal=causal, **settings) for _ in range(2))
    fused, (explicit, _) = own(INPUTS, mask), other.with_weights(INPUTS, mask)
    torch.testing.assert_close(fused, explicit, rtol=0, atol=1e-6)
    fused.square().sum().backward()
    explicit.square().sum().backward()
    for mine, theirs in zip(own.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-5, atol=1e-5)


@causality
def test_padding_has_exactly_no_weight_and_changes_nothing(causal):
    own = layer(causal=causal)
    weights = own.with_weights(INPUTS, MASK)[1]
    assert (weights.transpose(1, 3)[~MASK] == 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(B, H, T))
    other = torch.where(MASK.unsqueeze(-1), INPUTS, 1e3)
    assert torch.equal(own(other, MASK)[MASK], own(INPUTS, MASK)[MASK])
    torch.testing.assert_close(own(INPUTS, MASK)[1, :4], own(INPUTS[1:2, :4])[0], rtol=0, atol=1e-6)


@causality
def test_an_empty_example_gives_numbers_and_gradients(causal):
    own, none = layer(causal=causal), torch.zeros_like(MASK)
    outputs, weights = own.with_weights(INPUTS, none)
    assert (weights == 0).all()
    torch.testing.assert_close(own(INPUTS, none), outputs)
    (own(INPUTS, none) + outputs).sum().backward()
    assert all(p.grad.isfinite().all() for p in own.parameters())


def test_later_steps_do_not_change_earlier_outputs():
    own, changed = layer(causal=True), INPUTS.clone()
    changed[:, 4:] += 1
    assert torch.equal(own(changed)[:, :4], own(INPUTS)[:, :4])
    assert (own.with_weights(INPUTS)[1].triu(1) == 0).all()


def test_rotary_weights_depend_on_distance_alone():
    own = layer(rotary=True)
    same = INPUTS[:, :1].expand(B, T, D)
    weights = own.with_weights(same)[1]
    ratios = weights[..., 1:, 1:] / weights[..., :-1, :-1]  # along the diagonals, but for each row's own sum
    torch.testing.assert_close(ratios, ratios[..., :1].expand_as(ratios), rtol=1e-4, atol=1e-4)


def test_temperature_sharpens_and_flattens():
    sharp, plain, flat = (layer(temperature=t).with_weights(INPUTS)[1].max(-1).values for t in (0.1, 1, 10))
    assert (sharp > plain).all() and (plain > flat).all()


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ((8, 3), r"model.d_model=8 cannot .* model.heads=3 evenly: use model.heads=1\|2\|4\|8, or model.d_model=9"),
        ((6, 2, True), r"even sizes, .*: use model.heads=1\|3, or model.d_model=8"),
        ((5, 1, True), r"use model.d_model=6"),
    ],
)
def test_what_heads_cannot_share_says_what_works(settings, advice):
    with pytest.raises(ValueError, match=advice):
        SelfAttention(*settings[:2], rotary=len(settings) > 2)


@masks
@causality
def test_trials_are_one_computation_equal_to_each_alone(mask, causal):
    """Without the warning, an error here, that torch.vmap gives where it has no rule and loops."""
    layers = [SelfAttention(D, H, causal=causal) for _ in range(3)]
    weights, _ = torch.func.stack_module_state(layers)
    stacked = torch.vmap(lambda w: torch.func.functional_call(layers[0], w, (INPUTS, mask)))(weights)
    alone = torch.stack([each(INPUTS, mask) for each in layers])
    torch.testing.assert_close(stacked, alone, rtol=0, atol=1e-6)
    stacked.square().sum().backward()
    alone.square().sum().backward()
    for name, stack in weights.items():
        separate = torch.stack([each.get_parameter(name).grad for each in layers])
        torch.testing.assert_close(stack.grad, separate, rtol=1e-5, atol=1e-5)


def test_masks_may_differ_between_trials():
    own, several = layer(), torch.stack([MASK, MASK.flip(0), torch.ones_like(MASK)])
    weights, _ = torch.func.stack_module_state([own] * 3)
    stacked = torch.vmap(lambda w, m: torch.func.functional_call(own, w, (INPUTS, m)))(weights, several)
    torch.testing.assert_close(stacked, torch.stack([own(INPUTS, m) for m in several]), rtol=0, atol=1e-6)
