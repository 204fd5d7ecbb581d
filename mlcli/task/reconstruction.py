"""Reconstruction: inputs again, from themselves or from noisy or masked ones, by mean squared error.

An autoencoder learns so what its code has to say of an input; from corrupted inputs it is a denoising one (Vincent et
al. 2008). Shapes: B batch, N examples of a split.
"""

from math import prod
from typing import Annotated

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcli.config.ranges import Range
from mlcli.figure.plot import Plot
from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.metric import reconstruction
from mlcli.metric.reconstruction import Rebuilt
from mlcli.task.gradient.corrupt import Corrupt
from mlcli.task.gradient.gradient_task import GradientTask
from mlcli.train.model_protocols import Encodes, Regularised
from mlcli.train.modes import evaluating
from mlcli.train.protocols import Evaluation
from mlcli.train.update import Update
from mlcli.traits import TaskTraits


class Reconstruction(GradientTask):
    """A network whose outputs are to be its inputs, trained on the squared error of normalised numbers.

    noise: the standard deviation of normal noise, in standard deviations of the data; mask: the share of the numbers
    that is set to 0, the mean. Both are for what the network is given, and new in every epoch; validation and test
    meet the same ones always. The targets of the data are not learnt from.
    beta: weight of the regulariser of a model that has one, which is told as `kl`. It is shared out among the numbers
    of an input, as the squared error is: so beta is twice the variance that a VAE's decoder takes for noise.
    tsne: a picture of the codes by t-SNE too.
    """

    traits = TaskTraits(reconstructs=True, per_trial=("noise", "mask", "beta", "unit"))

    def __init__(
        self,
        data: DataSet,
        model: nn.Module,
        update: Update,
        loader: Loader,
        seed: int = 0,
        *,
        noise: Annotated[float, Range(0)] = 0.0,
        mask: Annotated[float, Range(0, 1, high_open=True)] = 0.0,
        beta: Annotated[float, Range(0)] = 0.1,
        tsne: bool = False,
    ) -> None:
        super().__init__(data, model, update, loader)
        self.seed, self.tsne = seed, tsne
        # None where nothing is drawn: trials that draw numbers and trials that draw none do not stack.
        self.noise, self.mask, self.beta = noise or None, mask or None, beta
        self.corrupt = Corrupt(loader.adapter.shape, loader.device) if noise or mask else None
        self.numbers = prod(data.shape)
        self.regularised = isinstance(model, Regularised)
        # The standard deviation of each number, in the shape that the model takes: what 1 is in units of the data.
        self.unit = loader.adapter(data.std.to(loader.device).expand(1, *data.shape))[0]

    @staticmethod
    def outputs(data: DataSet) -> int:
        """As many as an input has numbers. Raises ValueError for data that are no numbers, or not all there."""
        if data.kind == "tokens" or data.examples.padded:
            what = "is tokens" if data.kind == "tokens" else "has examples that are padded"
            raise ValueError(
                f"data={data.name} {what}, which no squared error can judge: use other data, or another task."
            )
        return prod(data.shape)

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean squared error of a batch of clean inputs, plus the regulariser; targets say nothing here."""
        given = inputs if self.corrupt is None else self.corrupt(inputs, self.noise, self.mask)
        rebuilt, divergence = self._rebuild(given)
        error = F.mse_loss(rebuilt, inputs)
        return error if divergence is None else error + self.beta * divergence.mean() / self.numbers

    def _rebuild(self, given: Tensor) -> tuple[Tensor, Tensor | None]:
        """B × shape → the same, and the regulariser of each example, B, where the model has one."""
        if self.regularised:
            rebuilt, divergence = self.model.with_divergence(given)  # type: ignore[operator]
            return rebuilt, divergence
        rebuilt = self.model(given)
        return rebuilt if rebuilt.shape == given.shape else rebuilt.reshape(given.shape), None

    def evaluation_outputs(self, inputs: Tensor) -> Tensor:
        """What `metrics` takes of clean inputs, B × 2 or 3: the mean squared error of each example, normalised and in
        squared units of the data, and the regulariser."""
        rebuilt, divergence = self._rebuild(self._given(inputs))
        squares = (rebuilt - inputs).flatten(1).square()
        columns = [squares.mean(1), (squares * self.unit.flatten().square()).mean(1)]
        return torch.stack(columns if divergence is None else [*columns, divergence], 1)

    def _given(self, inputs: Tensor) -> Tensor:
        """What the model is given for these inputs in an evaluation."""
        return inputs if self.corrupt is None else self.corrupt.always_alike(inputs, self.noise, self.mask)

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """What every epoch tells, from the answers to a split: the loss of training, but from the mean code where a
        code is random; mse, in squared units of the data; kl, in nats an example."""
        error, mse, *rest = outputs.mean(0).unbind()
        if not rest:
            return {"loss": error, "mse": mse}
        return {"loss": error + self.beta * rest[0] / self.numbers, "mse": mse, "kl": rest[0]}

    @torch.inference_mode()
    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        with evaluating(self.model):
            answers = torch.cat([self.evaluation_outputs(inputs) for inputs, _ in self.loader.split(split)])
        evaluation = Evaluation(self.metrics(answers, self.loader.all_targets(split)))
        if full:
            self._add_reconstructions(evaluation, split, self.rebuild(split))
        return evaluation

    @torch.inference_mode()
    def rebuild(self, split: str) -> Rebuilt:
        """What the model makes of a split, with the corruption that an evaluation always meets."""
        parts = []
        with evaluating(self.model):
            for inputs, _ in self.loader.split(split):
                given = self._given(inputs)
                parts.append((self._in_units(inputs), self._in_units(given), *self._made(given)))
        clean, given_N, rebuilt, code_N = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        code = code_N if code_N.shape[1] else None
        if self.corrupt is None:
            return Rebuilt(clean, rebuilt, code=code)
        return Rebuilt(clean, rebuilt, given_N, self._change(), code)

    def _change(self) -> str:
        if self.noise and self.mask:
            return "noisy, masked"
        return "noisy" if self.noise else "masked"

    def _made(self, given: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """B × shape in units of the data, and the codes B × numbers; of a model without codes B × 0."""
        rebuilt, _ = self._rebuild(given)
        code = self.model.encode(given) if isinstance(self.model, Encodes) else given.new_empty(len(given), 0)
        return self._in_units(rebuilt), code.flatten(1).float().cpu().numpy()

    def _in_units(self, values: Tensor) -> np.ndarray:
        """B × the shape that the model takes, normalised → B × shape of an example, as the data came."""
        raw = self.loader.adapter.undo(values.float(), self.data.shape) * self.loader.std + self.loader.mean
        found: np.ndarray = raw.cpu().numpy()
        return found

    def _add_reconstructions(self, evaluation: Evaluation, split: str, found: Rebuilt) -> None:
        evaluation.metrics |= reconstruction.scores(found)
        index, labels = self.data.splits[split], self.labels(split)
        evaluation.columns = {"index": index.numpy()} | ({} if labels is None else {"target": labels})
        evaluation.columns |= {"error": reconstruction.errors(found.rebuilt, found.clean), **_columns(found.code)}
        evaluation.plots = lambda: self._plots(found, labels)

    def _plots(self, found: Rebuilt, labels: np.ndarray | None) -> list[Plot]:
        from mlcli.task.plots.latent import latent_space, t_sne_plots
        from mlcli.task.plots.reconstruction import plots as reconstruction_plots

        plots = reconstruction_plots(found)
        if found.code is not None:
            plots.append(latent_space({"": found.code}, labels, self.data.classes))
        if found.code is not None and self.tsne:
            plots += t_sne_plots(found.code, labels, self.data.classes, self.seed)
        return plots

    def labels(self, split: str) -> np.ndarray | None:
        """The class, or the number, that the data has for each example; None where it has several."""
        targets = self.data.examples.targets[self.data.splits[split]]
        if targets.ndim > 1:
            return None
        return np.array(self.data.classes)[targets.numpy()] if self.data.classes else targets.numpy()

    @torch.inference_mode()
    def predict(self, inputs: Tensor) -> dict[str, np.ndarray]:
        """The reconstruction of each input, number by number, its mean squared error, and its code. Inputs are taken
        as they are: nothing is added and nothing is masked."""
        with evaluating(self.model):
            rebuilt, code = self._made(self.loader.prepare(inputs))
        names = self.data.features or range(self.numbers)
        columns = {f"reconstruction/{name}": rebuilt.reshape(len(rebuilt), -1)[:, i] for i, name in enumerate(names)}
        errors = reconstruction.errors(rebuilt, inputs.cpu().numpy())
        return {**columns, "error": errors, **_columns(code)}


def _columns(code: np.ndarray | None) -> dict[str, np.ndarray]:
    return {} if code is None else {f"latent/{i}": numbers for i, numbers in enumerate(code.T)}
