"""Tables from databases, by a query in a read-only transaction. Passwords stay in environment variables."""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from mlcli.loading.table.clean import tidy
from mlcli.loading.table.read import TextTable
from mlcli.loading.table.typed_files import check_names
from mlcli.loading.table.values import column_of

PASSWORD = re.compile(
    r"^[\w+.-]+://[^:/@?]*:[^@]+@|[?&](?:password|passwd|pwd|token|access_token|secret)=|\bpwd(?:=|%3D)", re.I
)
ENVIRONMENT = "env:"
# What makes the next transaction read-only. Others are rolled back at the end.
READ_ONLY = {"sqlite": "PRAGMA query_only=ON", "mysql": "SET SESSION TRANSACTION READ ONLY"}
READ_ONLY |= {"mariadb": READ_ONLY["mysql"], "oracle": "SET TRANSACTION READ ONLY"}


@dataclass(frozen=True)
class Source:
    """name: of the data set. shown: data.url, which has no password and may be stored."""

    name: str
    shown: str


def check_url(url: str) -> None:
    """Raises ValueError for an address with a password, which would be stored with the run."""
    if not url.startswith(ENVIRONMENT) and PASSWORD.search(url):
        raise ValueError(
            "data.url has a password, which would be stored with the run: put the address into an environment "
            "variable and use data.url=env:NAME"
        )


def read_sql(url: str | None, query: str | None) -> tuple[TextTable, Source]:
    """The rows of a query. url: an address as SQLAlchemy has them, or env:NAME for one in an environment variable.
    Raises ValueError in one line, without the address's password."""
    if not url or not query:
        raise ValueError(
            f"data.{'query' if url else 'url'} is not given: use data.url=env:NAME data.query='SELECT …'"
        )
    address = _address(url)
    with _errors(address):
        import sqlalchemy

        parsed = sqlalchemy.make_url(address)
        names, rows = _rows(parsed, query)
    names = [tidy(name) for name in names]
    check_names(names, "data.query")
    if not rows:
        raise ValueError("data.query has no rows")
    columns = zip(names, zip(*rows, strict=True), strict=True)
    table = pa.table({name: column_of(values) for name, values in columns})
    return TextTable(table, (Path(url),)), Source(Path(parsed.database or "sql").stem or "sql", url)


def _address(url: str) -> str:
    check_url(url)
    if not url.startswith(ENVIRONMENT):
        return url
    name = url.removeprefix(ENVIRONMENT)
    address = os.environ.get(name, "")
    if not address:
        raise ValueError(f"data.url={url}: there is no environment variable {name}; set it to the database's address")
    return address


@contextmanager
def _errors(address: str) -> Iterator[None]:
    """Errors of the database and its driver as one line of ValueError, without the address's password."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ValueError(f"data.url needs the Python package {error.name}: run pip install {error.name}") from None
    except ValueError as error:
        raise ValueError(_without_password(str(error), address)) from None
    except Exception as error:  # drivers raise what they like
        reason = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
        raise ValueError(f"the database answers: {_without_password(reason.splitlines()[0], address)}") from None


def _without_password(message: str, address: str) -> str:
    import sqlalchemy

    message = message.replace(address, "data.url")
    try:
        url = sqlalchemy.make_url(address)
    except Exception:  # no address: nothing can be recognised as a password
        return message
    secrets = [url.password, *(value for key, value in url.query.items() if PASSWORD.search(f"?{key}="))]
    for secret in secrets:
        for text in {str(secret), quote(str(secret)), quote(str(secret), safe="")} if secret else ():
            message = message.replace(text, "***")
    return message


def _rows(url: Any, query: str) -> tuple[list[str], list[Any]]:
    import sqlalchemy
    from sqlalchemy.pool import NullPool

    kind = url.get_backend_name()
    options: dict[str, Any] = {"poolclass": NullPool}
    if kind == "sqlite" and url.database and not url.database.startswith((":", "file:")):
        options["creator"] = lambda: _open_sqlite(Path(url.database).expanduser())
    engine = sqlalchemy.create_engine(url, **options)
    with engine.connect() as connection:
        if kind == "postgresql":
            connection = connection.execution_options(postgresql_readonly=True)
        elif kind in READ_ONLY:
            connection.exec_driver_sql(READ_ONLY[kind])
            if kind in ("mysql", "mariadb"):
                connection.rollback()  # from the next transaction on
        try:
            result = connection.exec_driver_sql(query)
            if not result.returns_rows:
                raise ValueError("data.query returns no rows: use a SELECT")
            return [str(name) for name in result.keys()], list(result.fetchall())  # noqa: SIM118
        finally:
            connection.rollback()


def _open_sqlite(file: Path) -> sqlite3.Connection:
    """Read-only; SQLite would create a file that is absent."""
    if not file.is_file():
        raise ValueError(f"there is no file {file}")
    return sqlite3.connect(f"file:{quote(str(file.resolve()))}?mode=ro", uri=True)
