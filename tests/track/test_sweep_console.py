"""The progress lines of a sweep."""

import sys

import pytest

from mlcli.track import sweep_console
from mlcli.track.sweep_console import SweepConsole


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> SweepConsole:
    monkeypatch.setattr(sweep_console, "LINE_INTERVAL", 0.0)
    return SweepConsole(1, dict.fromkeys(range(4), 10), "val/accuracy", higher=True)


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.splitlines()[-1]


def test_a_stack_makes_progress_by_epochs(console: SweepConsole, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(4):
        console.epoch(number, f"lr={number}", 2, {"val/accuracy": 0.5 + number / 10})
    line = last_line(capsys)
    assert line.startswith(" 20%  0/4 trials  epoch 2/10 of 4 trials  best so far val/accuracy 0.8 (lr=3)")
    assert line.endswith("s left")
    console.leave(3)  # pruned: neither its epochs nor its score are waited for
    console.refresh()
    assert last_line(capsys).startswith(
        " 40%  0/4 trials  epoch 2/10 of 3 trials  best so far val/accuracy 0.7 (lr=2)"
    )
    for number in range(4):
        console.end(number, "", "FINISHED")
    assert last_line(capsys).startswith("100%  4/4 trials  best so far val/accuracy 0.7")


def test_nothing_is_the_best_where_values_do_not_compare(
    console: SweepConsole, capsys: pytest.CaptureFixture[str]
) -> None:
    console.compares = False
    console.epoch(0, "k=2", 1, {"val/accuracy": 0.5})
    assert "best" not in capsys.readouterr().err


def test_a_narrow_terminal_has_fewer_parts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    texts = {}
    for width in (60, 80, 120):
        monkeypatch.setenv("COLUMNS", str(width))
        console = SweepConsole(1, dict.fromkeys(range(4), 10), "val/loss", higher=False)
        console.epoch(0, "model=mlp optimizer.lr=0.1", 1, {"val/loss": 0.5})
        texts[width] = console._text()
        console.stop()
    assert texts[120] == "0/4 trials  epoch 1/10  best so far val/loss 0.5 (model=mlp optimizer.lr=0.1)"
    assert texts[80] == "0/4 trials  best so far val/loss 0.5 (model=mlp optimizer.lr=0.1)"
    assert texts[60] == "0/4 trials  best so far val/loss 0.5"
    assert "…" not in capsys.readouterr().err
