"""Reduction: examples told by fewer numbers, from which they can be made again as nearly as possible.

Shapes: N examples of a split, D features, K components.
"""

from collections.abc import Iterable
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.batch_sizes import batch_sizes
from mlcli.figure.plot import Plot
from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.metric.reconstruction import Rebuilt
from mlcli.metric.undefined import left_out
from mlcli.precise import precise
from mlcli.task.pca.components import Components, components, extended
from mlcli.task.reconstruction import Reconstruction
from mlcli.train.protocols import Evaluation
from mlcli.train.update import Update
from mlcli.traits import TaskTraits


class Reduction:
    """The principal components of the training split, as a PCA `model` keeps them. The loss is the mean squared error
    of what they rebuild; `explained` is the share of the variance of a split that they keep.

    incremental: batch after batch of trainer.batch_size examples, which need not fit into memory together, with an
    answer that is a little less exact. tsne: a picture by t-SNE too (van der Maaten and Hinton 2008), which lays
    neighbours side by side, and says nothing of how far apart all others are.
    """

    traits = TaskTraits(
        reconstructs=True,
        test_split_optional=True,
        cannot_stack="a decomposition has no optimisation steps to share",
    )

    def __init__(
        self, data: DataSet, model: nn.Module, loader: Loader, seed: int, *, incremental: bool = False,
        tsne: bool = False,
    ) -> None:  # fmt: skip
        self.data, self.model, self.loader, self.seed = data, model, loader, seed
        self.incremental, self.tsne = incremental, tsne
        self.kept = len(cast(Tensor, model.components))
        # Judges only, as it would an autoencoder; nothing of it is trained.
        self.judge = Reconstruction(data, model, cast(Update, None), loader, seed)
        self.found: Components | None = None

    outputs = staticmethod(Reconstruction.outputs)

    def check_data(self) -> None:
        """Raises ValueError where there are more components than examples to find them in, or a single example."""
        count = len(self.data.splits["train"])
        if count < 2:
            raise ValueError(
                "there is 1 example to train on, and components need 2 or more: lower split.val or split.test"
            )
        least = min(self.loader.batch_size, self.data.epoch_size) if self.incremental else count
        if self.kept > least:
            raise ValueError(f"model.components={self.kept} of {least} examples at a time: use at most {least}.")

    @staticmethod
    def epoch_steps(data: DataSet, cfg: Any) -> int:
        return max(1, len(batch_sizes(data.epoch_size, cfg.trainer.batch_size))) if cfg.task.incremental else 1

    def batches(self, epoch: int) -> Iterable[Tensor]:
        if self.incremental:
            return (inputs for inputs, _ in self.loader.batches(epoch))
        return [torch.cat([inputs for inputs, _ in self.loader.split("train")])]

    def step(self, points: Tensor) -> dict[str, Any]:
        self.found = extended(self.found, points, self.kept) if self.incremental else components(points)
        self._keep(self.found)
        return {"loss": (self.model(points) - points).square().mean()}

    @property
    def converged(self) -> bool:
        """After one pass over the examples: nothing more is to be learnt from them."""
        return self.found is not None

    def _keep(self, found: Components) -> None:
        model: Any = self.model
        model.mean, model.components = found.mean.float(), found.axes[: self.kept].float()
        model.variances = torch.zeros_like(model.variances)
        model.variances[: len(found.singular)] = found.variances.float()
        model.total = found.total.float()

    @torch.inference_mode()
    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        evaluation = self.judge.evaluate(split, full)
        points = precise(torch.cat([inputs for inputs, _ in self.loader.split(split)]))
        spread = (points - points.mean(0)).square().mean()
        if spread > 0:
            evaluation.metrics["explained"] = 1 - evaluation.metrics["loss"] / spread
        else:
            left_out("explained", "the examples have no variance")
        if full:
            self._complete(evaluation, split, points)
        return evaluation

    def _complete(self, evaluation: Evaluation, split: str, points: Tensor) -> None:
        from mlcli.figure.reduction import components as components_plot
        from mlcli.metric import reduction
        from mlcli.task.plots.latent import t_sne_plots
        from mlcli.task.plots.reduction import explained_variance, plane

        model: Any = self.model
        ratios = (model.variances.double() / model.total).cpu().numpy()
        evaluation.metrics |= reduction.scores(ratios)
        common = evaluation.plots
        axes = self.loader.adapter.undo(model.components, self.data.shape).cpu().numpy()

        def plots() -> list[Plot]:
            codes, labels = model.encode(points.float()).cpu().numpy(), self.judge.labels(split)
            drawn = {plot.name: plot for plot in [explained_variance(ratios, self.kept), *common()]}
            drawn["latent_space"] = plane(codes, ratios, labels, self.data.classes)
            drawn["components"] = components_plot(axes, ratios, self.data.features)
            rest = t_sne_plots(codes, labels, self.data.classes, self.seed) if self.tsne else []
            return [*drawn.values(), *rest]

        evaluation.plots = plots

    def rebuild(self, split: str) -> Rebuilt:
        """What the components make of a split, as of an autoencoder."""
        return self.judge.rebuild(split)

    def observe(self, score: float) -> None:
        """Nothing reacts to it."""

    def predict(self, inputs: Tensor) -> dict[str, np.ndarray]:
        """The numbers that tell each input, what they rebuild, and its mean squared error."""
        return self.judge.predict(inputs)

    def state_dict(self) -> dict[str, Any]:
        return {"model": self.model.state_dict(), "found": vars(self.found) if self.found else {}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.found = Components(**state["found"]) if state.get("found") else self.found
