"""data=sql: read-only queries, and passwords that appear nowhere."""

import sqlite3
from pathlib import Path

import pytest

from mlcli.data.sql import sql
from mlcli.loading.table.sql import check_url


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "my #1 houses.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE houses (x REAL, s TEXT, y INTEGER)")
        rows = [(n / 3, "uv"[n % 2], n % 2) for n in range(8)] + [(None, None, 1)]
        connection.executemany("INSERT INTO houses VALUES (?, ?, ?)", rows)
    connection.close()
    return path


def test_query(database: Path) -> None:
    url = f"sqlite:///{database}"
    examples = sql(
        url, "SELECT x, s, y FROM houses WHERE s IS NULL OR s LIKE '%u%' ORDER BY x", "y", as_classes=False
    )
    assert (examples.name, examples.source, examples.features) == ("my #1 houses", url, ("x", "s"))
    assert examples.inputs.nan_to_num(-1).tolist() == [[-1, 0], [0, 1], [2 / 3, 1], [4 / 3, 1], [2, 1]]


def test_environment_variable(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUSES", f"sqlite:///{database}")
    examples = sql("env:HOUSES", "SELECT * FROM houses", "y")
    assert examples.source == "env:HOUSES" and examples.classes == ("0", "1")
    with pytest.raises(ValueError, match="there is no environment variable ABSENT"):
        sql("env:ABSENT", "SELECT 1", "y")


@pytest.mark.parametrize(
    "query", ["DELETE FROM houses", "INSERT INTO houses VALUES (1, 'u', 1)", "DROP TABLE houses"]
)
def test_nothing_is_written(database: Path, query: str) -> None:
    before = database.read_bytes()
    with pytest.raises(ValueError, match="the database answers: attempt to write a readonly database"):
        sql(f"sqlite:///{database}", query, "y")
    assert database.read_bytes() == before


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FROM flats", "the database answers: no such table: flats"),
        ("SELECT * FROM houses WHERE x > 99", "data.query has no rows"),
        ("SELECT x, x FROM houses", "data.query: two columns are named x"),
        ("SELECT 1; SELECT 2", "one statement at a time"),
        ("", "data.query is not given"),
        ("PRAGMA user_version=5", "data.query returns no rows|readonly"),
    ],
)
def test_queries_that_are_refused(database: Path, query: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sql(f"sqlite:///{database}", query, "y")


def test_absent_file_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no file .*new\.db"):
        sql(f"sqlite:///{tmp_path}/new.db", "SELECT 1", "y")
    assert not (tmp_path / "new.db").exists()


SECRET = "s3cret%2Fword"


@pytest.mark.parametrize(
    "url",
    [f"postgresql://ann:{SECRET}@host/db", f"mysql+pymysql://host/db?password={SECRET}", f"x://:{SECRET}@host"],
)
def test_passwords_are_refused_and_hidden(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for refuse in (lambda: check_url(url), lambda: sql(url, "SELECT 1", "y")):
        with pytest.raises(ValueError, match=r"use data\.url=env:NAME") as refused:
            refuse()
        assert "s3cret" not in str(refused.value)
    monkeypatch.setenv("DATABASE", url)
    with pytest.raises(ValueError) as refused:  # no such driver, dialect or host
        sql("env:DATABASE", "SELECT 1", "y")
    assert "s3cret" not in str(refused.value) and "\n" not in str(refused.value)
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("url", ["postgresql://ann@host/db", "sqlite:////tmp/a:b@c.db", "sqlite:///x.db", "env:NAME"])
def test_addresses_without_a_password(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize("url", ["houses.db", "sqlite//x", "nonsense://host/db"])
def test_no_address(url: str) -> None:
    with pytest.raises(ValueError):
        sql(url, "SELECT 1", "y")
