"""Dimensionality reduction by principal component analysis (PCA).

Shapes: N examples of a split, D features, K components.
"""

from collections.abc import Iterable, Mapping
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
from mlcli.task.pca.components import PrincipalComponents, extend_components, principal_components
from mlcli.task.reconstruction import Reconstruction
from mlcli.train.protocols import Evaluation
from mlcli.train.update import Update
from mlcli.traits import TaskTraits


class Reduction:
    """The principal components of the training split, which a PCA `model` holds. The loss is the mean squared error
    of the reconstructions; `explained_variance_ratio` is that of a split.

    incremental: batch by batch of trainer.batch_size examples, which need not fit into memory together, at slightly
    lower precision. tsne: a t-SNE plot too (van der Maaten and Hinton 2008), which preserves neighbourhoods but not
    distances.
    """

    traits = TaskTraits(
        reconstructs=True,
        test_split_optional=True,
        cannot_stack="a decomposition has no optimisation steps to share",
        names="",
        skips_batches=True,
    )

    def __init__(
        self, data: DataSet, model: nn.Module, loader: Loader, seed: int, *, incremental: bool = False,
        tsne: bool = False,
    ) -> None:  # fmt: skip
        self.data, self.model, self.loader, self.seed = data, model, loader, seed
        self.incremental, self.tsne = incremental, tsne
        self.components = len(cast(Tensor, model.components))
        # For evaluations alone, as of an autoencoder: it trains nothing.
        self.reconstruction = Reconstruction(data, model, cast(Update, None), loader, seed)
        self.result: PrincipalComponents | None = None

    outputs = staticmethod(Reconstruction.outputs)

    def check_data(self) -> None:
        """Raises ValueError for fewer than two training examples, or more components than examples at a time."""
        count = len(self.data.splits["train"])
        if count < 2:
            raise ValueError(
                "there is 1 example to train on, and components need 2 or more: lower split.val or split.test"
            )
        least = min(self.loader.batch_size, self.data.epoch_size) if self.incremental else count
        if self.components > least:
            raise ValueError(f"model.components={self.components} of {least} examples at a time: use at most {least}")

    @staticmethod
    def epoch_steps(data: DataSet, cfg: Any) -> int:
        return max(1, len(batch_sizes(data.epoch_size, cfg.trainer.batch_size))) if cfg.task.incremental else 1

    def batches(self, epoch: int, start: int = 0) -> Iterable[Tensor]:
        if self.incremental:
            return (inputs for inputs, _ in self.loader.batches(epoch, start))
        return [] if start else [torch.cat([inputs for inputs, _ in self.loader.split("train")])]

    def step(self, points: Tensor) -> dict[str, Any]:
        self.result = (
            extend_components(self.result, points, self.components)
            if self.incremental
            else principal_components(points)
        )
        self._store(self.result)
        return {"loss": (self.model(points) - points).square().mean()}

    @property
    def converged(self) -> bool:
        """After one pass over the training split, another would change nothing."""
        return self.result is not None

    def _store(self, result: PrincipalComponents) -> None:
        model: Any = self.model
        model.mean, model.components = result.mean.float(), result.axes[: self.components].float()
        model.variances = torch.zeros_like(model.variances)
        model.variances[: len(result.singular)] = result.variances.float()
        model.total = result.total.float()

    @torch.inference_mode()
    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        evaluation = self.reconstruction.evaluate(split, full)
        points = precise(torch.cat([inputs for inputs, _ in self.loader.split(split)]))
        spread = (points - points.mean(0)).square().mean()
        if spread > 0:
            evaluation.metrics["explained_variance_ratio"] = 1 - evaluation.metrics["loss"] / spread
        else:
            left_out("explained_variance_ratio", "the examples have no variance")
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
        axes = self.loader.adapter.undo(model.components, self.data.prepared_shape).cpu().numpy()

        def plots() -> list[Plot]:
            codes, labels = model.encode(points.float()).cpu().numpy(), self.reconstruction.labels(split)
            made = {plot.name: plot for plot in [explained_variance(ratios, self.components), *common()]}
            made["latent_space"] = plane(codes, ratios, labels, self.data.classes)
            made["components"] = components_plot(axes, ratios, self.data.prepared_features)
            t_sne = t_sne_plots(codes, labels, self.data.classes, self.seed) if self.tsne else []
            return [*made.values(), *t_sne]

        evaluation.plots = plots

    def reconstruct(self, split: str) -> Rebuilt:
        """The reconstructions of a split, as of an autoencoder."""
        return self.reconstruction.reconstruct(split)

    def observe(self, score: float) -> None:
        """Nothing depends on the score."""

    def inference(self) -> nn.Module:
        """The reconstruction of each input, its mean squared error, and its coordinates along the components."""
        return self.reconstruction.inference()

    def columns(self, predictions: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
        return self.reconstruction.columns(predictions)

    def state_dict(self) -> dict[str, Any]:
        return {"model": self.model.state_dict(), "found": vars(self.result) if self.result else {}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.result = PrincipalComponents(**state["found"]) if state.get("found") else self.result
