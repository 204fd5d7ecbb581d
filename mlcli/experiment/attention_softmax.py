"""How does the temperature of the softmax change the weights of one attention head?

Method: scaled dot-product attention, softmax(Q Kᵀ / √d_k) V (Vaswani et al., NeurIPS 2017), step by step in NumPy on
the queries, keys and values of a trained head, with the logits divided by a temperature.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F

from mlcli.experiment.analysis.differences import max_difference
from mlcli.experiment.analysis.examples import test_inputs
from mlcli.figure.attention import NOTE, attention_entropy, attention_maps
from mlcli.figure.plot import Plot
from mlcli.model.attention import Attention as AttentionModel
from mlcli.model.scratch.attention import Attention, attention, entropy
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

TEMPERATURES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
SHOWN = (0.1, 0.3, 1.0, 10.0)  # as heat maps
COLUMNS = ("temperature", "entropy", "effective steps", "max difference from torch")
Heads = tuple[np.ndarray, np.ndarray, np.ndarray]  # queries, keys and values, N × T × D each


def attention_softmax(runs: Sequence[FinishedRun]) -> Conclusion:
    """By temperature, over the test split: the mean entropy in nats, its exponential (the number of steps whose
    uniform weights have this entropy), and the largest difference of the outputs from torch's."""
    heads = trained_heads(runs[0])
    found = {temperature: attention(*heads, temperature=temperature) for temperature in TEMPERATURES}
    entropies = [float(entropy(each.weights).mean()) for each in found.values()]
    gaps = [difference_from_torch(heads, each, temperature) for temperature, each in found.items()]
    rows = [(*row[:2], float(np.exp(row[1])), row[2]) for row in zip(TEMPERATURES, entropies, gaps, strict=True)]
    sentence = _sentence(entropies, heads[0].shape[1], max(gaps))
    return Conclusion(sentence, COLUMNS, rows, plots(found, entropies))


def trained_heads(run: FinishedRun) -> Heads:
    """Queries, keys and values of the test split, in double precision. Raises ValueError for other models."""
    parts = run.parts()
    model = parts.model
    if not isinstance(model, AttentionModel) or model.layer.heads != 1:
        raise ValueError("this experiment needs a single head: use model=attention model.heads=1")
    with torch.no_grad():
        states, _ = model.placed(test_inputs(parts))
        query, key, value = (each[:, 0].double().cpu().numpy() for each in model.layer.split(states))
    return query, key, value


def difference_from_torch(heads: Heads, ours: Attention, temperature: float) -> float:
    """The largest difference of the outputs from torch's scaled_dot_product_attention."""
    query, key, value = map(torch.from_numpy, heads)
    scale = 1 / (query.shape[-1] ** 0.5 * temperature)
    return max_difference(ours.outputs, F.scaled_dot_product_attention(query, key, value, scale=scale))


def _sentence(entropies: Sequence[float], steps: int, gap: float) -> str:
    increases = "increases" if (np.diff(entropies) > 0).all() else "does not always increase"
    return (
        f"The entropy of the attention weights {increases} with the temperature: {entropies[0]:.3f} nats at "
        f"{TEMPERATURES[0]:g}, {entropies[TEMPERATURES.index(1.0)]:.3f} at 1 and {entropies[-1]:.3f} at "
        f"{TEMPERATURES[-1]:g} (uniform weights on {steps} steps: {np.log(steps):.3f}). Outputs differ from torch's "
        f"scaled_dot_product_attention by at most {gap:.1e}."
    )


def plots(found: dict[float, Attention], entropies: list[float]) -> list[Plot]:
    """The weights of the first example at some temperatures, and entropy by temperature."""
    steps = found[1.0].weights.shape[1]
    maps = attention_maps(
        "attention_weights",
        [found[temperature].weights[0] for temperature in SHOWN],
        [f"temperature {temperature:g}" for temperature in SHOWN],
        [str(step + 1) for step in range(steps)],
        len(SHOWN),
        "Attention weights by temperature",
        f"the {steps} steps of the first test example; {NOTE}",
    )
    title = f"Entropy by temperature · {entropies[0]:.2f} to {entropies[-1]:.2f} nats"
    return [maps, attention_entropy(list(found), entropies, float(np.log(steps)), title)]
