"""Language modelling: which token comes next, after each step of a text, by cross-entropy.

Shapes: B batch, N examples of a split, T steps, V tokens of the vocabulary.
"""

from collections.abc import Iterable
from math import isfinite
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.config.ranges import Range
from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.loading.tokenizer import UNKNOWN, tokenize
from mlcli.metric import fast
from mlcli.padding import steps_of
from mlcli.task.gradient.gradient_task import restore, state_of
from mlcli.train.modes import evaluating
from mlcli.train.protocols import Evaluation
from mlcli.train.update import Update
from mlcli.traits import TaskTraits

Batch = tuple[Tensor, Tensor]
PROMPT = 40  # tokens of a test text that the figure's sample goes on from


class LanguageModel:
    """A network that gives B × T × V logits, trained on the token that follows each step.

    sample, temperature: how many tokens a finished run writes on its own, and how daring it is then (1: as it has
    learnt, 0: always the likeliest token).
    """

    traits = TaskTraits(per_step=True)

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
        self.data = data
        self.model = model
        self.update = update
        self.loader = loader
        self.sample = sample
        self.temperature = temperature
        _check_causal(model, data.shape[0], loader.device)
        self.unit = (data.examples.tokenizer or "tokens").removesuffix("s")

    @staticmethod
    def outputs(data: DataSet) -> int:
        """The size of the vocabulary. Raises ValueError for data whose targets are not tokens that follow."""
        if data.kind != "tokens" or data.classes or (len(data) and data.examples.targets.ndim != 2):
            raise ValueError(f"data={data.name} is no text to go on with: use data=characters, or another task.")
        return len(data.vocabulary)

    def batches(self, epoch: int) -> Iterable[Batch]:
        self.model.train()
        return self.loader.batches(epoch)

    def step(self, batch: Batch) -> dict[str, Any]:
        return {"loss": self.update(self.loss, *batch, weight_of=self.batch_weight), "lr": self.update.rate}

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy over the steps of a batch, in nats a token."""
        return fast.step_losses(self.model(inputs), targets).sum() / self.batch_weight(inputs, targets).clamp(min=1)

    def batch_weight(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """What the loss is a mean of: the number of tokens that are predicted."""
        return (targets >= 0).sum()

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """What every epoch tells, from the logits N × T × V of a split."""
        return fast.language_model(*_of_steps(outputs, targets), self.unit)

    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        losses_NT, hits_NT, answered_NT, last_NV = self._read(split)
        evaluation = Evaluation(fast.language_model(losses_NT, hits_NT, answered_NT, self.unit))
        if full:
            self._complete(evaluation, split, losses_NT.cpu().numpy(), answered_NT.cpu().numpy(), last_NV)
        return evaluation

    @torch.inference_mode()
    def _read(self, split: str) -> tuple[Tensor, ...]:
        """What is kept of a split, batch by batch: the logits of all steps would fill gigabytes."""
        parts = []
        with evaluating(self.model):
            for inputs, targets in self.loader.split(split):
                logits = self.model(inputs)
                parts.append((*_of_steps(logits, targets), _last(logits, inputs)))
        return tuple(torch.cat(tensors) for tensors in zip(*parts, strict=True))

    def _complete(
        self, evaluation: Evaluation, split: str, losses: np.ndarray, answered: np.ndarray, last: Tensor
    ) -> None:
        from mlcli.figure import positions, text
        from mlcli.metric.positions import bits

        index, names = self.data.splits[split], self.data.vocabulary
        examples = self.data.examples.targets[index]
        count = answered.sum(1)
        evaluation.columns = {
            "index": index.numpy(),
            "loss": losses.sum(1) / count.clip(1),
            "target": np.array([names[row[n - 1]] for row, n in zip(examples.tolist(), count, strict=True)]),
            **self._columns(last),
        }
        first = examples[0][examples[0] >= 0].tolist()
        evaluation.plots = lambda: [
            positions.loss_by_position(*bits(losses, answered), self.unit),
            text.surprise([names[token] for token in first], losses[0][answered[0]], self.unit),
            *self._samples(self.data.decode(first[:PROMPT])),
        ]

    def _samples(self, prompt: str) -> list[Any]:
        from mlcli.figure import text

        if not self.sample:
            return []
        return [text.sample(prompt, self.generate(prompt, self.sample, self.temperature, seed=0), self.temperature)]

    def _columns(self, logits: Tensor) -> dict[str, np.ndarray]:
        """The likeliest next token of each example, from B × V logits."""
        probability, token = logits.float().softmax(-1).cpu().max(-1)
        names = np.array([self.data.vocabulary[index] for index in token])
        return {"prediction": names, "probability": probability.numpy()}

    @torch.inference_mode()
    def generate(self, prompt: str, tokens: int, temperature: float, seed: int) -> str:
        """So many tokens that follow the prompt, drawn one by one; the prompt itself is not repeated.

        The model sees as much before each token as in training. Raises ValueError for a prompt that says nothing, or
        has characters that the model has never seen, and for a temperature that is not finite.
        """
        if not isfinite(temperature):
            raise ValueError(f"temperature {temperature}: use a finite number of at least 0")
        start = self._start(prompt)
        indices, generator = list(start), torch.Generator().manual_seed(seed)
        with evaluating(self.model):
            for _ in range(tokens):
                window = torch.tensor([indices[-self.data.shape[0] :]], device=self.loader.device)
                indices.append(_draw(self.model(window)[0, -1].float().cpu(), temperature, generator))
        text = self.data.decode(indices[len(start) :])
        return f" {text}" if self.unit == "word" else text

    def _start(self, prompt: str) -> list[int]:
        known = {token: place for place, token in enumerate(self.data.vocabulary)}
        tokens = tokenize(prompt, self.data.examples.tokenizer or "words")
        strange = sorted(set(tokens) - set(known))
        if not tokens:
            raise ValueError("The prompt is empty: use some text that the model can go on from.")
        if strange and self.data.examples.tokenizer == "characters":
            raise ValueError(f"The model has never seen {' '.join(strange)}: leave it out of the prompt.")
        return [known.get(token, known[UNKNOWN]) for token in tokens]

    def observe(self, score: float) -> None:
        self.update.observe(score)

    @torch.inference_mode()
    def predict(self, inputs: Tensor) -> dict[str, np.ndarray]:
        """The likeliest token after each example, and its probability."""
        prepared = self.loader.prepare(inputs)
        with evaluating(self.model):
            return self._columns(_last(self.model(prepared), prepared))

    def state_dict(self) -> dict[str, Any]:
        return state_of(self.model, self.update)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        restore(self.model, self.update, state)


def _of_steps(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Losses of the steps, which of them are hits and which count, from B × T × V logits."""
    return fast.step_losses(logits.float(), targets), logits.argmax(-1) == targets, targets >= 0


