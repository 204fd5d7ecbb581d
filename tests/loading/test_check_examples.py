"""Missing and infinite values are refused before anything is trained or written."""

from dataclasses import replace

import pytest
import torch

from mlcli.config.errors import ConfigError
from mlcli.loading.check_examples import check_examples
from mlcli.loading.dataset import Examples
from mlcli.run.build import build
from tests.configs import run_config

GAP, INF = float("nan"), float("inf")


def vectors(**more: object) -> Examples:
    inputs, targets = torch.ones(10, 3), torch.arange(10.0)
    made = Examples("made", "vector", inputs, targets, features=("age", "bmi", "sex"), target="progress")
    return replace(made, **more)  # type: ignore[arg-type]


def test_whole_examples_pass() -> None:
    check_examples(vectors())
    check_examples(vectors(inputs=torch.full((10, 3), 3e38)))  # whose sum is infinite


def test_features_and_rows_are_named() -> None:
    examples = vectors()
    examples.inputs[2, 1] = GAP
    examples.inputs[5:7, 1] = INF
    examples.inputs[6, 0] = GAP
    with pytest.raises(
        ValueError,
        match=r"data=made: inputs missing or infinite in 3 of 10 examples "
        r"\(bmi in 3, age in 1\); .*first: 2, 5, 6",
    ):
        check_examples(examples)
    with pytest.raises(ValueError, match="feature 1 in 3"):
        check_examples(replace(examples, features=()))


def test_targets_are_named() -> None:
    with pytest.raises(ValueError, match="progress missing or infinite in 1 of 10 examples"):
        check_examples(vectors(targets=torch.tensor([1.0] * 9 + [GAP])))
    with pytest.raises(ValueError, match="in 2 of 10"):
        check_examples(vectors(targets=torch.tensor([[1.0, 0.0]] * 8 + [[GAP, 0.0], [INF, GAP]])))


def test_images() -> None:
    images = torch.zeros(10, 1, 4, 4)
    images[3, 0, 1, 1] = GAP
    with pytest.raises(ValueError, match=r"inputs missing or infinite in 1 of 10 examples; "):
        check_examples(vectors(kind="image", inputs=images, features=()))


def test_padding_at_the_end_of_sequences_is_legitimate_and_nothing_else_is() -> None:
    inputs = torch.ones(5, 4, 2)
    inputs[0, 2:] = GAP  # padding
    check_examples(vectors(kind="sequence", inputs=inputs, targets=torch.zeros(5), features=()))
    inputs[1, 1] = GAP  # a gap
    inputs[2, :] = GAP  # empty
    inputs[3, 3, 1] = GAP  # part of a step
    inputs[4, 0, 0] = GAP
    with pytest.raises(ValueError, match=r"in 4 of 5 examples \(feature 0 in 3, feature 1 in 3\)"):
        check_examples(vectors(kind="sequence", inputs=inputs, targets=torch.zeros(5), features=()))


def test_tokens_without_a_token_or_with_padding_between_them() -> None:
    tokens = torch.tensor([[3, 1, 2, 0], [3, 0, 2, 0], [0, 0, 0, 0], [1, 0, 0, 0]])
    wrong = vectors(kind="tokens", inputs=tokens, targets=torch.zeros(4), features=())
    with pytest.raises(ValueError, match=r"data=made: 2 of 4 examples are empty or have padding .*first: 1, 2"):
        check_examples(wrong)
    check_examples(replace(wrong, inputs=tokens[[0, 3]]))


def test_a_run_on_gaps_is_refused_when_it_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlcli.data import diabetes

    examples = diabetes.diabetes()
    examples.inputs[7, examples.features.index("bmi")] = GAP
    monkeypatch.setattr(diabetes, "diabetes", lambda **_: examples)
    cfg = run_config("device=cpu", "task=regression", "data=diabetes")
    with pytest.raises(ConfigError, match=r"data=diabetes: inputs .* 1 of 442 examples \(bmi in 1\)"):
        build(cfg)
