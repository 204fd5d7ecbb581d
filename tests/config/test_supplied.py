"""What a run supplies to constructors is one table, of the check of a config and of the build."""

import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlcli.config.compose import shipped_conf
from mlcli.config.locate import locate
from mlcli.config.supplied import SUPPLIED, call_with, supply

GROUPS = ("model", "task", "scheduler")


def constructors(group: str) -> list[Any]:
    nodes = [yaml.safe_load(path.read_text()) for path in Path(shipped_conf() / group).glob("*.yaml")]
    own = [node.get(group, node) for node in nodes]  # a task's YAML may set defaults of other groups too
    return [locate(node["_target_"]) for node in own]


@pytest.mark.parametrize("group", GROUPS)
def test_every_entry_is_a_parameter_of_some_constructor(group: str) -> None:
    names = {name for found in constructors(group) for name in inspect.signature(found).parameters}
    assert set(SUPPLIED[group]) - names == set()


def test_a_constructor_receives_those_that_it_takes() -> None:
    values = dict.fromkeys(SUPPLIED["model"]) | {"seed": 3, "outputs": 2}
    assert supply("model", lambda outputs, seed=0: (outputs, seed), values) == (2, 3)
    assert call_with(lambda **settings: settings, {"outputs": 2}) == {}


def test_a_build_that_forgets_one_is_a_fault() -> None:
    with pytest.raises(AssertionError):
        supply("model", lambda outputs: outputs, {"outputs": 2})
