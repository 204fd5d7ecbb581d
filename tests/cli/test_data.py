"""`mlcli data`: a table as a run would read it; and what is said of it after a training."""

import json
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from mlcli.cli.app import app
from mlcli.cli.guesses import data_command, say_guesses
from mlcli.cli.training import main
from mlcli.loading.table.html import typed_frame
from mlcli.run.describe_table import OwnTable

ROWS = [
    f"0{1000 + i % 7},{30 + i},{'flat' if i % 3 else 'house'},2024-01-{1 + i % 28:02},{1000.5 * i}" for i in range(60)
]
HOUSES = "\n".join(["plz #,Größe,kind,sold,price ($)", *ROWS])


@pytest.fixture(autouse=True)
def _in_a_folder_with_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("houses (1).csv").write_text(HOUSES + "\n")


def data(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["data", *arguments])


def test_columns_with_the_reasons_for_their_kinds() -> None:
    done = data("houses (1).csv")
    assert done.exit_code == 0 and not done.stderr
    title, names, *rows = done.stdout.splitlines()
    assert title == "houses (1).csv: 60 rows, 5 columns" and names == "column\tkind\tmissing\tvalues\treason"
    assert rows[0].startswith("plz #\tcategory\t\t01000 (9), ") and "leading zeros" in rows[0]
    assert rows[1].startswith("Größe\tnumber\t\t30 … ")
    assert rows[3].startswith("sold\tdate\t\t2024-01-01 … ")
    assert rows[5] == "no target: data.target=COLUMN shows its classes, and columns that give it away"


def test_the_target_and_what_looks_wrong() -> None:
    done = data("houses (1).csv", "data.target=price ($)", 'data.types={"plz #": number}')
    assert "price ($)\tnumber (target)" in done.stdout and "price ($): numbers, so task=regression" in done.stdout
    assert "plz #\tnumber\t" in done.stdout and "as data.types says" in done.stdout
    assert "warning: Größe" in done.stdout
    done = data("houses (1).csv", "data.target=kind", "split.by=group:plz #")
    assert "kind: 2 classes, so task=classification\nclass\trows\tshare\nflat\t40\t66.7%" in done.stdout
    assert "plz #\tcategory (group)" in done.stdout


def test_a_table_fits_a_terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcli.cli.output.terminal_width", lambda: 80)
    Path("long.csv").write_text("a very long name of a column that goes on and on,b\n" + "some long text,1\n" * 9)
    for file in ("houses (1).csv", "long.csv"):
        lines = re.sub("\x1b.*?m", "", data(file).stdout).splitlines()
        assert all(len(line) <= 80 for line in lines if not line.startswith("warning:"))


def test_json() -> None:
    found = json.loads(data("houses (1).csv", "data.target=kind", "--json").stdout)
    assert (found["rows"], found["target"], found["task"]) == (60, "kind", "classification")
    assert found["columns"][0]["kind"] == "category" and found["balance"] == [["flat", 40], ["house", 20]]


def test_other_formats_by_the_name_of_the_file() -> None:
    table = OwnTable("houses (1).csv", ["data.target=kind"]).table.columns
    import pyarrow.feather
    import pyarrow.parquet

    pyarrow.parquet.write_table(table, "houses.parquet")
    pyarrow.feather.write_feather(table, "houses.feather")
    Path("houses.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in table.to_pylist()))
    for name in ("houses.parquet", "houses.feather", "houses.jsonl"):
        found = json.loads(data(name, "data.target=kind", "--json").stdout)
        assert (found["rows"], found["task"], found["files"]) == (60, "classification", [name])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["house.csv"], "there is no file house.csv"),
        (["houses (1).csv", "data.target=kin"], "Did you mean kind?"),
        (["houses (1).csv", "data.tpyes={a: number}"], "There is no data.tpyes. Did you mean types?"),
        (["houses (1).csv", "data.types={kind: words}"], "words is no kind of column"),
        (["houses (1).csv", "trainer.epochs=1"], "trainer.epochs: `mlcli data` takes data.KEY=VALUE"),
        (["houses (1).csv", "split.by=grup:kind"], "split.by=grup:kind: no such choice. Did you mean group?"),
        (["houses (1).csv", "split.by=group:kin"], "Did you mean kind?"),
        (["postgresql://me:secret@host/db"], "data.url holds a password"),
        (["env:NOWHERE_AT_ALL", "data.query=SELECT 1"], "there is no environment variable NOWHERE_AT_ALL"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], message: str) -> None:
    done = data(*arguments)
    assert done.exit_code == 2 and not done.stdout
    assert done.stderr.count("\n") == 1 and message in done.stderr and "secret" not in done.stderr


def test_a_report_as_a_web_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skrub", None)  # not installed
    done = data("houses (1).csv", "--html", "report.html")
    assert (done.exit_code, done.stderr) == (2, "error: --html needs skrub: run pip install skrub\n")
    fake = ModuleType("skrub")
    page = lambda frame, title, verbose: SimpleNamespace(html=lambda: f"<html>{title} {list(frame.dtypes)}</html>")  # noqa: E731
    fake.TableReport = page  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "skrub", fake)
    done = data("houses (1).csv", "--html", "report.html")
    assert done.exit_code == 0 and done.stdout.endswith("report in report.html\n")
    assert "houses (1).csv" in Path("report.html").read_text()


def test_a_report_has_numbers_and_dates() -> None:
    table = OwnTable("houses (1).csv", [])
    frame = typed_frame(table.table, table.settings)
    assert frame["Größe"].dtype == "float64" and str(frame["sold"].dtype).startswith("datetime64")
    assert frame["plz #"][0] == "01000"


def test_guesses_are_said_after_a_training(capsys: pytest.CaptureFixture[str]) -> None:
    Path("prices.csv").write_bytes(
        "Stra\xdfe,price\n".encode("cp1252") + b"".join(b"%d,%d\n" % (i, i) for i in range(60))
    )
    quick = ["model=linear", "trainer.epochs=1", "tracking=none", "data.ignore=[]"]
    main(["data=csv", "data.path=prices.csv", "data.target=price", *quick])
    said = capsys.readouterr().err.splitlines()
    assert any(line.startswith("guess: prices.csv is not UTF-8") or "read as cp1252" in line for line in said)
    assert said[-1] == "see all columns with `mlcli data prices.csv data.target=price 'data.ignore=[]'`"
    main(["data=csv", "data.path=prices.csv", "data.target=price", *quick, "-q"])
    assert capsys.readouterr().err == ""


def test_at_most_ten_guesses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for count, lines in ((9, 9), (30, 10)):
        described = dict.fromkeys(("name", "digest", "source", "kind", "target"), "x")
        described |= {"shape": [1], "classes": [], "examples": {}, "notes": [f"note {i}" for i in range(count)]}
        (tmp_path / "data.json").write_text(json.dumps(described))
        say_guesses(tmp_path)
        assert len(capsys.readouterr().err.splitlines()) == lines


def test_the_command_that_shows_all() -> None:
    overrides = ["data=csv", "data.path='a b.csv'", "data.target='x ($)'", "split.by='group:y z'", "model=tabm"]
    assert (
        data_command(overrides)
        == """mlcli data 'a b.csv' 'data.target='"'"'x ($)'"'"'' 'split.by='"'"'group:y z'"'"''"""
    )
    assert data_command(["data=digits", "split.by=group"]) == ""
