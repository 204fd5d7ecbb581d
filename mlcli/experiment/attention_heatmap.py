"""Do the heads of a transformer attend to the tokens that determine the class?

Method: the attention weights of a trained classifier (Vaswani et al., NeurIPS 2017) on delivery notes. The
tokens that determine the class are known: the word “delivered” and the day after it.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mlcli.data.deliveries import DAYS, WANTED
from mlcli.experiment.analysis.examples import class_labels, median_length, test_inputs
from mlcli.figure.attention import attention_maps
from mlcli.figure.plot import Plot
from mlcli.model.transformer import Transformer
from mlcli.run.build import Parts
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

CLASS = "[class]"  # the class token, which stands before the others
COLUMNS = ("layer", "head", "class token → day", f"day → {WANTED}", "uniform weight")
Rows = list[tuple[int, int, float, float, float]]


def attention_heatmap(runs: Sequence[FinishedRun]) -> Conclusion:
    """The mean attention weight over the test split, by layer and head: of the class token on the day of delivery,
    and of that day on the word “delivered”."""
    parts = runs[0].parts()
    tokens, weights = trained_weights(parts)
    event, day = deciding_positions(tokens, parts.data.vocabulary)
    uniform = float((1 / (1 + (tokens != 0).sum(1))).mean())
    rows: Rows = []
    for layer, head in np.ndindex(*weights.shape[1:3]):
        of_head = weights[:, layer, head]
        rows.append((layer + 1, head + 1, _mean_weight(of_head, 0, day), _mean_weight(of_head, day, event), uniform))
    sentence = _sentence(rows, uniform, runs[0].metrics["test/accuracy"])
    return Conclusion(sentence, COLUMNS, rows, [plot(parts, tokens, weights)])


def trained_weights(parts: Parts) -> tuple[Tensor, Tensor]:
    """Tokens of the test split N × T, and the weights N × layers × H × (1 + T) × (1 + T). Raises ValueError for
    other models and data."""
    model = parts.model
    if not isinstance(model, Transformer) or model.token is None or parts.data.name != "deliveries":
        raise ValueError("this experiment needs data=deliveries model=transformer model.pooling=class_token")
    model.eval()
    tokens = test_inputs(parts)
    with torch.no_grad():
        return tokens.cpu(), model.attention(tokens).cpu()


def deciding_positions(tokens: Tensor, vocabulary: Sequence[str]) -> tuple[Tensor, Tensor]:
    """The positions, with the class token at 0, of the word “delivered” and of the day that follows it: N each."""
    words = np.array(vocabulary)[tokens.numpy()]
    event = (words == WANTED).argmax(1)
    after = np.arange(words.shape[1]) > event[:, None]
    day = (np.isin(words, DAYS) & after).argmax(1)
    return torch.from_numpy(event + 1), torch.from_numpy(day + 1)


def _mean_weight(weights: Tensor, query: Tensor | int, key: Tensor) -> float:
    """The mean over N of the weights N × T × T at these positions."""
    return float(weights[torch.arange(len(weights)), query, key].mean())


def _sentence(rows: Rows, uniform: float, accuracy: float) -> str:
    by_class, by_day = max(rows, key=lambda row: row[2]), max(rows, key=lambda row: row[3])
    verdict = "The heads attend" if by_class[2] > 0.5 else "No head attends"
    return (
        f"{verdict} to the deciding tokens: in layer {by_class[0]}, head {by_class[1]} the class token puts "
        f"{by_class[2]:.0%} of its weight on the day of delivery, and in layer {by_day[0]}, head {by_day[1]} that "
        f"day puts {by_day[3]:.0%} on “{WANTED}” (uniform attention: {uniform:.0%}). Test accuracy {accuracy:.3f}."
    )


def plot(parts: Parts, tokens: Tensor, weights: Tensor) -> Plot:
    """Every head's weights on a test example of median length, without its padding."""
    chosen = median_length(tokens)
    end = 1 + int((tokens[chosen] != 0).sum())
    heads = list(np.ndindex(*weights.shape[1:3]))
    maps = [weights[chosen, layer, head, :end, :end].numpy() for layer, head in heads]
    titles = [f"layer {layer + 1}, head {head + 1}" for layer, head in heads]
    words = [CLASS, *(parts.data.vocabulary[token] for token in tokens[chosen, : end - 1])]
    title = f"Attention weights by head · class: {class_labels(parts.data, 'test')[chosen]}"
    return attention_maps("heads", maps, titles, words, weights.shape[2], title)
