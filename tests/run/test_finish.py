"""What a run leaves behind at its end."""

import csv
from pathlib import Path

import numpy as np

from mlcli.run.finish import write_predictions
from mlcli.train.protocols import Evaluation


def test_predictions_are_read_back_to_the_last_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    single = np.concatenate([rng.random(500), 10.0 ** rng.uniform(-44, 38, 500)]).astype(np.float32)
    double = rng.standard_normal(1000) * 1e-7
    evaluation = Evaluation({})
    evaluation.columns = {
        "index": np.arange(1000),
        "name": np.array(["a,b"] * 1000),
        "single": single,
        "double": double,
    }
    write_predictions(tmp_path / "predictions" / "test.csv", evaluation)
    with (tmp_path / "predictions" / "test.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert np.array_equal(np.array([np.float32(row["single"]) for row in rows]), single)
    assert [float(row["double"]) for row in rows] == double.tolist()
    assert [(int(row["index"]), row["name"]) for row in rows] == [(i, "a,b") for i in range(1000)]