def _last(logits: Tensor, inputs: Tensor) -> Tensor:
    """B × T × V → B × V, after the last token that is no padding."""
    at = (steps_of(inputs).sum(1) - 1).clamp(min=0)
    return logits[torch.arange(len(logits), device=logits.device), at]


def _draw(logits: Tensor, temperature: float, generator: torch.Generator) -> int:
    """A token by its probability, V → index. Padding and unknown are no text."""
    logits[:2] = -torch.inf
    scaled = logits / temperature if temperature else logits
    if temperature == 0 or scaled.max().isinf():  # so low a temperature is none
        return int(logits.argmax())
    return int(torch.multinomial(scaled.softmax(0), 1, generator=generator))


@torch.inference_mode()
def _check_causal(model: nn.Module, length: int, device: torch.device) -> None:
    """Raises ValueError for a model whose earlier answers change with the last token."""
    inputs = torch.ones(2, length, dtype=torch.int64, device=device)
    inputs[1, -1] = 2
    with evaluating(model):
        logits = model(inputs)
    if not torch.allclose(logits[0, :-1], logits[1, :-1], rtol=1e-4, atol=1e-5):
        raise ValueError(
            "task=language_model needs a model that reads forwards alone; this one would see the token that it is to "
            "predict: use model=gpt, or a recurrent model with model.bidirectional=false."
        )
