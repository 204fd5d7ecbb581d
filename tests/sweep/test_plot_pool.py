"""Figures that are saved during the training of a sweep."""

import json
from pathlib import Path
from typing import Any

import pytest

from mlcli.cli.training import main
from mlcli.figure.plot import Plot
from mlcli.run import finish
from mlcli.sweep import report
from mlcli.sweep.plot_pool import PlotPool

QUICK = ["tracking=none", "model=mlp", "model.width=8", "trainer.epochs=1", "device=cpu", "-q"]


def spoilt(*_: Any, **data: Any) -> Any:
    raise ZeroDivisionError("no range")


def fine(**data: Any) -> Any:
    from matplotlib.figure import Figure

    return Figure()


def test_a_figure_that_raises_in_the_drawing_process_costs_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with PlotPool(1, preload=False) as pool:
        for plot in (Plot("bad", spoilt, {}), Plot("unpicklable", lambda: fine(), {}), Plot("good", fine, {})):
            pool.save(plot, tmp_path)
    assert {path.name for path in tmp_path.glob("*.png")} == {"unpicklable.png", "good.png"}
    assert not list(tmp_path.glob(".*.part"))
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"figure bad in {tmp_path} cannot be plotted: ZeroDivisionError: no range"


def test_a_sweep_whose_figures_fail_has_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Figures of the trials and of the sweep."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(finish, "learning_curves", lambda *_: [Plot("curves", spoilt, {})])
    monkeypatch.setattr(report, "sweep_plots", spoilt)
    main(["-m", *QUICK, "optimizer.lr=1e-3,1e-2"])
    (folder,) = Path("outputs/sweeps").iterdir()
    for record in (folder / "sweep.json", folder / "0" / "run.json", folder / "1" / "run.json"):
        assert json.loads(record.read_text())["status"] == "FINISHED"
    assert len(json.loads((folder / "trials.json").read_text())["trials"][0]["metrics"]) > 3
    err = capsys.readouterr().err
    assert "figures of the sweep cannot be plotted" in err and "figure curves" in err and "Traceback" not in err
    assert "Traceback" in (folder / "train.log").read_text()
