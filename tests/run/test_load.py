"""What a damaged or foreign run folder leads to: one line, for evaluation and prediction."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from mlcli.cli.training import main
from mlcli.config.errors import ConfigError
from mlcli.run.load import load_model, load_run, stored_config
from mlcli.store.folder import RunFolder


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("load") / "run"
    main(["-q", "data=xor", "trainer.epochs=1", "tracking=none", "tracking.figures=false", f"hydra.run.dir={folder}"])
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def changed(path: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def last(tensors: dict[str, torch.Tensor]) -> str:
    return max(name for name in tensors if name.startswith("model.") and name.endswith("weight"))


WEIGHTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "cut off": (lambda path: path.write_bytes(path.read_bytes()[:100]), "cannot be read"),
    "empty": (lambda path: path.write_bytes(b""), "cannot be read"),
    "a header of exabytes": (lambda path: path.write_bytes(b"\xff" * 16), "cannot be read"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "no trained model|cannot be read"),
    "no statistics": (lambda path: changed(path, lambda t: t.pop("data.mean")), "data.mean"),
    "other names": (lambda path: changed(path, lambda t: t.update({"model.x": t.pop(last(t))})), "another network"),
    "other shapes": (lambda path: changed(path, lambda t: t.update({last(t): torch.ones(3, 5)})), "another network"),
    "other types": (lambda path: changed(path, lambda t: t.update({last(t): t[last(t)].double()})), "float64"),
}


@pytest.mark.parametrize(("damage", "said"), WEIGHTS.values(), ids=WEIGHTS)
def test_weights(run: Path, damage: Callable[[Path], Any], said: str) -> None:
    damage(run / "model" / "weights.safetensors")
    for load in (lambda: load_model(run / "model"), lambda: load_run(RunFolder(run), stored_config(RunFolder(run)))):
        with pytest.raises(ConfigError, match=said) as error:
            load()
        assert "\n" not in str(error.value)


SPLITS: dict[str, Callable[[dict[str, torch.Tensor]], Any]] = {
    "missing": lambda splits: splits.pop("val"),
    "beyond the end": lambda splits: splits.update(test=torch.tensor([10**6])),
    "negative": lambda splits: splits.update(test=torch.tensor([-1])),
    "no indices": lambda splits: splits.update(test=torch.ones(3)),
    "a table": lambda splits: splits.update(test=torch.ones(3, 2, dtype=torch.int64)),
}


@pytest.mark.parametrize("damage", SPLITS.values(), ids=SPLITS)
def test_splits(run: Path, damage: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    changed(run / "splits.safetensors", damage)
    with pytest.raises(ConfigError, match=r"splits\.safetensors"):
        load_run(RunFolder(run), stored_config(RunFolder(run)))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", "[" * 100_000, '{"config": {}, "data": {}}', '{"config": [], "data": 1}', "NaN"]
)
def test_model_json(run: Path, text: str) -> None:
    (run / "model" / "model.json").write_text(text)
    with pytest.raises(ConfigError) as error:
        load_model(run / "model")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", ["classes", "shape", "kind", "name", "features"])
@pytest.mark.parametrize("value", [None, 7, {"a": 1}, ["x", [1]]])
def test_data_of_another_form(run: Path, key: str, value: Any) -> None:
    """It cannot be loaded, or works all the same; it never raises anything else."""
    stored = json.loads((run / "model" / "model.json").read_text())
    stored["data"][key] = value
    (run / "model" / "model.json").write_text(json.dumps(stored))
    try:
        load_model(run / "model")
    except ConfigError as error:
        assert "\n" not in str(error)


def test_settings_that_cannot_be(run: Path) -> None:
    stored = json.loads((run / "model" / "model.json").read_text())
    for key, value in (("width", "x"), ("width", 10**30), ("width", -1), ("nothing", 1)):
        content = json.loads(json.dumps(stored))
        content["config"]["model"][key] = value
        (run / "model" / "model.json").write_text(json.dumps(content))
        with pytest.raises(ConfigError, match=r"\w") as error:
            load_model(run / "model")
        assert "\n" not in str(error.value)
