"""Writes a run's model in a format that other programs load."""

import shutil
import tempfile
from pathlib import Path

from mlcli.config.errors import ConfigError, writing
from mlcli.run.load import load_model
from mlcli.run.own_modules import own_modules
from mlcli.serve.predictor import model_folder
from mlcli.store.folder import plain
from mlcli.store.records import read_json
from mlcli.track.mlflow_model import copy_data, write_model


def export_mlflow(run: Path, target: Path) -> tuple[str, ...]:
    """Writes an MLflow model that stands alone into the folder `target`, whole or not at all: with mlcli's code and
    the user's own modules. run: the run's folder.

    Returns the names of modules that must be importable nevertheless, because they are in no package of a registry.
    Raises ConfigError for a run that did not finish or is not trusted, and for a target that exists.
    """
    stored = model_folder(run)
    load_model(stored)  # imports the user's modules, if they are trusted
    sources = own_modules(plain(read_json(stored / "model.json")["config"], f"{run.name}/model/model.json"))
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"{target} exists: use another --output.")
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
            made = Path(scratch) / "model"
            made.mkdir()
            needed = write_model(stored, made, "all", sources=sources)
            copy_data(stored, made)
            if target.exists():
                target.rmdir()
            shutil.move(made, target)
    return needed.modules
