"""The pipeline: one module from raw tensors to predictions as tensors."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from mlcli.config.errors import ConfigError
from mlcli.config.settings import Settings
from mlcli.loading.dataset import DataSet
from mlcli.run.build import Parts, build
from mlcli.run.finish import write_model, write_predictions
from mlcli.run.load import load_model
from mlcli.serve.pipeline import Pipeline
from mlcli.serve.predict_rows import predict_rows
from mlcli.serve.predictor import Predictor
from mlcli.task.gradient.gradient_task import GradientTask
from mlcli.train.protocols import Calibrates
from tests.configs import run_config
from tests.serve.test_predictor import RUNS

ROWS = 120
TABLE = ["data=csv", "data.path=TABLE", "trainer.batch_size=32", "model.width=8"]
CLASSES = [*TABLE, "data.target=bought", "task=classification"]
NUMBERS = [*TABLE, "data.target=price", "task=regression"]
TABLES = {
    "mlp": [*CLASSES, "model=mlp"],
    "tabm": [*CLASSES, "model=tabm", "model.members=2"],
    "realmlp": [*NUMBERS, "model=realmlp", "model.members=2"],
}
EPISODES = {"task=dqn", "task=reinforce"}  # tasks whose stored predictions are episodes
EXPORTED = {
    **TABLES,
    "mlp of an image": ["data=digits", "model=mlp"],
    "cnn": ["data=digits", "model=cnn"],
    "lstm": ["data=digits", "model=lstm", "model.hidden_size=8"],
}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with numbers, gaps, categories, a boolean and dates."""
    random = np.random.default_rng(0)
    size = random.normal(50, 20, ROWS).round(2)
    rows = pd.DataFrame(
        {
            "size": np.where(random.random(ROWS) < 0.1, np.nan, size),
            "colour": random.choice(["red", "green", "blue"], ROWS),
            "new": random.choice(["yes", "no"], ROWS),
            "sold": pd.Timestamp("2024-01-31") + pd.to_timedelta(random.integers(0, 700, ROWS), "D"),
            "bought": np.where(size + random.normal(0, 10, ROWS) > 50, "yes", "no"),
            "price": (3 * size + random.normal(0, 5, ROWS)).round(3),
        }
    )
    path = tmp_path_factory.mktemp("table") / "table.csv"
    rows.to_csv(path, index=False)
    return path


def trained(overrides: list[str], table: Path, folder: Path) -> Parts:
    """Parts after an epoch, with the model folder written from them."""
    cfg = run_config("device=cpu", *(each.replace("TABLE", str(table)) for each in overrides))
    parts = build(cfg)
    for batch in parts.task.batches(0):
        parts.task.step(batch)
    if isinstance(parts.task, Calibrates):
        parts.task.calibrate()
    write_model(folder / "model", cfg, parts)
    return parts


def raw_of(parts: Parts) -> Tensor:
    return parts.data.examples.inputs[parts.data.splits[parts.data.evaluation_split]]


