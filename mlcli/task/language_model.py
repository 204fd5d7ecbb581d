"""Language modelling: predict the next token at each position of a text, trained by cross-entropy.

Shapes: B batch, N examples of a split, T time steps (positions), V tokens of the vocabulary.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.config.ranges import Range
from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.loading.tokenizer import PADDING, UNKNOWN, decode, tokenize
from mlcli.metric import fast
from mlcli.padding import steps_of
from mlcli.task.gradient.gradient_task import GradientTask
from mlcli.task.inference.columns import to_columns
from mlcli.task.inference.of_outputs import OfOutputs
from mlcli.train.modes import evaluating
from mlcli.train.protocols import Evaluation
from mlcli.train.update import Update
from mlcli.traits import TaskTraits

PROMPT = 40  # tokens of a test text that the sample in the figure continues


class LanguageModel(GradientTask):
    """A network with outputs B × T × V, the logits of the next token at each position.

    sample: tokens that a finished run generates after the beginning of a test text, 0 for none; temperature: of that
    sample (1 samples from the model's distribution, 0 always takes the most likely token).
    """

    traits = TaskTraits(per_step=True, names="tokens", skips_batches=True)

    def __init__(
        self,
        data: DataSet,
        model: nn.Module,
        update: Update,
        loader: Loader,
        *,
        sample: Annotated[int, Range(0)] = 400,
        temperature: Annotated[float, Range(0)] = 0.8,
    ) -> None:
        super().__init__(data, model, update, loader)
        self.sample = sample
        self.temperature = temperature
        _check_causal(model, data.shape[0], loader.device)
        self.tokenizer = data.examples.tokenizer or "words"
        self.unit = (data.examples.tokenizer or "tokens").removesuffix("s")

    @staticmethod
    def outputs(data: DataSet) -> int:
        """The size of the vocabulary. Raises ValueError for data whose targets are not the next tokens of a text."""
        if data.kind != "tokens" or data.classes or (len(data) and data.examples.targets.ndim != 2):
            raise ValueError(f"data={data.name} is not a text to model: use data=characters, or another task")
        return len(data.tokens)

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy over the tokens of a batch, in nats per token."""
        return fast.step_losses(self.model(inputs), targets).sum() / self.batch_weight(inputs, targets).clamp(min=1)

    def batch_weight(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """The number of predicted tokens that the loss is a mean of."""
        return (targets >= 0).sum()

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """The metrics of every epoch, from the logits N × T × V of a split."""
        return fast.language_model(*_losses_and_hits(outputs, targets), self.unit)

    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        losses_NT, hits_NT, counted_NT, last_NV = self._read(split)
        evaluation = Evaluation(fast.language_model(losses_NT, hits_NT, counted_NT, self.unit))
        if full:
            self._add_predictions(evaluation, split, losses_NT.cpu().numpy(), counted_NT.cpu().numpy(), last_NV)
        return evaluation

    @torch.inference_mode()
    def _read(self, split: str) -> tuple[Tensor, ...]:
        """Losses, hits and counted positions N × T, and the last logits N × V, batch by batch: the logits of all
        positions may take gigabytes."""
        parts = []
        with evaluating(self.model):
            for inputs, targets in self.loader.split(split):
                logits = self.model(inputs)
                parts.append((*_losses_and_hits(logits, targets), _last(logits, inputs)))
        return tuple(torch.cat(tensors) for tensors in zip(*parts, strict=True))

    def _add_predictions(
        self, evaluation: Evaluation, split: str, losses: np.ndarray, counted: np.ndarray, last: Tensor
    ) -> None:
        from mlcli.figure import positions, text
        from mlcli.metric import baseline, intervals
        from mlcli.metric.positions import bits

        index, names = self.data.splits[split], self.data.tokens
        examples = self.data.targets[index]
        count = counted.sum(1)
        evaluation.intervals = intervals.means({"loss": losses.sum(1) / count.clip(1)}, count)
        train = self.loader.all_targets("train").cpu().numpy()
        true = examples.numpy()
        evaluation.baselines = baseline.majority(train[train >= 0], true[true >= 0])
        evaluation.columns = {
            "index": index.numpy(),
            "loss": losses.sum(1) / count.clip(1),
            "target": np.array([names[row[n - 1]] for row, n in zip(examples.tolist(), count, strict=True)]),
            **self.columns(NextToken()(last)),
        }
        first = examples[0][examples[0] >= 0].tolist()
        evaluation.plots = lambda: [
            positions.loss_by_position(*bits(losses, counted), self.unit),
            text.surprise([names[token] for token in first], losses[0][counted[0]], self.unit),
            *self._samples(first[:PROMPT]),
        ]

    def _samples(self, prompt: list[int]) -> list[Any]:
        from mlcli.figure import text

        if not self.sample:
            return []
        continued = self._continue(prompt, self.sample, self.temperature, seed=0)
        return [text.sample(self._decode(prompt), continued, self.temperature)]

    @torch.inference_mode()
    def generate(self, prompt: str, tokens: int, temperature: float, seed: int) -> str:
        """Samples a continuation of the prompt of `tokens` tokens. The result does not include the prompt.

        The context before each token is at most as long as in training. Raises ValueError for an empty prompt, for
        characters outside the vocabulary, and for a temperature that is not finite.
        """
        if not isfinite(temperature):
            raise ValueError(f"temperature {temperature}: use a finite number of at least 0")
        return self._continue(self._encode(prompt), tokens, temperature, seed)

    @torch.inference_mode()
    def _continue(self, start: list[int], tokens: int, temperature: float, seed: int) -> str:
        indices, generator = list(start), torch.Generator().manual_seed(seed)
        never = [place for place, name in enumerate(self.data.tokens) if name in (PADDING, UNKNOWN)]
        with evaluating(self.model):
            for _ in range(tokens):
                window = torch.tensor([indices[-self.data.shape[0] :]], device=self.loader.device)
                logits = self.model(window)[0, -1].float().cpu()
                logits[never] = -torch.inf
                indices.append(_sample(logits, temperature, generator))
        text = self._decode(indices[len(start) :])
        return f" {text}" if self.unit == "word" else text

    def _decode(self, indices: list[int]) -> str:
        return decode(indices, self.tokenizer, self.data.tokens)

    def _encode(self, prompt: str) -> list[int]:
        known = {name: place for place, name in reversed([*enumerate(self.data.tokens)])}
        tokens = tokenize(prompt, self.tokenizer)
        unknown = sorted(set(tokens) - set(known))
        if not tokens:
            raise ValueError("the prompt is empty: use some text for the model to continue")
        if unknown and (self.tokenizer == "characters" or UNKNOWN not in known):
            raise ValueError(f"not in the model's vocabulary: {' '.join(unknown)}; leave it out of the prompt")
        return [known[token if token in known else UNKNOWN] for token in tokens]

    def inference(self) -> nn.Module:
        return AfterLast(self.model, NextToken())

    def columns(self, predictions: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
        return to_columns(predictions, self.data.tokens)


class NextToken(nn.Module):
    """Logits B × V → `prediction`, the index of the most likely token, and its `probability`."""

    def forward(self, outputs: Tensor) -> dict[str, Tensor]:
        probability, token = outputs.float().softmax(-1).max(-1)
        return {"prediction": token, "probability": probability}


class AfterLast(OfOutputs):
    """Predictions after the last token of each example."""

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        predictions: dict[str, Tensor] = self.head(_last(self.network(inputs), inputs))
        return predictions


def _losses_and_hits(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of each position B × T, from B × T × V logits: the loss, whether the prediction is right, whether it counts."""
    return fast.step_losses(logits.float(), targets), logits.argmax(-1) == targets, targets >= 0


def _last(logits: Tensor, inputs: Tensor) -> Tensor:
    """B × T × V → B × V, at the last token that is not padding."""
    last_B = (steps_of(inputs).sum(1) - 1).clamp(min=0)
    return logits[torch.arange(logits.shape[0], device=logits.device), last_B]


def _sample(logits: Tensor, temperature: float, generator: torch.Generator) -> int:
    """The index of a token sampled from V logits."""
    scaled = logits / temperature if temperature else logits
    if temperature == 0 or scaled.max().isinf():  # a temperature so low that the quotient overflows
        return int(logits.argmax())
    return int(torch.multinomial(scaled.softmax(0), 1, generator=generator))


@torch.inference_mode()
def _check_causal(model: nn.Module, length: int, device: torch.device) -> None:
    """Raises ValueError for a model whose outputs at earlier positions depend on the last token."""
    inputs = torch.ones(2, length, dtype=torch.int64, device=device)
    inputs[1, -1] = 2
    with evaluating(model):
        logits = model(inputs)
    if not torch.allclose(logits[0, :-1], logits[1, :-1], rtol=1e-4, atol=1e-5):
        raise ValueError(
            "task=language_model needs a causal model, but the outputs of this one depend on later tokens: use "
            "model=gpt, or a recurrent model with model.bidirectional=false"
        )
