"""Multi-label classification: each example has any number of C labels, trained by binary cross-entropy.

Shapes: B batch, N examples of a split, C labels.
"""

from collections.abc import Callable, Mapping

import numpy as np
from torch import Tensor, nn
from torch.nn import functional as F

from mlcli.loading.dataset import DataSet
from mlcli.metric import fast
from mlcli.metric.formulas import exact_matches
from mlcli.task.gradient.gradient_task import GradientTask
from mlcli.task.inference.columns import to_columns
from mlcli.train.protocols import Evaluation
from mlcli.traits import TaskTraits

SEPARATOR = "; "  # between the labels of an example


class MultiLabel(GradientTask):
    """A network with outputs B × C, one logit per label. A label is predicted where its probability exceeds 0.5."""

    traits = TaskTraits(skips_batches=True)
    own_loss: Callable[[Tensor, Tensor], Tensor] | None = None  # task.loss

    @staticmethod
    def outputs(data: DataSet) -> int:
        """The number of labels. Raises ValueError for data whose targets are not N × C zeros and ones."""
        targets = data.examples.targets
        if not data.classes or (len(data) and (targets.ndim != 2 or not targets.is_floating_point())):
            raise ValueError(
                f"data={data.name} has no multi-label targets (zeros and ones): use another task, or other data"
            )
        return len(data.classes)

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean binary cross-entropy over all labels of a batch."""
        outputs = self.model(inputs)
        return (self.own_loss or F.binary_cross_entropy_with_logits)(outputs, targets.to(outputs.dtype))

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """The metrics of every epoch, from the logits N × C of a split."""
        metrics = fast.multi_label(outputs, targets)
        return metrics if self.own_loss is None else metrics | {"loss": self.own_loss(outputs, targets)}

    def metric_inputs(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Logits N × C and targets 0 or 1."""
        probabilities = outputs.float().sigmoid()
        return {
            "outputs": outputs,
            "predictions": (probabilities > 0.5).long(),
            "probabilities": probabilities,
            "targets": targets.long(),
        }

    def complete(self, evaluation: Evaluation, split: str, outputs: Tensor, targets: Tensor) -> None:
        from mlcli.metric import intervals, multi_label
        from mlcli.task.plots.multi_label import plots

        predictions: dict[str, Tensor] = self.head()(outputs)
        has, probabilities = targets.cpu().numpy() > 0.5, predictions["probabilities"].cpu().numpy()
        evaluation.metrics |= multi_label.scores(has, probabilities, self.data.classes)
        matches = exact_matches(probabilities > 0.5, has)
        evaluation.intervals = {"accuracy": intervals.share(matches)}
        evaluation.baselines = {"accuracy": float(exact_matches(self._most_frequent(), has).mean())}
        index = self.data.splits[split].numpy()
        evaluation.columns = {"index": index, "target": self._names(has), **self.columns(predictions)}
        evaluation.plots = lambda: plots(has, probabilities, self.data.classes)

    def _most_frequent(self) -> np.ndarray:
        """Whether more than half of the training examples have each label, 1 × C."""
        frequent: np.ndarray = self.loader.all_targets("train").float().mean(0, keepdim=True).cpu().numpy() > 0.5
        return frequent

    def head(self) -> nn.Module:
        return ProbableLabels()

    def columns(self, predictions: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
        """The labels of each example as one text, and the probability of each label."""
        texts = self._names(predictions["prediction"].cpu().numpy())
        probabilities = {"probabilities": predictions["probabilities"]}
        return {"prediction": texts, **to_columns(probabilities, self.data.classes)}

    def _names(self, has: np.ndarray) -> np.ndarray:
        """The labels of each example as one text, N × C zeros and ones → N."""
        names = self.data.classes
        return np.array([SEPARATOR.join(names[i] for i in np.flatnonzero(row)) for row in has])


class ProbableLabels(nn.Module):
    """Logits B × C → `probabilities` B × C, each label by itself, and `prediction` B × C, 1 where above 0.5."""

    def forward(self, outputs: Tensor) -> dict[str, Tensor]:
        probabilities = outputs.float().sigmoid()
        return {"prediction": (probabilities > 0.5).long(), "probabilities": probabilities}
