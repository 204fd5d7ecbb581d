"""What `make docs` generates from the code: the reference of commands, config groups and extension points."""

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

import markdown
import pytest
import yaml

from mlcli.cli.commands import COMMANDS, FLAGS
from mlcli.config import index

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "scripts" / "site"


def load(name: str) -> ModuleType:
    sys.path.insert(0, str(SITE))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(SITE))


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    found: dict[str, str] = load("config_pages").pages()
    return found


def row(page: str, option: str, key: str) -> list[str]:
    """The cells of a key in an option's section, or on the whole page."""
    section = re.split(rf"^## {option}$", page, flags=re.M)[1] if option else page
    line = next(line for line in section.splitlines() if line.startswith(f"| `{key}` "))
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[2:-1]]


def test_every_group_and_option_has_its_place(pages: dict[str, str]) -> None:
    groups = index.groups((index.shipped_conf(),))
    assert pages.keys() == {"index", *groups}
    for group in groups:
        for option in index.options(group, (index.shipped_conf(),)):
            assert f"`{option}`" in pages[group]


def test_types_ranges_defaults_and_descriptions_are_the_code_s(pages: dict[str, str]) -> None:
    dropout = row(pages["model"], "lstm", "model.dropout")
    assert dropout == ["a number", "at least 0 and at most 1", "`0.0`", "between layers and before the head"]
    assert row(pages["model"], "lstm", "model.pooling")[:3] == ["one of last, mean", "", "`last`"]
    assert row(pages["optimizer"], "adam", "optimizer.lr")[:3] == ["a number", "at least 0", "`0.002`"]
    assert row(pages["optimizer"], "adam", "+optimizer.maximize")[2] == "`false`"  # only the signature has it
    assert row(pages["trainer"], "", "trainer.patience")[:3] == ["a whole number or null", "at least 1", "`null`"]
    assert row(pages["index"], "", "split.by")[0] == "one of example, group, class, time"
    assert "`data=gridworld`" in pages["task"].partition("## control")[2].partition("\n## ")[0]


def test_every_key_that_a_config_sets_is_listed(pages: dict[str, str]) -> None:
    for group in ("model", "data", "optimizer", "scheduler"):
        for file in (ROOT / "conf" / group).glob("*.yaml"):
            section = re.split(rf"^## {file.stem}$", pages[group], flags=re.M)[1]
            for key in set(yaml.safe_load(file.read_text(encoding="utf-8"))) - {"defaults", "_target_"}:
                assert re.search(rf"`{group}\.{key}[.`]", section), f"{group}.{key} of {file.name}"


def test_every_command_and_flag_is_listed() -> None:
    sections = re.split(r"^## ", load("commands_page").page(), flags=re.M)[1:]
    found = {section.partition("\n")[0]: section for section in sections}
    assert found.keys() == COMMANDS.keys()
    for command, flags in FLAGS.items():
        for flag in flags:
            assert re.search(rf"`{flag}[ `]", found[command]), f"{command} {flag}"


def test_what_the_extension_points_name_is_there() -> None:
    names = re.findall(r"^::: (\S+)", (SITE / "api.md").read_text(encoding="utf-8"), re.M)
    assert names
    for name in names:
        module, _, attribute = name.rpartition(".")
        found = importlib.import_module(module)
        assert hasattr(found, attribute) or importlib.util.find_spec(name), name


def test_descriptions_are_shown_in_full(pages: dict[str, str]) -> None:
    cells = markdown.markdown(pages["trainer"], extensions=["tables", "attr_list"])
    assert "as in {head.*: 10.0}</td>" in cells
    commands = load("commands_page").page().partition("\n## ")[0]
    assert "scoring server; Ctrl-C stops it |" in commands


def test_fields_of_a_docstring_become_a_list() -> None:
    text = "What it is.\n\nname: of the thing,\nin full.\nsize: pixels.\n\nNothing else."
    wanted = "What it is.\n\n\n- `name`: of the thing,\n    in full.\n- `size`: pixels.\n\nNothing else."
    assert load("docstrings").listed(text) == wanted


def test_pages_load_nothing_from_elsewhere() -> None:
    foreign = load("hooks").FOREIGN
    assert foreign.search('<link href="https://fonts.example.org/x.css" rel="stylesheet">')
    assert foreign.search('<script async src="//cdn.example.org/x.js"></script>')
    assert not foreign.search('<a href="https://example.org">elsewhere</a> <img src="lstm.png">')
