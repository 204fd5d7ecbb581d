"""From raw tensors to predictions as tensors: one module that `mlcli predict`, the HTTP service and pyfunc share.

Texts, dates and files become raw tensors, and predictions become columns with names, in plain code around it.
"""

import torch
from torch import Tensor, nn

from mlcli.loading.dataset import INDEX_KINDS
from mlcli.loading.loader import SINGLE_PRECISION, preprocessing_on
from mlcli.run.build import Parts
from mlcli.serve.outside import outside
from mlcli.traits import task_traits


class Pipeline(nn.Module):
    """Preprocessing, adapter, network, and what the task makes of the outputs, in evaluation mode.

    parts: of a run with its weights. The network is that of the parts and stays so; buffers are copies.
    shape: of one raw example. outside: what is no part of it, in plain words.

    `torch.export.export` takes it where it takes the network, with any number of rows.
    """

    outside: tuple[str, ...]

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        data = parts.data
        self.shape, self.takes_indices = data.shape, data.kind in INDEX_KINDS
        self.outside = outside(data, task_traits(parts.task))
        self.preprocessing = preprocessing_on(data.preprocessing, parts.device)
        self.adapter = parts.adapter
        self.extract = None if parts.loader is None else parts.loader.extract
        self.inference = parts.task.inference()
        self.eval()

    def forward(self, raw: Tensor) -> dict[str, Tensor]:
        """B × `shape`, on any device → tensors with B rows by name, as the task's `inference` describes them.

        Raises ValueError for another shape, and for indices that are not whole numbers.
        """
        if raw.shape[1:] != self.shape:
            raise ValueError(f"inputs must be B × {_text(self.shape)}, not {_text(raw.shape)}")
        if self.takes_indices and raw.is_floating_point():
            raise ValueError(f"inputs must be indices of type int64, not {raw.dtype}")
        prepared = self.adapter(self.preprocessing(self._moved(raw))).contiguous()
        predictions: dict[str, Tensor] = self.inference(prepared if self.extract is None else self.extract(prepared))
        return predictions

    def _moved(self, raw: Tensor) -> Tensor:
        """On the device of the pipeline, in a type that it has."""
        device = next((each.device for each in self.buffers()), raw.device)
        if device.type in SINGLE_PRECISION and raw.dtype == torch.float64:
            raw = raw.float()
        return raw.to(device)


def _text(shape: torch.Size | tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "a single number"
