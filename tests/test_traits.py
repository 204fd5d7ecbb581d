"""Traits are declared once on a class and read in one place; optional methods are protocols."""

import ast
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor, nn

from mlcli import renamed
from mlcli.task.classification import Classification
from mlcli.train import model_protocols, protocols
from mlcli.traits import DataTraits, ModelTraits, TaskTraits, model_traits, require_inference, task_traits

PACKAGE = Path(__file__).resolve().parent.parent / "mlcli"
DEFINED = {"protocols.py", "model_protocols.py", "traits.py"}


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


def test_class_attributes_of_earlier_versions_work_and_print_their_successor_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(renamed, "_announced", set())

    class Mine(Classification):
        directions = {"profit": "max"}  # noqa: RUF012  # as it was written
        unsupervised = True

    for task in (Mine, object.__new__(Mine)):
        own = replace(Classification.traits, directions={"profit": "max"}, test_split_optional=True)
        assert task_traits(task) == own
    until = "the old name works until the next release"
    assert capsys.readouterr().err.splitlines() == [
        f"Mine.directions is now traits = TaskTraits(directions=…); {until}",
        f"Mine.unsupervised is now traits = TaskTraits(test_split_optional=…); {until}",
    ]


def test_methods_of_earlier_versions_that_are_no_longer_called_are_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(renamed, "_announced", set())

    class Mine(Classification):
        def answers(self, inputs: Tensor) -> Tensor:
            return self.model(inputs)

    task_traits(Mine)
    task_traits(object.__new__(Mine))
    assert capsys.readouterr().err == "Mine.answers is now evaluation_outputs; the old name has no effect\n"


@pytest.mark.parametrize("base", [object, Classification])
def test_a_task_with_the_method_predict_of_earlier_versions_is_an_error(base: type) -> None:
    former = type("Former", (base,), {"predict": lambda self, inputs: {}})
    require_inference(Classification)
    with pytest.raises(
        ValueError, match=r"^Former\.predict is no longer called: .*`head`.*`inference` and `columns`"
    ):
        require_inference(former)


def test_a_trait_of_an_instance_may_depend_on_its_settings() -> None:
    class Former(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.at_once = True

    linear = nn.Linear(1, 1)
    linear.traits = ModelTraits(full_batch=True)
    assert model_traits(linear).full_batch and not model_traits(nn.Linear).full_batch
    assert model_traits(Former()).full_batch


# Files that look up optional attributes of objects of other packages, by what those are.
FOREIGN = {
    "cli/app.py": "exceptions of Typer and of click",
    "config/annotations.py": "type annotations",
    "config/sources.py": "PyYAML with or without its C library",
    "config/stored.py": "PyYAML with or without its C library",
    "data/surnames.py": "providers of Faker",
    "loading/download.py": "exceptions of urllib",
    "loading/table/sql.py": "exceptions of database drivers",
    "model/estimator.py": "estimators of scikit-learn",
    "model/estimator_bytes.py": "modules of estimators",
    "run/target_kinds.py": "estimators of scikit-learn",
    "run/trust.py": "classes and functions of any package",
    "serve/image_file.py": "pictures of Pillow",
    "serve/input_files.py": "exceptions of parsers",
    "serve/predict_rows.py": "tables of pandas or arrays",
    "serve/predictor.py": "tables of pandas or arrays",
    "system.py": "os and signal, by platform",
    "store/folder.py": "PyYAML with or without its C library",
    "track/database.py": "exceptions of SQLAlchemy and sqlite3",
    "track/mlflow_model.py": "PyYAML with or without its C library",
    "train/optimizers.py": "optimizers of any package",
    "train/stack/recurrent.py": "layers of torch.nn",
}


def lookups(path: Path) -> list[int]:
    """Lines of hasattr, and of getattr with a name that is written there or with a default."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    named = [node for node in calls if isinstance(node.func, ast.Name)]
    return [
        node.lineno
        for node in named
        if node.func.id == "hasattr"
        or (node.func.id == "getattr" and (len(node.args) == 3 or isinstance(node.args[1], ast.Constant)))
    ]


def test_only_traits_looks_up_optional_members() -> None:
    found = {str(path.relative_to(PACKAGE)): lookups(path) for path in sorted(PACKAGE.rglob("*.py"))}
    elsewhere = {name: lines for name, lines in found.items() if lines and name not in {*FOREIGN, "traits.py"}}
    assert elsewhere == {}, "declare a field of TaskTraits or ModelTraits, or a protocol in mlcli/train/protocols.py"
    assert [name for name in FOREIGN if not found[name]] == []


def optional_protocols() -> list[str]:
    return [
        name
        for module in (protocols, model_protocols)
        for name, found in vars(module).items()
        if getattr(found, "_is_runtime_protocol", False)
    ]


def test_no_protocol_and_no_trait_is_left_over() -> None:
    sources = [path.read_text() for path in PACKAGE.rglob("*.py") if path.name not in DEFINED]
    optional = optional_protocols()
    assert len(optional) > 20
    assert [name for name in optional if not any(re.search(rf"\b{name}\b", text) for text in sources)] == []
    for kind in (TaskTraits, ModelTraits, DataTraits):
        declared = [f"{field.name}=" for field in fields(kind)]
        assert [each for each in declared if not any(each in text for text in sources)] == []


def test_the_documentation_lists_every_trait_and_protocol() -> None:
    text = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.partition("## Traits and protocols")[2].partition("\n## ")[0]
    traits = {field.name for kind in (TaskTraits, ModelTraits, DataTraits) for field in fields(kind)}
    names = traits | {*optional_protocols()}
    assert {name for name in names if f"`{name}`" not in section} == set()
