"""The progress line of a run: it fits a narrow terminal, and the monitored metric is never cut off."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from mlcli.track import console

METRICS = {
    "train/loss": 0.57703,
    "val/loss": 0.42,
    "val/accuracy": 0.8,
    "val/mean_gain_per_customer": 0.25,
    "lr": 0.1,
}


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (76, "val/loss 0.42  val/mean_gain_per_customer 0.25"),
        (100, "val/loss 0.42  val/accuracy 0.8  val/mean_gain_per_customer 0.25"),
        (140, "train/loss 0.577  val/loss 0.42  val/accuracy 0.8  val/mean_gain_per_customer 0.25  lr 0.1"),
    ],
)
def test_less_important_columns_are_left_out_of_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int, text: str
) -> None:
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    display = console.Console()
    display.start(Path(), "mlp", 3, 10, "")
    display.show(SimpleNamespace(epoch=1, step=10, metrics=METRICS), "val/mean_gain_per_customer")
    display.stop()
    (line,) = {each for each in capsys.readouterr().err.replace("\r", "\n").split("\n") if "epoch 1/3" in each}
    assert f"epoch 1/3 {text} " in line and "…" not in line


def test_elsewhere_than_on_a_terminal_all_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    display = console.Console()
    display.start(Path(), "mlp", 3, 10, "")
    display.show(SimpleNamespace(epoch=1, step=10, metrics=METRICS), "val/mean_gain_per_customer")
    assert "epoch 1/3  train/loss 0.577  val/loss 0.42  val/accuracy 0.8  val/mean" in capsys.readouterr().err
