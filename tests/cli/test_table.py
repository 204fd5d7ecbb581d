"""Tables in terminals of different widths and in a pipe, and the format of numbers."""

import math
from collections.abc import Callable

import pytest
from rich.cells import cell_len

from mlcli.cli import output
from mlcli.cli.output import format_numbers, print_table

Print = Callable[..., list[str]]
COLUMNS = ("run", "name", "status", "val/accuracy", "test/accuracy", "test/f1_macro")
ROWS = [
    ("aaaa1111-0", "lr=0.001 batch_size=32", "FINISHED", 0.97493, 0.98889, 0.98881),
    ("bbbb2222", "名前の長い実験の名前の長い実験の名前", "FAILED on a-host", None, None, None),
    ("cccc3333", "a-name-that-is-so-long-that-it-fits-nowhere-" * 3, "FINISHED", 1.0, 0.01818, 0.5),
]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Print:
    """Prints a table and returns the lines on stdout; width: of the terminal, None for a pipe."""

    def show(width: int | None, *arguments: object, **settings: object) -> list[str]:
        monkeypatch.setattr(output, "terminal_width", lambda: width)
        monkeypatch.setenv("NO_COLOR", "1")
        print_table(*arguments, **settings)  # type: ignore[arg-type]
        return capsys.readouterr().out.splitlines()

    return show


@pytest.mark.parametrize("width", [1, 12, 30, 40, 60, 80, 100, 120, 1000])
def test_a_table_fits_the_terminal(printed: Print, width: int) -> None:
    optional = ["test/f1_macro", "test/accuracy", "val/accuracy"]
    lines = printed(width, COLUMNS, ROWS, "a title", optional=optional, cut=("name",))
    assert not any(line != line.rstrip() for line in lines)
    if width >= 40:
        table = lines[2:]
        assert max(map(cell_len, table)) <= width
        assert all(any(row[0] in line for line in table) for row in ROWS)  # what identifies a run is whole
    if width >= 60:
        assert len([line for line in lines if "FINISHED" in line or "FAILED" in line]) == len(ROWS)


def test_what_is_left_out_is_named(printed: Print, capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a", "b"), [("x" * 10, "y" * 60)], optional=("b",))
    assert capsys.readouterr().err == ""  # in a pipe nothing is
    printed(70, ("a", "b", "c"), [("x" * 10, "y" * 60, "z")], optional=("b", "c"))
    lines = printed(30, ("a", "b", "c"), [("x" * 10, "y" * 60, "z")], optional=("b", "c"))
    assert lines[0].split() == ["a", "c"]


def test_the_columns_that_were_left_out_are_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "terminal_width", lambda: 20)
    names = [f"metric{number}" for number in range(6)]
    print_table(("a", *names), [("x" * 18, *range(6))], optional=names)
    assert capsys.readouterr().err == (
        "not shown: metric0, metric1, metric2, metric3 and 2 more; use a wider terminal, or --json\n"
    )


def test_texts_continue_on_the_next_line_between_words(printed: Print) -> None:
    text = "the description of an option, which has many words"
    lines = printed(30, ("option", "description"), [("first", text), ("second", "short")])
    assert max(map(len, lines)) <= 30
    assert " ".join(line[8:].strip() for line in lines[2:-2]) == text
    assert lines[-2].split() == ["second", "short"]


def test_a_pipe_has_tabs_and_everything(printed: Print) -> None:
    rows = [("a\tb", "two\nlines", 0.5), ("x" * 300, "", None)]
    assert printed(None, ("one", "two", "val/loss"), rows, "title", ("", "mean", "0.5"), optional=("two",)) == [
        "title",
        "one\ttwo\tval/loss",
        "a b\ttwo lines\t0.5000",
        f"{'x' * 300}\t\t",
        "\tmean\t0.5",
    ]


@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colours(
    environment: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(output, "terminal_width", lambda: 80)
    print_table(("a", "b"), [("*1", 2)], "title")
    assert ("\x1b[" in capsys.readouterr().out) == coloured
    monkeypatch.setattr(output, "terminal_width", lambda: None)
    print_table(("a", "b"), [("*1", 2)], "title")
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.98889, 1.0, 0.01818], ["0.9889", "1.0000", "0.0182"]),
        ([0.09526, 2.3096], ["0.0953", "2.3096"]),
        ([125.338, 9.5], ["125.34", "9.50"]),
        ([12345.6, 200.25], ["12346", "200"]),
        ([200.0, 195.0], ["200", "195"]),
        ([0.002], ["0.002000"]),
        ([0.5, 1e-7], ["5.000e-01", "1.000e-07"]),
        ([1e12, -1.0], ["1.000e+12", "-1.000e+00"]),
        ([0.0], ["0.0000"]),
        ([math.nan, math.inf, 0.25], ["nan", "inf", "0.2500"]),
        ([], []),
    ],
)
def test_the_numbers_of_a_column_have_one_format(values: list[float], texts: list[str]) -> None:
    assert format_numbers(values) == texts
