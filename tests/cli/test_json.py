"""`--json`: one JSON document on stdout, and nothing else."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mlcli.cli.app import app
from mlcli.cli.output import print_json
from mlcli.cli.training import main
from tests.commands import QUICK


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, one of them without a result, and a sweep."""
    folder = tmp_path_factory.mktemp("json")
    main([*QUICK, f"outputs={folder}", "name=first"])
    with pytest.raises(SystemExit):
        main([*QUICK, f"outputs={folder}", "name=diverged", "optimizer=sgd", "optimizer.lr=1e38", "trainer.epochs=3"])
    main(["-m", *QUICK, f"outputs={folder}", "optimizer.lr=0.1,0.2", "name=both"])
    return folder


def document(*arguments: str) -> Any:
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(done.stdout, parse_constant=refuse)


def test_runs_and_show(outputs: Path) -> None:
    place = ["--outputs", str(outputs)]
    rows = document("runs", *place)
    assert {row["status"] for row in rows} == {"FINISHED", "FAILED"} and len(rows) == 5
    first = document("show", "first", *place)
    (row,) = [row for row in rows if row["name"] == "first"]
    assert row.items() <= first.items() and row["options"]["model"] == "linear"
    assert first["parameters"] == 15 and first["config"]["optimizer"]["lr"] > 0
    assert first["result"]["metrics"] == first["metrics"] and first["environment"]["device"] == "cpu"
    assert document("show", "diverged", *place)["result"] is None
    sweep = document("show", "last", *place)
    assert [trial["trial"] for trial in sweep["trials"]] == [0, 1] and sweep["monitor"] == "val/loss"


def test_compare_and_evaluate(outputs: Path, tmp_path: Path) -> None:
    place = ["--outputs", str(outputs)]
    found = document("compare", "lr=0.1", "lr=0.2", "-o", str(tmp_path / "a.png"), *place)
    assert [row["swept"] for row in found["runs"]] == [{"optimizer.lr": 0.2}, {"optimizer.lr": 0.1}]
    assert found["settings"]["optimizer.lr"] == [0.2, 0.1] and Path(found["figure"]).exists()
    assert all(len(values) == 2 for values in found["metrics"].values())
    assert set(found["best"]) == set(found["metrics"])
    assert document("evaluate", "first", *place)["test/accuracy"] == pytest.approx(
        document("show", "first", *place)["metrics"]["test/accuracy"]
    )


def test_train_and_crossval_print_what_show_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (["train"], ["train", "-m", "optimizer.lr=0.1,0.2"], ["crossval", "folds=2"]):
        trained, shown = document(*arguments, *QUICK), document("show")
        assert trained == shown and trained["status"] == "FINISHED"
    assert trained["crossval"]["folds"] == 2 and len(trained["trials"]) == 2
    failing = CliRunner().invoke(app, ["train", "-m", *QUICK, "optimizer.lr=0.1,1e38", "optimizer=sgd", "--json"])
    assert failing.exit_code == 1 and json.loads(failing.stdout)["best_trial"] is not None
    for flag in (["--cfg", "job"], ["--dry-run"]):
        done = CliRunner().invoke(app, ["train", *flag, "--json"])
        assert done.exit_code == 2 and "exclude each other" in done.stderr and done.stdout == ""


def test_list() -> None:
    groups = document("list")
    assert "lstm" in groups["model"]
    assert set(document("list", "models")) == set(groups["model"])
    assert document("list", "experiment")["pca"].keys() == {"section", "description", "expected"}


def test_sync(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Courier:
        def finish(self) -> str:
            return ""

    monkeypatch.setattr("mlcli.track.courier_handle.start_courier", lambda *_, **__: Courier())
    found = document("sync", "--uri", "http://name:secret@127.0.0.1:1", "--outputs", str(outputs))
    assert found["complete"] is True and "secret" not in found["uri"]


def test_generated_text(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcli.serve.generate.generate", lambda *_: " end\n")
    found = document("predict", "first", "--prompt", "the", "--outputs", str(outputs))
    assert found == {"prompt": "the", "generated": " end\n"}


def test_what_json_does_not_have_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"nan": math.nan, "list": [math.inf, 1.5], "path": Path("a"), "text": "é\ud800"})
    assert json.loads(capsys.readouterr().out) == {"nan": None, "list": [None, 1.5], "path": "a", "text": "é\ud800"}


def test_an_error_leaves_stdout_empty(outputs: Path) -> None:
    done = CliRunner().invoke(app, ["show", "nobody", "--json", "--outputs", str(outputs)])
    assert done.exit_code == 2 and done.stdout == "" and done.stderr.startswith("error: ")
