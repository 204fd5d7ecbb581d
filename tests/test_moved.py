"""Modules import under their old names, and each import prints the new one."""

import sys
from importlib import import_module
from importlib.util import find_spec

import pytest

from mlcli import renamed
from mlcli.moved import MEMBERS, MODULES


@pytest.fixture(autouse=True)
def not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renamed, "_announced", set())
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.parametrize("old", MODULES)
def test_an_old_name_imports_the_new_module(old: str, capsys: pytest.CaptureFixture[str]) -> None:
    module, new = import_module(old), import_module(MODULES[old])
    defined = {
        name: member for name, member in vars(new).items() if getattr(member, "__module__", "") == new.__name__
    }
    assert defined and all(getattr(module, name) is member for name, member in defined.items())
    for name, present in MEMBERS.get(old, {}).items():
        assert getattr(module, name) is getattr(new, present)
    assert capsys.readouterr().err == f"{old} is now {new.__name__}; the old name works until the next release\n"


def test_other_modules_are_not_found() -> None:
    assert find_spec("mlcli.data.nothing") is None
    with pytest.raises(ImportError, match=r"cannot import name 'gone' from 'mlcli\.data\.dataset' \(.*dataset\.py\)"):
        exec("from mlcli.data.dataset import gone")
