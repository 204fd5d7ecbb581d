"""MLflow's client, with what was learnt about it: a new store needs a lock, batches have limits, a server that is
down must be given up quickly."""

import fcntl
import json
import math
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

KIND = {"mlflow.experimentKind": "custom_model_development"}  # the UI shows curves, not language-model traces
MAX_METRICS = 1000  # a batch, over HTTP
MAX_PARAMS = 100
MAX_TEXT = 6000  # characters of a parameter's value

# Unless the user has said otherwise: by default MLflow tries for four minutes before it gives a server up.
ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


class Store:
    """The MLflow store at `uri`; "" stands for an SQLite database under `outputs`. Opened when first needed."""

    def __init__(self, outputs: Path, uri: str, experiment: str) -> None:
        self.outputs = outputs
        self.uri = uri
        self.default_experiment = experiment
        self.experiments: dict[str, str] = {}

    def warm_up(self) -> None:
        """Imports MLflow, while the training process imports torch."""
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        import_module("mlflow.pyfunc")

    @cached_property
    def client(self) -> Any:
        import mlflow

        if self.uri:
            mlflow.set_tracking_uri(self.uri)
            return mlflow.MlflowClient(self.uri)
        database = self.outputs / "mlflow.db"
        mlflow.set_tracking_uri(f"sqlite:///{database}")
        with self._alone():
            client = mlflow.MlflowClient(f"sqlite:///{database}")
            client.search_experiments(max_results=1)  # creates the tables
            with sqlite3.connect(database) as connection:
                connection.execute("PRAGMA journal_mode=WAL")  # readers and writers do not wait for each other
            return client

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Of processes that create the store at once, all but one wait: MLflow's migrations crash otherwise."""
        self.outputs.mkdir(parents=True, exist_ok=True)
        with (self.outputs / ".mlflow.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def experiment(self, name: str) -> str:
        """The id of the experiment of that name, made if there is none."""
        if name not in self.experiments:
            client = self.client
            with self._alone():
                found = client.get_experiment_by_name(name)
                self.experiments[name] = found.experiment_id if found else self._create_experiment(name)
        return self.experiments[name]

    def _create_experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        location = None if self.uri else f"file://{self.outputs}/artifacts"
        try:
            return str(self.client.create_experiment(name, artifact_location=location, tags=KIND))
        except MlflowException:  # somebody on another machine was faster
            return str(self.client.get_experiment_by_name(name).experiment_id)

    def create_run(self, experiment_id: str, tags: dict[str, str], started: float) -> str:
        run = self.client.create_run(experiment_id, start_time=int(started * 1000), tags=tags)
        return str(run.info.run_id)

    def log_params(self, run_id: str, params: dict[str, Any]) -> None:
        from mlflow.entities import Param

        entities = [Param(key, str(value)[:MAX_TEXT]) for key, value in params.items()]
        for first in range(0, len(entities), MAX_PARAMS):
            self.client.log_batch(run_id, params=entities[first : first + MAX_PARAMS])

    def log_history(self, run_id: str, lines: list[dict[str, Any]]) -> None:
        """Lines of a journal; the epoch is MLflow's step."""
        from mlflow.entities import Metric

        metrics = [
            Metric(name, value, int(line["time"] * 1000), line["epoch"])
            for line in lines
            for name, value in line["metrics"].items()
        ]
        for first in range(0, len(metrics), MAX_METRICS):
            self.client.log_batch(run_id, metrics=metrics[first : first + MAX_METRICS])

    def log_metrics(self, run_id: str, metrics: dict[str, float | None], step: int) -> None:
        finite = {name: value for name, value in metrics.items() if value is not None and math.isfinite(value)}
        self.log_history(run_id, [{"time": time.time(), "epoch": step, "metrics": finite}])

    def log_data_set(self, run_id: str, data: dict[str, Any]) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        profile = {key: data[key] for key in ("kind", "shape", "examples", "target")}
        profile |= {"classes": len(data["classes"])} if data["classes"] else {}
        dataset = Dataset(
            name=data["name"],
            digest=data["digest"],
            source_type="mlcli",
            source=json.dumps({"description": data["source"]}),
            profile=json.dumps(profile),
        )
        context = InputTag("mlflow.data.context", "training")
        with self._alone():  # two runs that bring the same data set at once break its uniqueness
            self.client.log_inputs(run_id, [DatasetInput(dataset, [context])])

    def log_files(self, run_id: str, folder: Path, files: tuple[str, ...], folders: tuple[str, ...]) -> None:
        """Those that there are and that are not empty."""
        for name in files:
            if (folder / name).exists() and (folder / name).stat().st_size:
                self.client.log_artifact(run_id, str(folder / name))
        for name in folders:
            if (folder / name).is_dir():
                self.client.log_artifacts(run_id, str(folder / name), name)

    def log_model(self, experiment_id: str, run_id: str, folder: Path) -> None:
        from mlcli.track.mlflow_model import log_model

        log_model(self.client, experiment_id, run_id, folder)

    def end_run(self, run_id: str, status: str, ended: float) -> None:
        self.client.set_terminated(run_id, status, int(ended * 1000))
