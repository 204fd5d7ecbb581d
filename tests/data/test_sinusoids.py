"""Sinusoids as a data set whose groups are tasks."""

from math import pi

import torch

from mlcli.data.sinusoids import sinusoids
from mlcli.loading.make_dataset import make_dataset


def test_each_group_is_one_sinusoid() -> None:
    data = sinusoids(tasks=40, points=12, seed=3)
    assert data.inputs.shape == (480, 1) and data.targets.shape == (480,)
    assert data.groups is not None and data.groups.bincount().tolist() == [12] * 40
    assert float(data.inputs.abs().max()) <= 5 < float(data.inputs.abs().max()) + 0.1
    for group in range(40):
        x, y = (tensor[data.groups == group].squeeze().double() for tensor in (data.inputs, data.targets))
        # amplitude · sin(x − phase) is a sin x + b cos x: two numbers explain all points.
        waves = torch.stack([x.sin(), x.cos()], 1)
        a, b = torch.linalg.lstsq(waves, y.unsqueeze(1)).solution.flatten().tolist()
        assert torch.allclose(waves @ torch.tensor([a, b], dtype=torch.float64), y, atol=1e-5)
        assert 0.1 <= (a**2 + b**2) ** 0.5 <= 5
        assert 0 <= float(torch.atan2(torch.tensor(-b), torch.tensor(a))) <= pi


def test_split_by_group_keeps_each_sinusoid_together() -> None:
    data = make_dataset(sinusoids(tasks=50, points=4), val=0.2, test=0.1, seed=0, by="group")
    groups = data.examples.groups
    assert groups is not None
    found = {split: set(groups[index].tolist()) for split, index in data.splits.items()}
    assert {split: len(own) for split, own in found.items()} == {"train": 35, "val": 10, "test": 5}
    assert len(set.union(*found.values())) == 50
    assert sum(map(len, data.splits.values())) == 200
