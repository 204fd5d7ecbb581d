"""Traits are declared once on a class and read in one place; optional methods are protocols."""

from dataclasses import replace
from typing import Any

import pytest
from torch import nn

from mlcli.task.classification import Classification
from mlcli.traits import ModelTraits, TaskTraits, model_traits, task_traits


class Profit(Classification):
    traits = replace(Classification.traits, directions={"profit": "max"})


def test_a_class_and_its_instances_have_the_same_traits() -> None:
    assert task_traits(Profit) == task_traits(object.__new__(Profit)) == Profit.traits
    assert task_traits(Profit).per_trial == ("label_smoothing", "weights")


@pytest.mark.parametrize("foreign", [nn.Linear, nn.Linear(1, 1), nn.init.zeros_, lambda: None])
def test_what_declares_none_has_the_defaults(foreign: Any) -> None:
    assert model_traits(foreign) == ModelTraits()
    assert task_traits(foreign) == TaskTraits()


def test_an_attribute_that_only_shares_the_name_is_ignored() -> None:
    class Foreign(nn.Module):
        def traits(self) -> list[str]:
            return ["small"]

    assert model_traits(Foreign) == ModelTraits()


def test_class_attributes_of_earlier_versions_work_and_name_their_successor() -> None:
    class Mine(Classification):
        directions = {"profit": "max"}  # noqa: RUF012  # as it was written
        unsupervised = True

    with pytest.warns(FutureWarning) as told:
        traits = task_traits(Mine)
    assert [str(each.message) for each in told] == [
        "Mine.directions is deprecated: use traits = TaskTraits(directions=…)",
        "Mine.unsupervised is deprecated: use traits = TaskTraits(test_split_optional=…)",
    ]
    assert traits == replace(Classification.traits, directions={"profit": "max"}, test_split_optional=True)
