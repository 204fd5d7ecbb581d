"""The contract with optimizers: every class of torch.optim, and a zoo of those that behave as published ones."""

import importlib.util
from typing import Any

from tests.odd import optimizers_contract as contract
from tests.odd.modules_contract import ROOT


def test_alone_is_a_plain_loop_a_stack_is_alone_and_the_page_says_so() -> None:
    base = contract.configs()
    found = [contract.examine(name, base) for name in contract.KINDS]
    assert not any("\n" in each.reason for each in found)
    spec = importlib.util.spec_from_file_location("mlcli_compatibility", ROOT / "scripts" / "compatibility.py")
    assert spec and spec.loader
    script: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page = script.PAGE.read_text(encoding="utf-8")
    assert script.section(page, "optimizers") == script.table(contract.rows(found)), "run `make compatibility`"
