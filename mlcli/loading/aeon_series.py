"""Reader for the time series in the package aeon, in its .ts format, without importing the package."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from mlcli.loading.dataset import Examples
from mlcli.packages import needs

# Only its files are needed; its many dependencies conflict with ours.
PACKAGE = "aeon==1.6.0"


def load_series(name: str, problem: str, *, target: str, source: str, classes: tuple[str, ...] = ()) -> Examples:
    """A problem of aeon as sequences N × T × D, padded with NaN to the longest, with the official test split.

    classes: readable names, in the order of the sorted labels in the file. Raises ValueError if aeon is missing.
    """
    spec = find_spec("aeon")
    if spec is None or spec.origin is None:
        raise ValueError(needs(f"data={name}", PACKAGE, options="--no-deps"))
    folder = Path(spec.origin).parent / "datasets" / "data" / problem
    train, labels = read_ts(folder / f"{problem}_TRAIN.ts")
    test, test_labels = read_ts(folder / f"{problem}_TEST.ts")
    all_series, all_labels = [*train, *test], [*labels, *test_labels]
    known = sorted(set(all_labels))
    lengths = {len(each) for each in all_series}
    return Examples(
        name=name,
        kind="sequence",
        inputs=torch.nn.utils.rnn.pad_sequence(all_series, batch_first=True, padding_value=torch.nan),
        targets=torch.tensor([known.index(label) for label in all_labels]),
        classes=classes or tuple(known),
        target=target,
        source=source,
        test=torch.arange(len(train), len(all_series)),
        padded=len(lengths) > 1,
    )


def read_ts(path: Path) -> tuple[list[Tensor], list[str]]:
    """Series T × D and their labels. After @data a .ts file has a line per series: channels separated by colons, then
    the label."""
    series, labels = [], []
    for line in _data_lines(path):
        *channels, label = line.split(":")
        series.append(torch.tensor([[float(value) for value in channel.split(",")] for channel in channels]).T)
        labels.append(label.strip())
    return series, labels


def _data_lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip().lower() == "@data":
                break
        yield from (line for line in file if line.strip())
