"""Grids: from the typed overrides to those of each trial."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from mlcli.config.errors import ConfigError
from mlcli.sweep.grid import combinations, with_repeats


def parsed(*overrides: str) -> list:
    return OverridesParser.create().parse_overrides(list(overrides))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["a=1", "b=x,y"], [["a=1", "b=x"], ["a=1", "b=y"]]),
        (["a=false", "b=1e-3,'two words'"], [["a=false", "b=0.001"], ["a=false", "b='two words'"]]),
        (["a=range(1,3)", "b=${c.d}"], [["a=1", "b=${c.d}"], ["a=2", "b=${c.d}"]]),
        (["a=${b.c},2"], [["a=${b.c}"], ["a=2"]]),
        (["a=choice(x-${b.c},[${d},1])"], [["a=x-${b.c}"], ["a=[${d},1]"]]),
        (["a=${oc.env:X,'y z'},3"], [["a=${oc.env:X,'y z'}"], ["a=3"]]),
        ([r"a=x\,y,z"], [[r"a=x\,y"], ["a=z"]]),
        (["a=1,2", "a=3"], [["a=3"]]),
        (["+a=1,2", "~b"], [["+a=1", "~b"], ["+a=2", "~b"]]),
    ],
)
def test_combinations_are_as_typed(typed: list[str], expected: list[list[str]]) -> None:
    assert combinations(parsed(*typed)) == expected


def test_a_sweep_without_an_end_or_without_values() -> None:
    with pytest.raises(ConfigError, match=r"a=interval\(0,1\): an interval has infinitely many values"):
        combinations(parsed("a=interval(0,1)"))
    with pytest.raises(ConfigError, match=r"a=range\(3,3\) has no values"):
        combinations(parsed("a=range(3,3)"))


def test_repeats_are_seeds() -> None:
    assert with_repeats(parsed("a=1"), [], 1, 0) == ["a=1"]
    assert with_repeats(parsed("a=1", "trainer.repeats=2"), [], 2, 0) == [
        "a=1", "trainer.seed=0,1", "trainer.repeats=1"
    ]  # fmt: skip
    assert with_repeats(parsed("trainer.seed=5"), ["a=2", None], 3, 5)[0] == "trainer.seed=5,6,7"
    assert with_repeats(parsed("trainer.repeats=2", "trainer.seed=7"), [], 1, 0)[0] == "trainer.seed=7,8"  # of params


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        (
            ["trainer.repeats=2", "trainer.seed=range(5)"],
            "trainer.seed=range(5): trainer.repeats sweeps over seeds itself",
        ),
        (
            ["trainer.repeats=2", "trainer.seed=1,2"],
            "trainer.seed=1,2: trainer.repeats sweeps over seeds itself",
        ),
        (
            ["trainer.repeats=2", "trainer.seed=choice(1,2)"],
            "trainer.seed=choice(1,2): trainer.repeats sweeps over seeds itself",
        ),
        (
            ["trainer.repeats=2", "++trainer.seed=shuffle(1,2)"],
            "trainer.repeats sweeps over seeds itself",
        ),
        (
            ["trainer.repeats=2", "trainer.seed=${split.seed}"],
            "trainer.repeats sweeps over seeds itself",
        ),
        (["trainer.repeats=2,3"], "trainer.repeats=2,3: trainer.repeats is one number of seeds for all trials"),
        (["trainer.repeats=range(1,3)"], "trainer.repeats is one number of seeds"),
        (["trainer.repeats=choice(2)"], "trainer.repeats is one number of seeds"),
        (["trainer.repeats=two"], "trainer.repeats is one number of seeds"),
        (["trainer.repeats=0"], "trainer.repeats is one number of seeds"),
    ],
)
def test_what_repeats_cannot_mean(typed: list[str], wanted: str) -> None:
    with pytest.raises(ConfigError) as error:
        with_repeats(parsed(*typed), [], 1, 0)
    assert wanted in str(error.value)


def test_variants_leave_seeds_to_repeats() -> None:
    with pytest.raises(ConfigError, match="a variant cannot set it"):
        with_repeats(parsed("a=1"), ["trainer.repeats=2"], 1, 0)
    with pytest.raises(ConfigError, match=r"leave trainer\.seed out of the variants"):
        with_repeats(parsed("trainer.repeats=2"), [None, "a=1 trainer.seed=3"], 2, 0)
    assert with_repeats(parsed("a=1"), ["trainer.seed=3"], 1, 0) == ["a=1"]
