"""What one's own data function, model or scheduler raises is one line that names the config's key and the line of
code."""

from pathlib import Path

import pytest

from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.config.errors import ConfigError
from mlcli.run.build import build

SOURCE = """
import numpy as np
import torch
from torch import nn
from mlcli.loading.dataset import Examples


def negative(count: int = -1):
    return torch.zeros(count, 3)


def absent():
    open("customers.csv")


def explains():
    raise ValueError("data=own: no customers in 2031; use year=2030.")


def arrays():
    inputs, targets = np.zeros((30, 3), np.float32), np.arange(30) % 2
    return Examples(name="own", kind="vector", inputs=inputs, targets=targets, classes=("a", "b"), source="")


class NoInit(nn.Module):
    def __init__(self, input_shape, outputs):
        self.layer = nn.Linear(2, 2)


class Schedule:
    def __init__(self, optimiser):
        pass
"""


@pytest.mark.parametrize(
    ("override", "message", "line"),
    [
        ("data._target_=own_errors.negative", "RuntimeError: ", 9),
        ("data._target_=own_errors.absent", "FileNotFoundError: [Errno 2] No such file or directory: 'cus", 13),
        ("data._target_=own_errors.explains", "data=own: no customers in 2031; use year=2030.", None),
        ("data._target_=own_errors.arrays", "data=own: inputs are of type ndarray: use a torch.Tensor", None),
        ("model._target_=own_errors.NoInit", "AttributeError: cannot assign module before Module", 27),
        ("scheduler._target_=own_errors.Schedule", "TypeError: Schedule.__init__() missing 1 required", None),
    ],
)
def test_an_exception_of_own_code_is_one_line(
    override: str, message: str, line: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_errors.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    with hydra_session() as hydra, pytest.raises(ConfigError) as told:
        build(to_run(compose(hydra, ["device=cpu", override])))
    text = str(told.value)
    assert message in text and "\n" not in text
    if line is not None:
        assert text.startswith(f"{override}: ") and f"own_errors.py, line {line})" in text
    if override.startswith("scheduler"):
        assert text.startswith(f"{override}: ")
