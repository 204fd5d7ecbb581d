"""A run on a table of the user's own: trained, predicted, evaluated on another file, beside its baseline."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from mlcli.cli.training import main
from mlcli.config.errors import ConfigError
from mlcli.run.evaluate import evaluate_run
from mlcli.run.load import load_model
from mlcli.serve.predictions import predict_file
from mlcli.serve.pyfunc import Pyfunc

COLUMNS = ["id", "zip", "area", "heating", "built", "price"]
COMMON = ["-q", "data=csv", "data.path=houses.csv", "data.target=price", "tracking=none", "tracking.figures=false"]


def write_rows(path: Path, count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for i in range(count):
            area, zip_code = random.uniform(20, 200), random.choice(["01234", "20095"])
            price = 3000 * area * (1.5 if zip_code == "20095" else 1) + random.normal(0, 5000)
            known = random.random() > 0.1
            heating = random.choice(["gas", "oil", ""])
            row = [f"h{i}-{seed}", zip_code, f"{area:.2f}" if known else "n/a", heating, "2001-05-17", f"{price:.0f}"]
            writer.writerow(row)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    write_rows(folder / "houses.csv", 300, 0)
    write_rows(folder / "new.csv", 60, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        main([*COMMON, "data.ignore=[id]", "trainer.epochs=12", "model.bins=8", "name=houses"])
    return folder


@pytest.fixture(scope="module")
def run(work: Path) -> Path:
    (found,) = (work / "outputs" / "runs").iterdir()
    return found


def result(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "result.json").read_text()))


def test_the_task_and_the_model_are_chosen_and_stored(run: Path) -> None:
    config = json.loads((run / "model" / "model.json").read_text())["config"]
    assert config["task"]["_target_"].endswith("Regression") and config["model"]["_target_"].endswith("TabM")
    assert result(run)["metrics"]["test/r2"] > 0.8


def test_predictions_for_the_rows_of_the_test_split_are_those_of_the_run(work: Path, run: Path) -> None:
    stored = pd.read_csv(run / "predictions" / "test.csv")
    found = predict_file(run, str(work / "houses.csv"), keep=["id"])
    own = found.iloc[stored["index"]].reset_index(drop=True)
    assert own["id"].str.startswith("h").all()
    for name in ("prediction", "prediction/low", "prediction/high"):
        assert own[name].to_numpy() == pytest.approx(stored[name].to_numpy(), rel=1e-5)
    inside = stored["target"].between(stored["prediction/low"], stored["prediction/high"])
    assert inside.mean() == pytest.approx(result(run)["metrics"]["test/coverage"])


def test_columns_in_any_order_extra_ones_and_unknown_levels(work: Path, run: Path, tmp_path: Path) -> None:
    table = pd.read_csv(work / "new.csv", dtype=str, keep_default_na=False)
    expected = predict_file(run, str(work / "new.csv"))
    changed = table[COLUMNS[::-1]].drop(columns="price").assign(more="x")
    changed.to_csv(tmp_path / "changed.csv", index=False, sep=";")
    pd.testing.assert_frame_equal(predict_file(run, str(tmp_path / "changed.csv")), expected)
    changed.loc[0, "heating"] = "wood"
    changed.to_csv(tmp_path / "changed.csv", index=False)
    notes: list[str] = []
    predict_file(run, str(tmp_path / "changed.csv"), note=notes.append)
    assert "column heating: not in the training table in 1 of 60 rows (wood)" in notes
    assert any(line.startswith("column area: missing in") for line in notes)
    changed.drop(columns=["area", "zip"]).to_csv(tmp_path / "few.csv", index=False)
    with pytest.raises(ConfigError, match=r"few\.csv: the table lacks the columns zip, area"):
        predict_file(run, str(tmp_path / "few.csv"))


def test_rows_of_another_file_are_evaluated_by_the_schema_of_the_run(work: Path, run: Path) -> None:
    new = str(work / "new.csv")
    found = evaluate_run(str(run), work / "outputs", [f"data.path={new}"], None, None)
    targets, predictions = pd.read_csv(new)["price"], predict_file(run, new)["prediction"]
    assert found["test/rmse"] == pytest.approx(float(np.sqrt(((targets - predictions) ** 2).mean())), rel=1e-5)


def test_the_mlflow_model_takes_a_data_frame(work: Path, run: Path) -> None:
    rows = pd.read_csv(work / "new.csv", dtype=str)
    expected = predict_file(run, str(work / "new.csv"))
    table = Pyfunc(str(run / "model")).predict(rows)
    assert table["prediction"].to_numpy() == pytest.approx(expected["prediction"].to_numpy())
    example = json.loads((run / "model" / "example.json").read_text())
    again = load_model(run / "model").data.examples.schema
    assert again is not None and [column.name for column in again.columns] == example["inputs"]["columns"]


def test_boosting_on_the_same_split_is_beside_it(run: Path) -> None:
    scores = result(run)["boosting"]
    assert scores.keys() == {"boosting", "early_stopped_boosting"}
    data = load_splits(run)
    model = HistGradientBoostingRegressor(categorical_features=data["is_code"], random_state=0)
    model.fit(data["train"][0], data["train"][1])
    errors = model.predict(data["test"][0]) - data["test"][1]
    assert scores["boosting"]["test/mae"] == pytest.approx(float(np.abs(errors).mean()), rel=1e-6)


def load_splits(run: Path) -> dict[str, Any]:
    from mlcli.run.load import load_run, stored_config
    from mlcli.store.folder import RunFolder

    data = load_run(RunFolder(run), stored_config(RunFolder(run))).data
    assert data.examples.schema is not None
    pairs = {
        name: (data.examples.inputs[own].numpy(), data.examples.targets[own].numpy())
        for name, own in data.splits.items()
    }
    return pairs | {"is_code": [kind == "code" for kind in data.examples.schema.feature_kinds]}


def test_a_sweep_has_the_baseline_once(work: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(work)
    main(["-m", *COMMON[1:], "trainer.epochs=2", "model.bins=4", "model.width=8", "optimizer.lr=0.001,0.01",
          "sweep.figures=0", "hydra/launcher=stack"])  # fmt: skip
    printed = capsys.readouterr()
    assert printed.out.count("early stopped boosting: val/trimmed_rmse") == 1
    assert "2 trials as one stack" in printed.err
    (sweep,) = (work / "outputs" / "sweeps").iterdir()
    assert json.loads((sweep / "baseline.json").read_text()).keys() == {"boosting", "early_stopped_boosting"}
    assert not any("boosting" in result(trial) for trial in (sweep / "0", sweep / "1"))


def test_the_example_of_a_run_on_some_classes_is_that_of_its_rows(tmp_path: Path, monkeypatch: Any) -> None:
    """The first rows of the file may be of classes that are left out."""
    monkeypatch.chdir(tmp_path)
    kinds = ["c", "c", "c", "a", "b"] * 20
    lines = [f"{i % 7},{'xyz'[i % 3]},{kind}" for i, kind in enumerate(kinds)]
    Path("kinds.csv").write_text("\n".join(["n,m,kind", *lines]) + "\n")
    main(["-q", "data=csv", "data.path=kinds.csv", "data.target=kind", "split.classes=[a,b]", "model=linear",
          "trainer.epochs=2", "tracking=none", "tracking.figures=false", "trainer.baseline=false"])  # fmt: skip
    (run,) = Path("outputs/runs").iterdir()
    example = json.loads((run / "model" / "example.json").read_text())
    rows = pd.DataFrame(example["inputs"]["data"], columns=example["inputs"]["columns"])
    found = Pyfunc(str(run / "model")).predictor.predict(rows)
    assert found["prediction"].tolist() == [row[0] for row in example["outputs"]["data"]]
    assert "boosting" not in result(run)
