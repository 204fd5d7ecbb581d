"""Reconstruction: a network outputs its inputs, trained by mean squared error.

It is the task of autoencoders, and with corrupted inputs of denoising autoencoders (Vincent et al. 2008).

Shapes: B batch, N examples of a split, F numbers of an input, D latent dimensions.
"""

from collections.abc import Mapping
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
from mlcli.metric import intervals, reconstruction
from mlcli.metric.reconstruction import Rebuilt
from mlcli.task.gradient.corrupt import Corrupt
from mlcli.task.gradient.gradient_task import GradientTask
from mlcli.task.inference.columns import labelled, to_columns
from mlcli.task.inference.rebuild import Rebuild, forward
from mlcli.train.model_protocols import Regularised
from mlcli.train.modes import evaluating
from mlcli.train.protocols import Evaluation
from mlcli.train.update import Update
from mlcli.traits import TaskTraits


class Reconstruction(GradientTask):
    """A network whose outputs have the shape of its inputs, trained on the squared error of normalised inputs.

    noise: the standard deviation of normal noise, in standard deviations of the data; mask: the share of the numbers
    that are set to 0, the mean. Both corrupt the inputs of the network, not its targets: anew in every epoch of
    training, and always alike in evaluation. The targets of the data are not used.
    beta: the weight of the regulariser of a model that has one (the metric `kl`), divided by the size of an input as
    the squared error is; beta is twice the variance of the noise that a VAE's decoder assumes.
    tsne: a t-SNE plot of the latent space too.
    """

    traits = TaskTraits(reconstructs=True, per_trial=("noise", "mask", "beta", "unit"), names="", skips_batches=True)

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
        # None where nothing is sampled: trials with and without random numbers do not stack.
        self.noise, self.mask, self.beta = noise or None, mask or None, beta
        self.corrupt = Corrupt(loader.adapter.shape, loader.device) if noise or mask else None
        self.input_size = prod(data.prepared_shape)
        self.regularised = isinstance(model, Regularised)
        # The standard deviation of each number in the shape of the model's inputs: normalised 1 in units of the data.
        self.unit = loader.adapter(data.standardise.std.to(loader.device).expand(1, *data.prepared_shape))[0]

    @staticmethod
    def outputs(data: DataSet) -> int:
        """The size of an input. Raises ValueError for tokens and for padded examples."""
        if data.prepared_kind == "tokens" or data.padded:
            what = "has tokens" if data.prepared_kind == "tokens" else "has padded examples"
            raise ValueError(
                f"data={data.name} {what}, for which a squared error is undefined: use other data, or another task"
            )
        return prod(data.prepared_shape)

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean squared error of a batch of clean inputs, plus the regulariser; the targets are not used."""
        corrupted = inputs if self.corrupt is None else self.corrupt(inputs, self.noise, self.mask)
        outputs, divergence = self._forward(corrupted)
        error = F.mse_loss(outputs, inputs)
        return error if divergence is None else error + self.beta * divergence.mean() / self.input_size

    def _forward(self, inputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """B × shape → the same, and the regulariser of each example, B, where the model has one."""
        return forward(self.model, inputs)

    def evaluation_outputs(self, inputs: Tensor) -> Tensor:
        """For clean inputs, B × 2 or 3: the mean squared error of each example, normalised and in squared units of
        the data, and the regulariser."""
        outputs, divergence = self._forward(self._corrupted(inputs))
        squares = (outputs - inputs).flatten(1).square()
        columns = [squares.mean(1), (squares * self.unit.flatten().square()).mean(1)]
        return torch.stack(columns if divergence is None else [*columns, divergence], 1)

    def _corrupted(self, inputs: Tensor) -> Tensor:
        """The inputs of the network in an evaluation, from clean ones."""
        return inputs if self.corrupt is None else self.corrupt.fixed(inputs, self.noise, self.mask)

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """The metrics of every epoch, from the `evaluation_outputs` of a split: the training loss (of a VAE, from the
        mean of the latent distribution); mse, in squared units of the data; kl, in nats per example."""
        error, mse, *rest = outputs.mean(0).unbind()
        if not rest:
            return {"loss": error, "mse": mse}
        return {"loss": error + self.beta * rest[0] / self.input_size, "mse": mse, "kl": rest[0]}

    @torch.inference_mode()
    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        with evaluating(self.model):
            outputs = torch.cat([self.evaluation_outputs(inputs) for inputs, _ in self.loader.split(split)])
        evaluation = Evaluation(self.metrics(outputs, self.loader.all_targets(split)))
        if full:
            self._add_reconstructions(evaluation, split, self.reconstruct(split))
        return evaluation

    @torch.inference_mode()
    def reconstruct(self, split: str) -> Rebuilt:
        """The reconstructions of a split, from inputs with the corruption of evaluations."""
        parts, rebuild = [], self.inference()
        with evaluating(self.model):
            for inputs, _ in self.loader.split(split):
                corrupted = self._corrupted(inputs)
                found = {
                    "clean": rebuild.in_units(inputs),
                    "given": rebuild.in_units(corrupted),
                    **rebuild(corrupted),
                }
                parts.append({name: each.cpu().numpy() for name, each in found.items()})
        whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        clean, rebuilt, code = whole["clean"], whole["reconstruction"], whole.get("latent")
        if self.corrupt is None:
            return Rebuilt(clean, rebuilt, code=code)
        return Rebuilt(clean, rebuilt, whole["given"], self._corruption(), code)

    def _corruption(self) -> str:
        if self.noise and self.mask:
            return "noisy, masked"
        return "noisy" if self.noise else "masked"

    def _add_reconstructions(self, evaluation: Evaluation, split: str, found: Rebuilt) -> None:
        evaluation.metrics |= reconstruction.scores(found)
        index, labels = self.data.splits[split], self.labels(split)
        evaluation.columns = {"index": index.numpy()} | ({} if labels is None else {"target": labels})
        errors = reconstruction.errors(found.rebuilt, found.clean)
        evaluation.columns |= {"error": errors} | ({} if found.code is None else labelled("latent", found.code))
        evaluation.intervals = intervals.means({"mse": errors})
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
        """The class or the number of each example, N; None for data with several targets per example."""
        targets = self.data.examples.targets[self.data.splits[split]]
        if targets.ndim > 1:
            return None
        return np.array(self.data.classes)[targets.numpy()] if self.data.classes else targets.numpy()

    def inference(self) -> Rebuild:
        own, device = self.data.standardise, self.loader.device
        return Rebuild(
            self.model, self.loader.adapter, self.data.prepared_shape, own.mean.to(device), own.std.to(device)
        )

    def columns(self, predictions: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
        """The reconstruction of each input, number by number, its error and its latent code."""
        rest = dict(predictions)
        rebuilt = rest.pop("reconstruction").flatten(1).cpu().numpy()
        return {**labelled("reconstruction", rebuilt, self.data.prepared_features), **to_columns(rest)}
