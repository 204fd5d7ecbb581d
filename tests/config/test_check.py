"""Settings held against types, ranges and signatures before anything is built."""

from typing import Annotated, Any, Literal

import pytest

from mlcli.config.check import check
from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.config.errors import ConfigError
from mlcli.config.locate import locate
from mlcli.config.ranges import Range


class Model:
    """Takes one of everything that a signature can say."""

    def __init__(
        self,
        input_shape: tuple[int, ...],
        outputs: int,
        *,
        width: Annotated[int, Range(1)] = 8,
        dropout: Annotated[float, Range(0, 1)] = 0.0,
        kind: Literal["a", "b"] = "a",
        sizes: list[int] | None = None,
        flag: bool = False,
    ) -> None: ...


def checked(*overrides: str) -> None:
    with hydra_session() as hydra:
        check(to_run(compose(hydra, list(overrides))))


def with_model(**settings: Any) -> Any:
    with hydra_session() as hydra:
        cfg = to_run(compose(hydra, []))
    cfg["model"] = {"_target_": f"{__name__}.Model", **settings}
    return cfg


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trainer.batch_size=0", "trainer.batch_size=0: must be at least 1"),
        ("outputs=", "outputs is empty"),
        ("trainer.seed=-1", "trainer.seed=-1"),
        ("trainer.clip_norm=0", "must be greater than 0"),
        ("optimizer.lr=-0.1", "optimizer.lr=-0.1: must be at least 0"),
        ("optimizer.lr=abc", "optimizer.lr=abc: must be a number"),
        ("optimizer.weight_decay=-1", "optimizer.weight_decay=-1"),
        ("model.dropout=1.5", "model.dropout=1.5"),
        ("device.precision=fp8", "device.precision=fp8: no such choice. Choices: bf16, fp16, fp32"),
        ("split.test=1", "split.test=1"),
        ("+trainer.epoch=3", "There is no trainer.epoch. Did you mean epochs?"),
        ("+optimizer.lrr=3", "There is no optimizer.lrr. Did you mean lr?"),
        ("~model", "model has no _target_"),
        ("model._target_=mlcli.model.mpl.MLP", "cannot be imported"),
        ("task.label_smoothing=2", "task.label_smoothing=2"),
        ("model.activation=rleu", "model.activation=rleu"),
    ],
)
def test_mistakes_name_key_value_and_what_is_allowed(override: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        checked(override)
    assert message in str(error.value)


def test_every_default_is_allowed() -> None:
    checked()


@pytest.mark.parametrize(
    "settings",
    [{"width": 3}, {"dropout": 1}, {"kind": "b"}, {"sizes": [1, 2]}, {"sizes": None}, {"flag": True}],
)
def test_signatures_take_what_fits(settings: dict[str, Any]) -> None:
    check(with_model(**settings))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 0}, "a whole number at least 1"),
        ({"width": 1.5}, "a whole number"),
        ({"width": True}, "a whole number"),
        ({"dropout": -0.1}, "a number at least 0 and at most 1"),
        ({"kind": "c"}, "one of a, b"),
        ({"sizes": ["x"]}, "a list, each a whole number or null"),
        ({"flag": "yes"}, "true or false"),
        ({"input_shape": [3]}, "There is no model.input_shape"),
    ],
)
def test_signatures_refuse_what_does_not(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        check(with_model(**settings))
    assert message in str(error.value)


def test_a_third_party_constructor_is_its_own_schema() -> None:
    checked("optimizer._target_=torch.optim.AdamW")
    with pytest.raises(ConfigError, match=r"cannot be imported .*; a module of your own must be beside your conf/"):
        locate("no_such_package.Thing")
