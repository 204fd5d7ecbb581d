"""The index of conf/: held equal to Hydra's own loader on what ships, and on a small tree with harder YAML."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from hydra._internal.hydra import Hydra
from hydra.core.object_type import ObjectType
from omegaconf import OmegaConf

from mlcli.config import index
from mlcli.config.compose import compose, hydra_session, shipped_conf
from mlcli.config.yaml_lines import read

FILES = {
    "config.yaml": """
        # A small project.
        defaults:
          - model@net: small   # elsewhere in the config
          - task: sort
          - experiment: null
          - override hydra/launcher: basic
          - _self_

        name: null
        nested:
          deep:
            value: 1
        """,
    "task/sort.yaml": """
        # Sorts
        keep: true
        """,
    "task/search.yaml": """
        # Searches
        defaults:
          - part: whole
          - override /model@_global_.net: large
        depth: 3
        """,
    "task/part/whole.yaml": "# All of it\nshare: 1.0\n",
    "model/small.yaml": "# Small\nwidth: 8  # units\n",
    "model/large.yaml": """
        # Large
        #
        # and a longer explanation
        width: 512
        "label": 'a # b'   # a comment
        sizes: [1,
          2]
        kinds:
        - one
        - two
        text: |
          not: a key
        after: "it's"
        empty:
        """,
    "experiment/both.yaml": """
        # @package _global_
        # Searches with the small model
        defaults:
          - override /task: search
          - override /model@net: small

        name: both
        nested:
          deep:
            value: 2
        """,
}


@pytest.fixture
def where(tmp_path: Path) -> index.Folders:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(dedent(text).lstrip())
    return (str(tmp_path),)


@pytest.fixture
def hydra() -> Iterator[Hydra]:
    with hydra_session() as session:
        yield session


def test_groups_and_options(where: index.Folders) -> None:
    assert index.groups(where) == ["experiment", "model", "task", "task/part"]
    assert index.options("task", where) == {"search": "Searches", "sort": "Sorts"}
    assert index.options("experiment", where) == {"both": "Searches with the small model"}
    assert index.options("nothing", where) == {}


def test_keys(where: index.Folders) -> None:
    assert index.keys("model", "large", where) == {
        "model.width": "512",
        "model.label": "a # b",
        "model.sizes": "[1, 2]",
        "model.kinds": "[one, two]",
        "model.text": "|",
        "model.after": "it's",
        "model.empty": "",
    }
    assert index.keys("model@net", "small", where) == {"net.width": "8"}
    assert index.keys("experiment", "both", where) == {"name": "both", "nested.deep.value": "2"}
    assert index.keys("model", "missing", where) == {}


def test_defaults_of_options(where: index.Folders) -> None:
    part = {"task/part": "whole"}
    plain = {"task": "sort", "model@net": "small", "experiment": "", "hydra/launcher": "basic"}
    assert index.chosen({}, where) == plain
    assert index.chosen({"task": "search"}, where) == plain | part | {"task": "search", "model@net": "large"}
    both = {"task": "search", "experiment": "both"}
    assert index.chosen({"experiment": "both"}, where) == plain | part | both
    assert index.chosen({"experiment": "both", "task": "sort"}, where) == plain | {"experiment": "both"}


def test_all_keys(where: index.Folders) -> None:
    found = index.all_keys(index.chosen({"task": "search"}, where), where)
    assert set(found) >= {"name", "nested.deep.value", "task.depth", "task.part.share", "net.width", "net.sizes"}
    assert found["net.width"] == "512"


def test_nearer_folders_add_and_win(where: index.Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own" / "conf"
    (own / "model").mkdir(parents=True)
    (own / "model" / "small.yaml").write_text("# Mine\nwidth: 1\n")
    (own / "model" / "huge.yaml").write_text("# Huge\n")
    monkeypatch.chdir(own.parent)
    both = index.search_path(config_path=where[0])
    assert both == ("conf", where[0])
    assert index.options("model", both) == {"huge": "Huge", "large": "Large", "small": "Mine"}
    assert index.keys("model", "small", both) == {"model.width": "1"}
    assert index.search_path(str(own), where[0]) == (str(own), "conf", where[0])


def test_shipped_conf_is_not_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shipped_conf().parent)
    assert index.search_path() == (index.shipped_conf(),)
    assert Path(index.shipped_conf()) == shipped_conf()


def test_every_file_reads_as_omegaconf_reads_it() -> None:
    for path in shipped_conf().rglob("*.yaml"):
        content = OmegaConf.to_container(OmegaConf.load(path))
        assert isinstance(content, dict)
        content.pop("defaults", None)
        document = read(str(path))
        assert _read_as_yaml(document.keys) == _flat(content), path
        assert document.description, f"{path} does not begin with a comment that says what it is"


def test_groups_and_options_are_hydras(hydra: Hydra) -> None:
    loader = hydra.config_loader
    top = [group for group in index.groups() if "/" not in group]
    assert set(top) <= set(loader.get_group_options("", ObjectType.GROUP))
    for group in [*index.groups(), *index.HYDRA_GROUPS]:
        installed = [each for each in loader.get_group_options(group, ObjectType.CONFIG) if each != "joblib"]
        assert list(index.options(group)) == installed  # joblib's launcher is another package


@pytest.mark.parametrize("typed", ["", "model=lstm", "task=regression", "task=regression data=digits"])
def test_choices_are_hydras(hydra: Hydra, typed: str) -> None:
    ours = _same_choices(hydra, typed.split(), index.search_path())
    assert set(index.groups()) - {"experiment"} <= set(ours)


@pytest.mark.parametrize(
    "typed", ["", "task=search", "experiment=both", "experiment=both task=sort", "task=search model@net=small"]
)
def test_choices_of_the_small_tree_are_hydras(where: index.Folders, typed: str) -> None:
    with hydra_session(config_path=where[0]) as session:
        _same_choices(session, typed.split(), where)


def _same_choices(session: Hydra, overrides: list[str], where: index.Folders) -> index.Choices:
    cfg = compose(session, overrides)
    theirs = cfg.hydra.runtime.choices
    ours = index.chosen(dict(override.split("=") for override in overrides), where)  # type: ignore[misc]
    assert {group: option or None for group, option in ours.items()} == {group: theirs[group] for group in ours}
    content = OmegaConf.to_container(cfg, resolve=False)
    assert isinstance(content, dict)
    content.pop("hydra")
    content = {key: value for key, value in content.items() if value is not None or key not in index.groups(where)}
    assert {key for key in index.all_keys(ours, where) if not key.startswith("hydra.")} == set(_flat(content))
    return ours


def _flat(node: object, prefix: str = "") -> dict[str, object]:
    if not isinstance(node, dict):
        return {prefix: node}
    found: dict[str, object] = {}
    for key, value in node.items():
        found |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
    return found


def _read_as_yaml(keys: dict[str, str]) -> dict[str, object]:
    return {key: OmegaConf.to_container(OmegaConf.create(f"value: {text}"))["value"] for key, text in keys.items()}


def test_a_defaults_list_that_leads_back_to_itself_ends(tmp_path: Path) -> None:
    """Hydra refuses it; completion must not hang on it."""
    (tmp_path / "optimizer").mkdir()
    (tmp_path / "optimizer" / "again.yaml").write_bytes(b"# caf\xe9\ndefaults:\n  - /optimizer: again\nlr: 1\n")
    where = (str(tmp_path), *index.search_path())
    assert index.chosen({"optimizer": "again"}, where)["optimizer"] == "again"
    assert "again" in index.options("optimizer", where)
