"""Settings outside of `data` that name columns of a table."""

from pathlib import Path

import pytest
import torch

from mlcli.config.check import check
from mlcli.config.errors import ConfigError
from mlcli.config.settings import Settings
from mlcli.loading.dataset import Examples
from mlcli.run.data import build_data
from mlcli.run.own_table import table_name
from mlcli.traits import DataTraits, with_traits
from tests.configs import run_config


@with_traits(DataTraits(columns=lambda **settings: ("a", "b")))
def table(
    group: str | None = None, time: str | None = None, split_column: str | None = None, as_classes: bool | None = None
) -> Examples:
    """A table that has groups, or official splits, of the named column."""
    targets = torch.arange(20) % 2
    return Examples(
        name="table",
        kind="vector",
        inputs=torch.arange(20.0).reshape(20, 1),
        targets=targets if as_classes else targets.float(),
        classes=("0", "1") if as_classes else (),
        groups=None if group is None else torch.arange(20) // 4,
        val=None if split_column is None else torch.arange(3),
        target=str(time),
    )


def table_config(**split: str) -> Settings:
    cfg = run_config()
    cfg.data = Settings(_target_=f"{__name__}.table", group=None)
    cfg.split |= split
    check(cfg)
    return cfg


def test_a_column_of_the_split_reaches_the_table() -> None:
    assert build_data(table_config(by="group:a b")).examples.groups is not None
    assert build_data(table_config(by="column:a")).splits["val"].tolist() == [0, 1, 2]
    data = build_data(table_config(by="time:b"))
    assert data.target == "b" and data.splits["test"].tolist() == [16, 17, 18, 19]


def test_errors_name_the_column_as_typed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    cfg = run_config(
        "data=csv", "task=regression", f"data.path={tmp_path}/a.csv", "data.target=y", "split.by=group:z"
    )
    with pytest.raises(ConfigError, match=r"^split\.by=group:z: there is no such column\."):
        build_data(cfg)


def test_the_task_decides_what_the_target_is() -> None:
    cfg = table_config()
    assert build_data(cfg).classes == ("0", "1")
    cfg.task = run_config("task=regression").task
    assert build_data(cfg).classes == ()
    cfg.data.as_classes = True
    assert build_data(cfg).classes == ("0", "1")


def test_columns_that_contradict_each_other() -> None:
    cfg = table_config(by="group:a")
    cfg.data.group = "b"
    with pytest.raises(ConfigError, match=r"split\.by=group:a and data\.group=b differ"):
        build_data(cfg)


@pytest.mark.parametrize(("by", "instead"), [("group:a", "split.by=group"), ("column:a", "split.by=example")])
def test_other_data_has_no_columns(by: str, instead: str) -> None:
    with pytest.raises(ConfigError, match=rf"split\.by={by}: data=digits has no columns .* use {instead}"):
        build_data(run_config(f"split.by={by}"))


@pytest.mark.parametrize(
    ("by", "words"),
    [
        ("groups", "Did you mean group?"),
        ("group:", "use split.by=group:COLUMN"),
        ("column", "use split.by=column:COLUMN"),
        ("class:a", "use split.by=class"),
        ("example:a", "use split.by=example"),
        ("x:a", "Choices: class, column:COLUMN, example"),
    ],
)
def test_units_that_are_none(by: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        check(run_config(f"split.by={by}"))
    assert words in str(error.value) and f"split.by={by}" in str(error.value)


def test_a_run_on_a_table_has_the_name_of_its_file(tmp_path: Path) -> None:
    for path, name in (("houses.csv.gz", "houses"), ("sales/*.csv", "csv"), (["a.csv", "b.csv"], "a")):
        cfg = run_config("data=csv", "data.target=y", "task=regression")
        cfg.data.path = path
        assert table_name(cfg) == name
    assert table_name(run_config()) == ""
