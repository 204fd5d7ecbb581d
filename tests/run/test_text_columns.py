"""A run on a table with a column of texts, of which only the texts predict the class."""

import csv
import json
import random
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from mlcli.cli.training import main
from mlcli.config.errors import ConfigError
from mlcli.loading.table import batches
from mlcli.run.evaluate import evaluate_run
from mlcli.run.load import load_run, stored_config
from mlcli.serve.predictions import predict_batches, predict_file
from mlcli.serve.pyfunc import Pyfunc
from mlcli.serve.server_process import running_server
from mlcli.store.folder import RunFolder
from mlcli.track.mlflow_model import signature

GOOD, BAD = "great excellent loved perfect charming", "terrible awful hated boring useless"
NEUTRAL = "the box arrived and my family used it at home for two days before writing about its colour and size"
COLUMNS = ["id", "x", "color", "review", "y"]
COMMON = ["data=csv", "data.path=reviews.csv", "data.target=y", "tracking=none", "tracking.figures=false",
          "trainer.baseline=false", "model.width=32", "model.bins=8"]  # fmt: skip
PROBABILITIES = ["probability/bad", "probability/good"]


def write_rows(path: Path, count: int, seed: int) -> None:
    draw = random.Random(seed)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for i in range(count):
            name = draw.choice(["good", "bad"])
            words = draw.choices(NEUTRAL.split(), k=10) + draw.choices((GOOD if name == "good" else BAD).split(), k=3)
            text = " ".join(draw.sample(words, len(words)))
            review = text if i % 50 else ("" if i % 100 else "n/a")
            writer.writerow([f"r{i}", f"{draw.gauss(0, 1):.3f}", draw.choice(["red", "blue"]), review, name])


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts")
    write_rows(folder / "reviews.csv", 600, 0)
    write_rows(folder / "new.csv", 101, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        common = [each for each in COMMON if "baseline" not in each and "figures" not in each]
        main(["-q", *common, "trainer.epochs=15", "name=with"])
        main(["-q", *COMMON, "trainer.epochs=15", "name=without", "data.types={review: ignored}"])
    return folder


def named(work: Path, name: str) -> Path:
    return next(run for run in (work / "outputs" / "runs").iterdir() if f'"{name}"' in (run / "run.json").read_text())


@pytest.fixture(scope="module")
def run(work: Path) -> Path:
    return named(work, "with")


def result(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "result.json").read_text()))


def test_only_the_texts_predict_the_class(work: Path, run: Path) -> None:
    found = result(run)
    assert found["metrics"]["test/accuracy"] > 0.96
    assert all(scores["test/accuracy"] > 0.96 for scores in found["boosting"].values())
    assert 0.35 < result(named(work, "without"))["metrics"]["test/accuracy"] < 0.65


def test_figures_show_what_can_be_read(run: Path) -> None:
    data = json.loads(next(run.glob("figures/worst_mistakes*.json")).read_text())
    assert data["features"] == ["x", "color"]


def test_predictions_are_those_of_the_evaluation(work: Path, run: Path) -> None:
    stored = pd.read_csv(run / "predictions" / "test.csv")
    notes: list[str] = []
    found = predict_file(run, str(work / "reviews.csv"), keep=None, note=notes.append)
    own = found.iloc[stored["index"]].reset_index(drop=True)
    assert list(found.columns) == [*COLUMNS, "prediction", *PROBABILITIES]
    np.testing.assert_allclose(own[PROBABILITIES], stored[PROBABILITIES], rtol=1e-5, atol=1e-8)
    assert notes == ["column review: missing in 12 of 600 rows"]
    new = predict_file(run, str(work / "new.csv"), keep=["y"])
    scores = evaluate_run(str(run), work / "outputs", ["data.path=" + str(work / "new.csv")], None, None)
    assert scores["test/accuracy"] == pytest.approx((new["y"] == new["prediction"]).mean())
    own_scores = evaluate_run(str(run), work / "outputs", [], None, None)
    assert own_scores["test/log_loss"] == pytest.approx(result(run)["metrics"]["test/log_loss"], rel=1e-5)


