"""Do padding and causal masks remove masked positions exactly from multi-head self-attention?

Method: a trained layer with each mask (Vaswani et al., NeurIPS 2017, section 3.2): the weights of masked positions,
the effect of replacing them on the outputs, and the difference from torch.nn.MultiheadAttention, in double precision.

Shapes: N examples, H heads, T steps, D features.
"""

import copy
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mlcli.experiment.analysis.differences import max_difference
from mlcli.experiment.analysis.examples import median_length, test_inputs
from mlcli.figure.attention import NOTE, attention_maps
from mlcli.figure.plot import Plot
from mlcli.model.attention import Attention
from mlcli.model.attention_layers import SelfAttention, allowed
from mlcli.run.build import Parts
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

CASES = {"none": (False, False), "padding": (True, False), "causal": (False, True), "both": (True, True)}
EARLY = 4  # first steps, which later ones must not affect
COLUMNS = (
    "mask", "masked weights", "max masked weight", "change by padding", "change by later steps",
    "max difference from torch",
)  # fmt: skip


class Case(NamedTuple):
    """The effect of one mask on N examples."""

    weights: Tensor  # N × H × T × T, NaN where masked
    masked: float  # fraction of the weights
    largest: float  # of the masked weights
    by_padding: float  # largest change of an output at an unpadded step when the padding is replaced
    by_later: float  # largest change of an output at an early step when the later steps are replaced
    from_torch: float  # largest difference of outputs and weights from torch.nn.MultiheadAttention


def masked_attention(runs: Sequence[FinishedRun]) -> Conclusion:
    """The trained layer on the test split with no mask, a padding mask, a causal mask and both."""
    parts = runs[0].parts()
    layer, states, mask = trained_layer(parts)
    found = {
        name: masked_by(layer, states, mask if padding else None, causal, present=mask)
        for name, (padding, causal) in CASES.items()
    }
    padding, causal, none = found["padding"], found["causal"], found["none"]
    sentence = (
        f"With the padding mask, padding has weight {padding.largest:g} and changes the outputs by "
        f"{padding.by_padding:.1g} (without: {none.by_padding:.2g}); with the causal mask, later steps have weight "
        f"{causal.largest:g} and change earlier outputs by {causal.by_later:.1g} (without: {none.by_later:.2g}). "
        f"Outputs and weights differ from torch.nn.MultiheadAttention by at most "
        f"{max(case.from_torch for case in found.values()):.1e}."
    )
    rows = [(name, *case[1:]) for name, case in found.items()]
    return Conclusion(sentence, COLUMNS, rows, [plot(parts, found)])


def trained_layer(parts: Parts) -> tuple[SelfAttention, Tensor, Tensor]:
    """The layer, its inputs for the test split (N × T × D) and which steps are no padding (N × T), in double
    precision. Raises ValueError for other models, and for data without padding."""
    model = parts.model
    if not isinstance(model, Attention) or not parts.data.examples.padded:
        raise ValueError("this experiment needs one layer on padded data: use model=attention data=deliveries")
    with torch.no_grad():
        states, mask = model.placed(test_inputs(parts))
    assert mask is not None
    return copy.deepcopy(model.layer).double().cpu(), states.double().cpu(), mask.cpu()


@torch.no_grad()
def masked_by(trained: SelfAttention, states: Tensor, mask: Tensor | None, causal: bool, present: Tensor) -> Case:
    """The layer with this mask. present: N × T, the steps that are no padding."""
    layer = copy.copy(trained)
    layer.causal = causal
    outputs, weights = layer.with_weights(states, mask)
    seen = allowed(mask, causal, states)
    seen = torch.ones_like(weights, dtype=torch.bool) if seen is None else seen.expand_as(weights)
    masked = weights[~seen]
    late = torch.arange(states.shape[1]) >= EARLY
    other = torch.randn(states.shape, dtype=states.dtype, generator=torch.Generator().manual_seed(0))

    def change(replaced: Tensor, affected: Tensor) -> float:
        """The largest change of the fused kernel's outputs at `affected` steps when others are replaced."""
        changed = layer(torch.where(replaced.unsqueeze(-1), other, states), mask)
        return float((changed - layer(states, mask))[affected].abs().max())

    return Case(
        weights.masked_fill(~seen, torch.nan),
        masked.numel() / weights.numel(),
        float(masked.max()) if len(masked) else 0.0,
        change(~present, present),
        change(late.expand_as(present), present & ~late),
        difference_from_torch(layer, states, mask, outputs, weights, present),
    )


def difference_from_torch(
    layer: SelfAttention, states: Tensor, mask: Tensor | None, outputs: Tensor, weights: Tensor, present: Tensor
) -> float:
    """The largest difference, at steps that are no padding, from torch's layer with the same weights."""
    steps, width = states.shape[1:]
    theirs = nn.MultiheadAttention(width, layer.heads, batch_first=True, dtype=states.dtype)
    theirs.load_state_dict(
        {
            "in_proj_weight": layer.project.weight,
            "in_proj_bias": torch.zeros(3 * width),
            "out_proj.weight": layer.mix.weight,
            "out_proj.bias": layer.mix.bias,
        }
    )
    later = torch.ones(steps, steps, dtype=torch.bool).triu(1) if layer.causal else None
    unseen = None if mask is None else ~mask
    expected, shares = theirs(
        states, states, states, key_padding_mask=unseen, attn_mask=later, average_attn_weights=False
    )
    by_step = weights.transpose(1, 2)[present], shares.transpose(1, 2)[present]
    return max(max_difference(outputs[present], expected[present]), max_difference(*by_step))


def plot(parts: Parts, found: dict[str, Case]) -> Plot:
    """The first head's weights on a test example of median length."""
    tokens_NT = parts.data.examples.inputs[parts.data.splits["test"]]
    chosen = median_length(tokens_NT)
    weights = [case.weights[chosen, 0].numpy() for case in found.values()]
    titles = [f"mask: {name}" for name in found]
    tokens = [parts.data.vocabulary[token] for token in tokens_NT[chosen]]
    title, note = "Attention weights of one head by mask", f"{NOTE}; grey: masked"
    return attention_maps("masks", weights, titles, tokens, 2, title, note)
