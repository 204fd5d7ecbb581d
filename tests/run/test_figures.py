"""Figures that cannot be drawn: the run and its numbers stay."""

import json
from pathlib import Path
from typing import Any

import pytest

from mlcli.cli.training import main
from mlcli.figure.plot import Plot
from mlcli.run import finish
from mlcli.run.figures import common_subject, save_figures, subject
from mlcli.task.plots import classification

QUICK = ["tracking=none", "model=mlp", "model.width=8", "trainer.epochs=1", "device=cpu", "-q"]


RECORD = {"name": "lr=0.1", "id": "20261201-101500-1a2b3c4d-3", "options": {"model": "mlp", "data": "digits"}}


def spoilt(*_: Any, **data: Any) -> Any:
    raise ZeroDivisionError("no range\nto plot")


def fine(**data: Any) -> Any:
    from matplotlib.figure import Figure

    return Figure()


def test_one_bad_figure_costs_a_line_and_not_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plots = [Plot("bad", spoilt, {}), Plot("good", fine, {})]
    save_figures(lambda: plots, "figures", RECORD, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.json", "good.json", "good.png"]
    assert capsys.readouterr().err == "figure bad cannot be plotted: ZeroDivisionError: no range\n"


def test_a_figure_names_run_model_and_data(tmp_path: Path) -> None:
    made: list[Plot] = []
    save_figures(lambda: [Plot("good", fine, {})], "figures", RECORD, tmp_path, lambda plot, _: made.append(plot))
    [text] = made[0].figure().texts
    assert text.get_text() == "mlp on digits · lr=0.1 · 20261201-101500-1a2b3c4d-3"
    assert subject(RECORD | {"name": "mlp-digits"}) == "mlp on digits · 20261201-101500-1a2b3c4d-3"
    assert subject({"name": "old", "id": "of-format-1"}) == "old · of-format-1"


def test_the_figure_of_several_runs_names_their_models_and_data() -> None:
    records = [{"options": {"model": model, "data": "iris"}} for model in ("mlp", "linear", "mlp")]
    assert common_subject(records) == "mlp, linear on iris · 3 runs"
    assert common_subject([{"options": {"model": name}} for name in "abcd"]) == "4 models · 4 runs"
    assert common_subject([{}, {"options": None}]) == "2 runs"


@pytest.mark.parametrize("where", ["while prepared", "while drawn"])
def test_a_run_whose_figures_fail_has_finished(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Predictions and result are there, the log has the traceback, stderr a line."""
    monkeypatch.chdir(tmp_path)
    if where == "while prepared":
        monkeypatch.setattr(classification, "plots", spoilt)
    else:
        monkeypatch.setattr(finish, "learning_curves", lambda *_: [Plot("curves", spoilt, {})])
        monkeypatch.setattr(classification, "plots", lambda *_: [])
    main(QUICK)
    captured = capsys.readouterr()
    (folder,) = Path("outputs/runs").iterdir()
    assert json.loads((folder / "run.json").read_text())["status"] == "FINISHED"
    assert json.loads((folder / "result.json").read_text())["metrics"]["test/accuracy"] > 0
    assert (folder / "predictions" / "test.csv").exists()
    assert len(captured.err.splitlines()) == 1 and "cannot be plotted: " in captured.err
    assert "Traceback" in (folder / "train.log").read_text()


def test_a_conclusion_that_fails_leaves_the_run_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command has failed all the same: it was to draw one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mlcli.experiment.pca.pca", spoilt)
    with pytest.raises(SystemExit) as end:
        main([*QUICK, "+conclusion._target_=mlcli.experiment.pca.pca", "tracking.figures=false"])
    assert end.value.code == 1
    (folder,) = Path("outputs/runs").iterdir()
    assert json.loads((folder / "run.json").read_text())["status"] == "FINISHED"
    assert "failed: no conclusion: ZeroDivisionError: no range (traceback in" in capsys.readouterr().err