def test_predictions_in_batches_over_http_and_by_mlflow(work: Path, run: Path, monkeypatch: Any) -> None:
    rows = pd.read_csv(work / "new.csv", dtype=str, keep_default_na=False).drop(columns="y")
    expected = predict_file(run, str(work / "new.csv"))
    with monkeypatch.context() as patch:
        patch.setattr(batches, "BLOCK", 2000)
        parts = list(predict_batches(run, str(work / "new.csv")))
    assert len(parts) > 3
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), expected, rtol=1e-5)
    table = Pyfunc(str(run / "model")).predict(rows, {"probabilities": True})
    pd.testing.assert_frame_equal(table, expected, rtol=1e-5)
    with_gaps = rows.replace({"review": {"": None, "n/a": float("nan")}})
    pd.testing.assert_frame_equal(Pyfunc(str(run / "model")).predictor.predict(with_gaps), expected, rtol=1e-5)
    sent = {"text/csv": rows.to_csv(index=False), "application/json": json.dumps(rows.to_dict("records"))}
    with running_server(run) as address:
        for kind, body in sent.items():
            request = urllib.request.Request(f"http://{address}/invocations", body.encode(), {"Content-Type": kind})
            with urllib.request.urlopen(request, timeout=30) as response:
                over_http = pd.DataFrame(json.load(response)["predictions"])
            pd.testing.assert_frame_equal(over_http[expected.columns], expected, check_dtype=False, rtol=1e-5)


def test_rows_without_the_texts_are_refused(work: Path, run: Path, tmp_path: Path) -> None:
    pd.read_csv(work / "new.csv").drop(columns="review").to_csv(tmp_path / "few.csv", index=False)
    with pytest.raises(ConfigError, match=r"few\.csv: the table lacks the column review"):
        predict_file(run, str(tmp_path / "few.csv"))


def test_the_text_is_the_input_of_the_stored_model(run: Path) -> None:
    example = json.loads((run / "model" / "example.json").read_text())
    assert example["inputs"]["columns"] == ["x", "color", "review"]
    assert [column["name"] for column in json.loads(str(signature(example)["inputs"]))] == ["x", "color", "review"]
    rows = pd.DataFrame(example["inputs"]["data"], columns=example["inputs"]["columns"])
    found = Pyfunc(str(run / "model")).predictor.predict(rows)
    assert found["probability/good"].tolist() == pytest.approx([row[2] for row in example["outputs"]["data"]])
    assert not [path for path in run.rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib", ".pt")]


@pytest.mark.parametrize("swept", ["split.seed=0,1", "split.folds=3 split.fold=0,1,2"])
def test_each_trial_of_a_stack_has_its_own_components(work: Path, swept: str, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.chdir(work)
    before = set((work / "outputs" / "sweeps").glob("*"))
    main(["-m", *COMMON, *swept.split(), "trainer.epochs=4", "sweep.figures=0", "hydra/launcher=stack"])
    assert "trials as one stack" in capsys.readouterr().err
    (sweep,) = set((work / "outputs" / "sweeps").iterdir()) - before
    trials = sorted(path.parent for path in sweep.glob("*/result.json"))
    loaded = [load_run(RunFolder(trial), stored_config(RunFolder(trial))) for trial in trials]
    idf = [parts.data.preprocessing.state_dict()["texts.0.idf"] for parts in loaded]
    assert len(trials) == len(swept.rpartition("=")[2].split(",")) and not torch.equal(idf[0], idf[1])
    for trial in trials:
        stored = pd.read_csv(trial / "predictions" / "test.csv")
        own = predict_file(trial, str(work / "reviews.csv")).iloc[stored["index"]]
        np.testing.assert_allclose(own[PROBABILITIES], stored[PROBABILITIES], rtol=1e-4, atol=1e-6)
        assert result(trial)["metrics"]["test/accuracy"] > 0.9
    digests = {json.loads((trial / "data.json").read_text())["digest"] for trial in trials}
    assert len(digests) == 1


def test_an_estimator_takes_texts(work: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(work)
    common = [each for each in COMMON if not each.startswith("model.")]
    main(["-q", *common, "model=logistic_regression", "name=estimator"])
    found = named(work, "estimator")
    stored = pd.read_csv(found / "predictions" / "test.csv")
    own = predict_file(found, str(work / "reviews.csv")).iloc[stored["index"]]
    np.testing.assert_allclose(own[PROBABILITIES], stored[PROBABILITIES], rtol=1e-5)
    assert result(found)["metrics"]["test/accuracy"] > 0.9
