"""What padding and causal masks hide in multi-head self-attention, and that torch's own does the same."""

import copy
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mlcli.experiment.analysis.model_inputs import test_inputs
from mlcli.figure import attention as figures_attention
from mlcli.figure.plot import Plot, plain
from mlcli.model.attention import Attention
from mlcli.model.attention_layers import SelfAttention, allowed
from mlcli.run.build import Parts
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

CASES = {"none": (False, False), "padding": (True, False), "causal": (False, True), "both": (True, True)}
EARLY = 4  # steps that come before those that are changed


class Case(NamedTuple):
    """What one mask does to N examples."""

    shown: Tensor  # the weights N × H × T × T, NaN where the mask hides
    hidden: float  # share of the weights
    largest: float  # of the hidden weights
    by_padding: float  # largest change of a real step's output when the padding holds other numbers
    by_later: float  # largest change of an early step's output when the later steps hold other numbers
    from_torch: float  # largest difference of outputs and weights from torch.nn.MultiheadAttention


def masked_attention(runs: Sequence[FinishedRun]) -> Conclusion:
    """The trained layer on the test split under no mask, a padding mask, a causal mask and both."""
    parts = runs[0].parts()
    layer, states, mask = trained_layer(parts)
    found = {
        name: look(layer, states, mask if padding else None, causal, there=mask)
        for name, (padding, causal) in CASES.items()
    }
    padding, causal, none = found["padding"], found["causal"], found["none"]
    sentence = (
        f"Padding gets a weight of {padding.largest:g} under its mask and changes outputs by "
        f"{padding.by_padding:.1g} (without: {none.by_padding:.2g}); a causal mask gives later steps "
        f"{causal.largest:g}, and they change earlier outputs by {causal.by_later:.1g} (without: "
        f"{none.by_later:.2g}). Outputs and weights differ from torch.nn.MultiheadAttention's by at most "
        f"{max(case.from_torch for case in found.values()):.1e}."
    )
    columns = (
        "mask", "weights hidden", "largest of them", "change by padding", "change by later steps",
        "largest difference from torch",
    )  # fmt: skip
    rows = [(name, *case[1:]) for name, case in found.items()]
    return Conclusion(sentence, columns, rows, [plot(parts, found)])


def trained_layer(parts: Parts) -> tuple[SelfAttention, Tensor, Tensor]:
    """The layer, what it is given for the test split (N × T × D) and which steps are there (N × T), in double
    precision. Raises ValueError for other models, and data without padding."""
    model = parts.model
    if not isinstance(model, Attention) or not parts.data.examples.padded:
        raise ValueError("This experiment looks at one layer on padded data: use model=attention data=deliveries.")
    with torch.no_grad():
        states, mask = model.placed(test_inputs(parts))
    assert mask is not None
    return copy.deepcopy(model.layer).double().cpu(), states.double().cpu(), mask.cpu()


@torch.no_grad()
def look(trained: SelfAttention, states: Tensor, mask: Tensor | None, causal: bool, there: Tensor) -> Case:
    """The layer under this mask. there: N × T, the steps that are no padding."""
    layer = copy.copy(trained)
    layer.causal = causal
    outputs, weights = layer.with_weights(states, mask)
    seen = allowed(mask, causal, states)
    seen = torch.ones_like(weights, dtype=torch.bool) if seen is None else seen.expand_as(weights)
    hidden = weights[~seen]
    late = torch.arange(states.shape[1]) >= EARLY
    other = torch.randn(states.shape, dtype=states.dtype, generator=torch.Generator().manual_seed(0))

    def change(replaced: Tensor, looked_at: Tensor) -> float:
        """Of the fused kernel's outputs, when some states are replaced."""
        changed = layer(torch.where(replaced.unsqueeze(-1), other, states), mask)
        return float((changed - layer(states, mask))[looked_at].abs().max())

    return Case(
        weights.masked_fill(~seen, torch.nan),
        hidden.numel() / weights.numel(),
        float(hidden.max()) if len(hidden) else 0.0,
        change(~there, there),
        change(late.expand_as(there), there & ~late),
        difference_from_torch(layer, states, mask, outputs, weights, there),
    )


def difference_from_torch(
    layer: SelfAttention, states: Tensor, mask: Tensor | None, outputs: Tensor, weights: Tensor, there: Tensor
) -> float:
    """The largest, at steps that are no padding, of torch's layer with the same weights."""
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
    gaps = (outputs - expected)[there], (weights - shares).transpose(1, 2)[there]
    return max(float(gap.abs().max()) for gap in gaps)


def plot(parts: Parts, found: dict[str, Case]) -> Plot:
    """The first head's weights on a test example of middling length."""
    tokens_NT = parts.data.examples.inputs[parts.data.splits["test"]]
    chosen = int((tokens_NT != 0).sum(1).argsort()[len(tokens_NT) // 2])
    data = {
        "weights": [plain(case.shown[chosen, 0].numpy().round(4)) for case in found.values()],
        "titles": [f"mask: {name}" for name in found],
        "tokens": [parts.data.vocabulary[token] for token in tokens_NT[chosen]],
        "columns": 2,
        "title": "What masks hide · weights of one head",
        "note": f"{figures_attention.NOTE}; grey: hidden",
    }
    return Plot("masks", figures_attention.maps, data)
