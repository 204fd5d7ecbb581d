"""Whether the heads of a transformer look where the answer is: its weights on the tokens that decide it."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mlcli.data.deliveries import DAYS, WANTED
from mlcli.experiment.analysis.model_inputs import test_inputs
from mlcli.figure import attention as figures_attention
from mlcli.figure.plot import Plot, plain
from mlcli.model.transformer import Transformer
from mlcli.run.build import Parts
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun

CLASS = "[class]"  # the token that gathers the answer; it stands before the others
Rows = list[tuple[int, int, float, float, float]]


def attention_heatmap(runs: Sequence[FinishedRun]) -> Conclusion:
    """For each layer and head the mean weight, over the test split, of two looks that the task needs: from the
    class token to the day that was asked for, and from that day to the word that it belongs to."""
    parts = runs[0].parts()
    tokens, weights = trained_weights(parts)
    event, day = deciding(tokens, parts.data.vocabulary)
    even = float((1 / (1 + (tokens != 0).sum(1))).mean())
    rows: Rows = []
    for layer, head in np.ndindex(*weights.shape[1:3]):
        of_head = weights[:, layer, head]
        rows.append((layer + 1, head + 1, _look(of_head, 0, day), _look(of_head, day, event), even))
    columns = ("layer", "head", "class token → the day", f"the day → {WANTED}", "even weights")
    sentence = _sentence(rows, even, runs[0].metrics["test/accuracy"])
    return Conclusion(sentence, columns, rows, [plot(parts, tokens, weights)])


def trained_weights(parts: Parts) -> tuple[Tensor, Tensor]:
    """Tokens of the test split N × T, and the weights N × layers × H × (1 + T) × (1 + T). Raises ValueError for
    other models and data."""
    model = parts.model
    if not isinstance(model, Transformer) or model.token is None or parts.data.name != "deliveries":
        raise ValueError("This experiment needs data=deliveries model=transformer model.pooling=class_token.")
    model.eval()
    tokens = test_inputs(parts)
    with torch.no_grad():
        return tokens.cpu(), model.attention(tokens).cpu()


def deciding(tokens: Tensor, vocabulary: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Which steps, the class token being step 0, hold the word that is asked about and the day that follows it."""
    words = np.array(vocabulary)[tokens.numpy()]
    event = (words == WANTED).argmax(1)
    after = np.arange(words.shape[1]) > event[:, None]
    day = (np.isin(words, DAYS) & after).argmax(1)
    return torch.from_numpy(event + 1), torch.from_numpy(day + 1)


def _look(weights: Tensor, looking: Tensor | int, at: Tensor) -> float:
    """Mean weight of one step of each example on another, of N × T × T."""
    return float(weights[torch.arange(len(weights)), looking, at].mean())


def _sentence(rows: Rows, even: float, accuracy: float) -> str:
    by_class, by_day = max(rows, key=lambda row: row[2]), max(rows, key=lambda row: row[3])
    verdict = "The heads look where the answer is" if by_class[2] > 0.5 else "No head looks where the answer is"
    return (
        f"{verdict}: in layer {by_class[0]}, head {by_class[1]} the class token gives {by_class[2]:.0%} of its "
        f"weight to the day that was asked for, and in layer {by_day[0]}, head {by_day[1]} that day gives "
        f"{by_day[3]:.0%} to “{WANTED}”; even weights would give {even:.0%}. Test accuracy {accuracy:.3f}."
    )


def plot(parts: Parts, tokens: Tensor, weights: Tensor) -> Plot:
    """Every head's weights on a test example of middling length, without its padding."""
    lengths = (tokens != 0).sum(1)
    chosen = int(lengths.argsort()[len(tokens) // 2])
    end = 1 + int(lengths[chosen])
    places = list(np.ndindex(*weights.shape[1:3]))
    data = {
        "weights": [plain(weights[chosen, layer, head, :end, :end].numpy().round(4)) for layer, head in places],
        "titles": [f"layer {layer + 1}, head {head + 1}" for layer, head in places],
        "tokens": [CLASS, *(parts.data.vocabulary[token] for token in tokens[chosen, : end - 1])],
        "columns": weights.shape[2],
        "title": f"Attention of each head · the answer is {parts.data.classes[_answer(parts, chosen)]}",
    }
    return Plot("heads", figures_attention.maps, data)


def _answer(parts: Parts, chosen: int) -> int:
    return int(parts.data.examples.targets[parts.data.splits["test"][chosen]])
