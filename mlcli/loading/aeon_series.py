"""Reads the time series that the package aeon ships, in its .ts format, without importing it."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from mlcli.loading.dataset import Examples

# Without its dependencies, which are many and partly older than ours: only its files are read.
INSTALL = "pip install --no-deps aeon==1.6.0"


def load_series(name: str, problem: str, *, target: str, source: str, classes: tuple[str, ...] = ()) -> Examples:
    """Sequences N × T × D of a problem of aeon's, padded with NaN to the longest, with its official test split.

    classes: readable names, in the order of the file's own. Raises ValueError where aeon is missing.
    """
    spec = find_spec("aeon")
    if spec is None or spec.origin is None:
        raise ValueError(f"data={name} needs the files of the package aeon: run {INSTALL}")
    folder = Path(spec.origin).parent / "datasets" / "data" / problem
    train, labels = read_ts(folder / f"{problem}_TRAIN.ts")
    test, test_labels = read_ts(folder / f"{problem}_TEST.ts")
    each, every = [*train, *test], [*labels, *test_labels]
    known = sorted(set(every))
    lengths = {len(one) for one in each}
    return Examples(
        name=name,
        kind="sequence",
        inputs=torch.nn.utils.rnn.pad_sequence(each, batch_first=True, padding_value=torch.nan),
        targets=torch.tensor([known.index(label) for label in every]),
        classes=classes or tuple(known),
        target=target,
        source=source,
        test=torch.arange(len(train), len(each)),
        padded=len(lengths) > 1,
    )


def read_ts(path: Path) -> tuple[list[Tensor], list[str]]:
    """Series T × D and labels of a .ts file: after @data a line each, channels parted by colons, the label last."""
    lines = _data(path)
    each, labels = [], []
    for line in lines:
        *channels, label = line.split(":")
        each.append(torch.tensor([[float(value) for value in channel.split(",")] for channel in channels]).T)
        labels.append(label.strip())
    return each, labels


def _data(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip().lower() == "@data":
                break
        yield from (line for line in file if line.strip())
