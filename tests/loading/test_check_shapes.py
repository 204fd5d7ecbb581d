"""Examples whose parts do not fit each other are an error before anything is trained or written."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from mlcli.loading.check_shapes import check_shapes
from mlcli.loading.dataset import Examples
from mlcli.loading.make_dataset import make_dataset


def flowers(**more: Any) -> Examples:
    made = Examples(
        "made", "vector", torch.ones(10, 3), torch.arange(10) % 2, ("a", "b"), features=("age", "bmi", "sex")
    )
    return replace(made, **more)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"kind": "graph"}, r"data=made: kind='graph'. Choices: image, sequence, state, table, tokens, vector\."),
        ({"inputs": torch.ones(10, 3, 2)}, "vector inputs have 2 dimensions, these have 3"),
        ({"targets": torch.zeros(9, dtype=torch.int64)}, "10 inputs, but 9 targets"),
        ({"features": ("age",)}, "3 features, but 1 name"),
        ({"targets": torch.tensor([0, 1] * 4 + [2, 7])}, "class index 7, but 2 classes: use 0 to 1"),
        ({"targets": torch.tensor([0, 1] * 4 + [1, -1])}, "class index -1, but 2 classes"),
        ({"targets": torch.ones(10)}, r"targets of classes must be indices \(int64\), not float32"),
    ],
)
def test_what_does_not_fit_is_named(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_dataset(flowers(**more), val=0.2, test=0.2, seed=0)


def test_what_fits_passes() -> None:
    check_shapes(flowers())
    check_shapes(flowers(targets=torch.rand(10), classes=()))  # regression
    check_shapes(flowers(targets=torch.ones(10, 2)))  # multi-label
    per_step = torch.tensor([[0, 1, -1]] * 10)  # without a label at the last step
    check_shapes(flowers(kind="sequence", inputs=torch.ones(10, 3, 1), targets=per_step, features=()))


def test_a_function_that_returns_no_examples() -> None:
    with pytest.raises(ValueError, match="The function of a data set returns Examples, not NoneType"):
        make_dataset(None, val=0.2, test=0.2, seed=0)  # type: ignore[arg-type]
