"""Modules of others (`tests.odd.zoo`): trained alone and stacked with the same numbers, saved, evaluated, predicted
and opened in a new process; or refused in one line."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.odd import modules_contract as contract

pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated in favor of:FutureWarning")
SAMPLES = {"DropoutInEvaluation"}  # predicts by random numbers
SCRIPT = contract.ROOT / "scripts" / "compatibility.py"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[contract.Found]:
    """Trains all. Fails if a stack computes other numbers than its trials alone."""
    return contract.examine_all(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mlcli_compatibility", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_is_up_to_date(found: list[contract.Found], script: ModuleType) -> None:
    page = script.PAGE.read_text(encoding="utf-8")
    assert script.section(page, "modules") == script.table(contract.rows(found)), "run `make compatibility`"


def test_whatever_does_not_train_stacked_has_a_reason_of_one_line(found: list[contract.Found]) -> None:
    for each in found:
        assert (each.how == "stacked") == (not each.reason) and "\n" not in each.reason, each.name


def test_a_new_process_opens_them_with_the_same_bits(found: list[contract.Found]) -> None:
    folders: list[Path] = [folder for each in found for folder in each.folders if each.name not in SAMPLES]
    for folder, opened in zip(folders, contract.opened_in_a_new_process(folders), strict=True):
        assert opened == contract.recorded(folder), folder.name
