"""What a temperature does to the weights of one head of attention, computed step by step in NumPy."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F

from mlcli.experiment.analysis.model_inputs import test_inputs
from mlcli.figure import attention as figures_attention
from mlcli.figure.plot import Plot, plain
from mlcli.model.attention import Attention as OneLayer
from mlcli.model.scratch.attention import Attention, attention, entropy
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

TEMPERATURES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
SHOWN = (0.1, 0.3, 1.0, 10.0)  # as heat maps
Heads = tuple[np.ndarray, np.ndarray, np.ndarray]  # queries, keys and values, N × T × D each


def attention_softmax(runs: Sequence[FinishedRun]) -> Conclusion:
    """Mean entropy by temperature, for the trained queries and keys of the test split, and how far from torch's."""
    heads = trained_heads(runs[0])
    found = {temperature: attention(*heads, temperature=temperature) for temperature in TEMPERATURES}
    entropies = [float(entropy(each.weights).mean()) for each in found.values()]
    apart = [difference_from_torch(heads, each, temperature) for temperature, each in found.items()]
    steps = heads[0].shape[1]
    rows = [
        (temperature, each, float(np.exp(each)), gap)
        for temperature, each, gap in zip(TEMPERATURES, entropies, apart, strict=True)
    ]
    rises = "rises" if (np.diff(entropies) > 0).all() else "does not always rise"
    sentence = (
        f"The entropy of the weights {rises} with the temperature: {entropies[0]:.3f} nats at {TEMPERATURES[0]:g}, "
        f"{entropies[TEMPERATURES.index(1.0)]:.3f} at 1 and {entropies[-1]:.3f} at {TEMPERATURES[-1]:g}, where even "
        f"weights on {steps} steps have {np.log(steps):.3f}. Outputs differ from torch's own by at most "
        f"{max(apart):.1e}."
    )
    columns = ("temperature", "entropy", "as even weights on … steps", "largest difference from torch")
    return Conclusion(sentence, columns, rows, plots(found, entropies))


def trained_heads(run: FinishedRun) -> Heads:
    """Queries, keys and values of the test split, in double precision. Raises ValueError for other models."""
    parts = run.parts()
    model = parts.model
    if not isinstance(model, OneLayer) or model.layer.heads != 1:
        raise ValueError("This experiment looks at one head: use model=attention model.heads=1.")
    with torch.no_grad():
        states, _ = model.placed(test_inputs(parts))
        query, key, value = (each[:, 0].double().cpu().numpy() for each in model.layer.split(states))
    return query, key, value


def difference_from_torch(heads: Heads, ours: Attention, temperature: float) -> float:
    """The largest, of any output."""
    query, key, value = map(torch.from_numpy, heads)
    scale = 1 / (query.shape[-1] ** 0.5 * temperature)
    theirs = F.scaled_dot_product_attention(query, key, value, scale=scale)
    return float(np.abs(ours.outputs - theirs.numpy()).max())


def plots(found: dict[float, Attention], entropies: list[float]) -> list[Plot]:
    """The weights of the first example at some temperatures, and entropy by temperature."""
    steps = found[1.0].weights.shape[1]
    maps = {
        "weights": [plain(found[temperature].weights[0].round(4)) for temperature in SHOWN],
        "titles": [f"temperature {temperature:g}" for temperature in SHOWN],
        "tokens": [str(step + 1) for step in range(steps)],
        "columns": len(SHOWN),
        "title": "Weights of one example by temperature",
        "note": f"of the {steps} steps of the first test example; {figures_attention.NOTE}",
    }
    curve = {
        "temperatures": list(found),
        "entropies": entropies,
        "most": float(np.log(steps)),
        "title": f"Entropy by temperature · {entropies[0]:.2f} to {entropies[-1]:.2f} nats",
    }
    return [
        Plot("attention_weights", figures_attention.maps, maps),
        Plot("entropy", figures_attention.entropy, curve),
    ]