def stored(parts: Parts, folder: Path) -> dict[str, list[str]]:
    """The file of predictions that a run writes, by column."""
    evaluation = parts.task.evaluate(parts.data.evaluation_split, full=True)
    write_predictions(folder / "test.csv", evaluation)
    with (folder / "test.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] for name in rows[0]}


def assert_same(found: np.ndarray, expected: list[str], name: str) -> None:
    if found.dtype.kind == "f":
        np.testing.assert_allclose(found, np.array(expected, dtype=float), rtol=1e-5, atol=1e-6, err_msg=name)
    else:
        assert found.astype(str).tolist() == expected, name


@pytest.mark.parametrize("overrides", [*TABLES.values(), *RUNS], ids=lambda each: " ".join(each))
def test_predictions_are_those_that_the_run_has_stored(overrides: list[str], table: Path, tmp_path: Path) -> None:
    corrupts = any(each.startswith("task.noise") for each in overrides)
    parts = trained([*overrides, *(["task.noise=0"] if corrupts else [])], table, tmp_path)
    loaded = load_model(tmp_path / "model")
    with torch.inference_mode():
        predictions = Pipeline(loaded)(raw_of(parts))
    assert {len(each) for each in predictions.values()} == {len(raw_of(parts))}
    found = loaded.task.columns(predictions)
    if EPISODES & set(overrides):
        expected = {name: column.astype(str).tolist() for name, column in parts.predict(raw_of(parts)).items()}
    else:
        expected = stored(parts, tmp_path)
    compared = [name for name in found if not name.startswith("reconstruction/")]  # which a run does not store
    assert compared and set(compared) <= set(expected)
    for name in compared:
        assert_same(found[name], expected[name], name)


def test_intervals_and_probabilities_are_tensors(table: Path, tmp_path: Path) -> None:
    parts = trained(TABLES["realmlp"], table, tmp_path)
    predictions = Pipeline(parts)(raw_of(parts))
    assert list(predictions) == ["prediction", "prediction/low", "prediction/high"]
    width = predictions["prediction/high"] - predictions["prediction/low"]
    assert float(width.detach().min()) > 0
    prices = pd.read_csv(table)["price"]
    inside = (predictions["prediction"] > prices.min() - 100) & (predictions["prediction"] < prices.max() + 100)
    assert bool(inside.all())  # in the unit of the target


@pytest.mark.filterwarnings("ignore:The tensor attributes self.inference.network.cells._flat_weights")  # of nn.LSTM
@pytest.mark.parametrize("overrides", EXPORTED.values(), ids=EXPORTED.keys())
def test_an_exported_program_predicts_the_same(overrides: list[str], table: Path, tmp_path: Path) -> None:
    parts = trained(overrides, table, tmp_path)
    predictor, raw = Predictor(tmp_path / "model"), parts.data.examples.inputs
    batch = torch.export.Dim("batch")
    program = torch.export.export(predictor.pipeline, (raw[:3],), dynamic_shapes=({0: batch},))
    for size in (1, 7):
        given = raw[:size]
        expected = predict_rows(predictor, given if parts.data.kind == "table" else given.numpy())
        found = predictor.parts.task.columns({name: each.detach() for name, each in program.module()(given).items()})
        assert list(found) == list(expected.columns)
        for name, column in found.items():
            if column.dtype.kind == "f":
                np.testing.assert_allclose(column, expected[name], rtol=1e-6, atol=1e-6)
            else:
                assert column.tolist() == expected[name].tolist()


def zeroed(pipeline: Pipeline) -> Pipeline:
    """With numbers that are 0, in parameters as in buffers."""
    with torch.no_grad():
        for tensor in pipeline.state_dict().values():
            tensor.zero_()
    return pipeline


@pytest.mark.parametrize(
    "overrides",
    [*TABLES.values(), ["task=reconstruction", "model.width=8"], ["task=clustering", "data=blobs"]],
    ids=lambda each: " ".join(each),
)
def test_all_that_predictions_need_moves_and_is_in_the_state(
    overrides: list[str], table: Path, tmp_path: Path
) -> None:
    parts = trained(overrides, table, tmp_path)
    one, other = (Pipeline(load_model(tmp_path / "model")) for _ in range(2))
    raw = raw_of(parts)
    with torch.inference_mode():
        expected = one(raw)
        state = {name: tensor.clone() for name, tensor in one.state_dict().items()}
        assert not all(torch.equal(each, expected[name]) for name, each in zeroed(other)(raw).items())
        other.load_state_dict(state)
        for name, tensor in other(raw).items():
            assert torch.equal(tensor, expected[name]), name
        moved = one.to("meta")(raw)
    assert {name: (each.device.type, each.shape) for name, each in moved.items()} == {
        name: ("meta", each.shape) for name, each in expected.items()
    }


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_pipeline_of_a_gpu_takes_inputs_of_the_cpu(table: Path, tmp_path: Path) -> None:
    parts = trained(TABLES["realmlp"], table, tmp_path)
    expected = Pipeline(load_model(tmp_path / "model"))(raw_of(parts))
    for name, tensor in Pipeline(load_model(tmp_path / "model")).to("cuda")(raw_of(parts)).items():
        assert tensor.is_cuda
        torch.testing.assert_close(tensor.cpu(), expected[name], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(3, 4), (4,), (), (2, 8, 8)])
def test_a_wrong_shape_is_one_line(shape: tuple[int, ...], tmp_path: Path) -> None:
    pipeline = Pipeline(trained(["data=digits", "model=lstm", "model.hidden_size=8"], tmp_path, tmp_path))
    found = " × ".join(map(str, shape)) or "a single number"
    with pytest.raises(ValueError, match=f"^inputs must be B × 1 × 8 × 8, not {found}$"):
        pipeline(torch.zeros(shape))


def test_indices_are_whole_numbers(tmp_path: Path) -> None:
    pipeline = Pipeline(trained(["task=control", "data=frozen_lake"], tmp_path, tmp_path))
    with pytest.raises(ValueError, match=r"^inputs must be indices of type int64, not torch\.float32$"):
        pipeline(torch.zeros(2, 1))


def test_what_stays_outside(table: Path, tmp_path: Path) -> None:
    codes, dates = "texts of categories to codes", "dates to numbers"
    text = ["task=sequence_labelling", "data.examples=50", "model.hidden_size=8"]
    expected = {
        ("data=iris",): ("names of classes",),
        ("data=digits",): ("image files to arrays", "names of classes"),
        ("task=regression", "data=diabetes"): (),
        tuple(text): ("tokenising texts", "names of classes"),
        ("task=control", "data=frozen_lake"): ("names of states to indices", "names of actions"),
        ("task=clustering", "data=blobs"): (),
        ("task=reconstruction", "model.width=8"): ("image files to arrays",),
        tuple(TABLES["mlp"]): ("texts of numbers to numbers", codes, dates, "names of classes"),
        (*TABLES["realmlp"], "data.ignore=[colour,new]"): ("texts of numbers to numbers", codes, dates),
        (*TABLES["realmlp"], "data.ignore=[colour,new,bought,sold]"): ("texts of numbers to numbers",),
    }
    found = {}
    for number, overrides in enumerate(expected):
        folder = tmp_path / str(number)
        folder.mkdir()
        found[overrides] = Pipeline(trained(list(overrides), table, folder)).outside
    assert found == expected


class Headless(GradientTask):
    """A task that lacks a method."""

    @staticmethod
    def outputs(data: DataSet) -> int:
        return len(data.classes)


def test_a_task_without_predictions_is_an_error_before_training() -> None:
    cfg = run_config("device=cpu", "data=iris")
    cfg["task"] = Settings({"_target_": f"{__name__}.Headless"})
    with pytest.raises(ConfigError, match=r"^Headless needs a method `head`"):
        build(cfg)
