"""MLflow's client, with what was learnt about it: a new store needs a lock, batches and names have limits, a server
that is down must be given up quickly."""

import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlcli.files import plain_files
from mlcli.track import mlflow_rows
from mlcli.track.database import (
    Tell,
    Unusable,
    check_database,
    checkpoint_wal,
    enable_wal,
    exclusive,
    retry_while_locked,
    usable,
    why_unusable,
    without_fsync,
)
from mlcli.track.mlflow_names import KIND, MAX_TEXT, STATUS, data_set_of, tidy
from mlcli.track.mlflow_tables import are_known, copy_tables, keep_tables, kept_tables

MAX_METRICS = 1000  # a batch, over HTTP
MAX_PARAMS = 100
MAX_IDS = 1000  # of runs, in one question

# Unless the user has said otherwise: by default MLflow tries for four minutes before it gives a server up.
ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
NO_ANSWER = re.compile(r"^API request to \S+ failed with (timeout )?exception")  # MLflow's words


class Store:
    """The MLflow store at `uri`; "" stands for an SQLite database under `outputs`. Opened when first needed.

    `address` is the uri without the password that it may hold: fit for files and messages.
    """

    def __init__(self, outputs: Path, uri: str, experiment: str) -> None:
        self.outputs = outputs
        self.uri = uri
        self.address = without_password(uri)
        self.default_experiment = experiment
        self.experiments: dict[str, str] = {}
        self.tell: Tell = lambda text: None  # what is to be said while something is waited for
        self._is_ready = False

    @property
    def database(self) -> Path:
        return self.outputs / "mlflow.db"

    @property
    def is_local(self) -> bool:
        """Whether it is the SQLite store under `outputs`."""
        return not self.uri

    def warm_up(self) -> None:
        """Imports MLflow, where it will be needed, while the training process does its own work."""
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        if not self.is_local or not (are_known(self.database) or kept_tables().exists()):
            import_module("mlflow.models")

    @cached_property
    def client(self) -> Any:
        import mlflow

        if self.uri:
            mlflow.set_tracking_uri(self.uri)
            return mlflow.MlflowClient(self.uri)
        self._check_name()
        mlflow.set_tracking_uri(f"sqlite:///{self.database}")
        with usable(self.database, opening=True), self._alone(), without_fsync():
            if self.database.exists():
                check_database(self.database)  # MLflow would try for minutes
            makes_tables = not self.database.exists() and not copy_tables(self.database)
            client = mlflow.MlflowClient(f"sqlite:///{self.database}")
            client.search_experiments(max_results=1)  # creates the tables
            client._tracking_client.store.engine.dispose()  # the next connections wait for the disk again
            if makes_tables:
                keep_tables(self.database)
            enable_wal(self.database)
        return client

    def write(self, news: Sequence[mlflow_rows.RunUpdate]) -> None:
        """What is new of many runs, at once, into a local store, without MLflow. It is loaded all the same to make
        the tables, or to say what is wrong with tables that are not those of this version."""
        self._ready()
        with usable(self.database):
            write = partial(mlflow_rows.write, self.database, self._artifacts(), news)
            retry_while_locked(write, self.database, self.tell)

    def stages(self, run_ids: Sequence[str]) -> dict[str, str]:
        """In a local store, by run id: "active", or "deleted" by the user; without those that are not there."""
        self._ready()
        with usable(self.database):
            return retry_while_locked(
                partial(mlflow_rows.lifecycle_stages, self.database, run_ids), self.database, self.tell
            )

    def _ready(self) -> None:
        if self._is_ready:
            return
        self._check_name()
        with usable(self.database, opening=True), self._alone():
            known = retry_while_locked(self._has_known_tables, self.database, self.tell)
        if not known:
            _ = self.client
        self._is_ready = True

    def _has_known_tables(self) -> bool:
        """Whether they are those that are kept, with which a new store begins."""
        if self.database.exists():
            check_database(self.database)
            known = are_known(self.database)
        else:
            known = copy_tables(self.database)
        if known:
            enable_wal(self.database)
        return known

    def _check_name(self) -> None:
        if {"?", "%"} & set(str(self.database)):  # which would lead to another file
            raise ValueError(f"an SQLite address cannot hold {self.database}: choose outputs without ? and %")

    def _artifacts(self) -> str:
        return (self.outputs / "artifacts").as_uri()

    def close(self) -> None:
        if self.is_local and self.database.exists():
            checkpoint_wal(self.database)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Of processes that create the store at once, all but one wait: MLflow's migrations crash otherwise."""
        self.outputs.mkdir(parents=True, exist_ok=True)
        with exclusive(self.outputs / ".mlflow.lock", self.database, self.tell):
            yield

    def unreachable(self, error: Exception) -> str | None:
        """Why nothing else can be brought there now either; None if the error is that of one run."""
        if self.is_local and (reason := why_unusable(error)):
            return str(error) if isinstance(error, Unusable) else f"{self.database} cannot be used ({reason})"
        return f"{self.address} is out of reach" if NO_ANSWER.match(str(error)) else None

    def missing(self, run_ids: Sequence[str], experiments: Iterable[str]) -> set[str]:
        """Those of the runs that are not there, not even as deleted. experiments: the names of theirs."""
        if self.is_local:
            if not self.database.exists():
                return set(run_ids)
            parts = [run_ids[first : first + MAX_IDS] for first in range(0, len(run_ids), MAX_IDS)]
            return set(run_ids) - {known for part in parts for known in self.stages(part)}
        from mlflow.entities import ViewType

        found = [self.client.get_experiment_by_name(name) for name in experiments]
        ids = [each.experiment_id for each in found if each is not None]
        known: set[str] = set()
        token = None
        while ids:
            page = self.client.search_runs(ids, run_view_type=ViewType.ALL, max_results=MAX_IDS, page_token=token)
            known |= {run.info.run_id for run in page}
            token = page.token
            if not token:
                break
        return set(run_ids) - known

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

        location = None if self.uri else self._artifacts()
        try:
            return str(self.client.create_experiment(name, artifact_location=location, tags=KIND))
        except MlflowException:  # somebody on another machine was faster
            found = self.client.get_experiment_by_name(name)
            if found is None:
                raise
            return str(found.experiment_id)

    def create_run(self, experiment_id: str, tags: dict[str, str], started: float) -> str:
        run = self.client.create_run(experiment_id, start_time=int(started * 1000), tags=tags)
        return str(run.info.run_id)

    def find_run(self, experiment_id: str, started: float, tags: dict[str, str]) -> str | None:
        """A run that was made for the same folder."""
        same_moment = f"attributes.start_time = {int(started * 1000)}"
        for run in self.client.search_runs([experiment_id], same_moment):
            if all(run.data.tags.get(key) == tags[key] for key in ("mlcli.run_id", "mlcli.folder", "host")):
                return str(run.info.run_id)
        return None

    def fate(self, run_id: str) -> str:
        """ "active", "deleted" by the user, or "missing" from this store."""
        from mlflow.exceptions import MlflowException

        try:
            return str(self.client.get_run(run_id).info.lifecycle_stage)
        except MlflowException as error:
            return "missing" if error.error_code == "RESOURCE_DOES_NOT_EXIST" else "active"

    def log_params(self, run_id: str, params: dict[str, Any]) -> None:
        from mlflow.entities import Param

        texts = {tidy(key): str(value)[:MAX_TEXT] for key, value in params.items()}
        entities = [Param(key, text) for key, text in texts.items()]
        for first in range(0, len(entities), MAX_PARAMS):
            self.client.log_batch(run_id, params=entities[first : first + MAX_PARAMS])

    def log_history(self, run_id: str, lines: list[dict[str, Any]]) -> None:
        """Lines of a journal; the epoch is MLflow's step. A line that comes twice is kept once."""
        from mlflow.entities import Metric

        metrics = [
            Metric(tidy(name), value, int(line["time"] * 1000), line["epoch"])
            for line in lines
            for name, value in line["metrics"].items()
        ]
        for first in range(0, len(metrics), MAX_METRICS):
            self.client.log_batch(run_id, metrics=metrics[first : first + MAX_METRICS])

    def log_metrics(self, run_id: str, metrics: dict[str, float], step: int, when: float) -> None:
        self.log_history(run_id, [{"time": when, "epoch": step, "metrics": metrics}])

    def log_data_set(self, run_id: str, data: dict[str, Any]) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        dataset = Dataset(**data_set_of(data))
        context = InputTag("mlflow.data.context", "training")
        with self._alone():  # two runs that bring the same data set at once break its uniqueness
            self.client.log_inputs(run_id, [DatasetInput(dataset, [context])])

    def log_files(self, run_id: str, folder: Path, files: Iterable[Path]) -> None:
        """Files of the run's folder, each under its own name."""
        for path in files:
            place = path.parent.relative_to(folder).as_posix()
            self.client.log_artifact(run_id, str(path), None if place == "." else place)

    def describe(self, run_id: str, text: str) -> None:
        """The description that the UI shows at the top of a run's page."""
        self.client.set_tag(run_id, "mlflow.note.content", text[:MAX_TEXT])

    def log_missing(self, run_id: str, folder: Path, name: str) -> None:
        """Files of the folder that the run's artifacts under that name lack."""
        if self.is_local:
            mlflow_rows.add_files(self.database, run_id, folder, name)
            return
        known = {posixpath.basename(each.path) for each in self.client.list_artifacts(run_id, name)}
        for path in plain_files(folder):
            if path.name not in known:
                self.client.log_artifact(run_id, str(path), name)

    def create_model(self, experiment_id: str, run_id: str) -> str:
        """The id of a new, still empty model of this run."""
        return str(self.client.create_logged_model(experiment_id, name="model", source_run_id=run_id).model_id)

    def model_of(self, run_id: str) -> str | None:
        """The id of the run's model."""
        outputs = self.client.get_run(run_id).outputs
        return next((str(output.model_id) for output in outputs.model_outputs), None) if outputs else None

    def log_model(self, run_id: str, model_id: str, folder: Path, again: bool) -> None:
        """Fills the model from the run's `model` folder. again: an earlier attempt may have got anywhere."""
        from mlflow.entities import LoggedModelOutput, LoggedModelStatus

        from mlcli.track.mlflow_model import send

        outputs = self.client.get_run(run_id).outputs.model_outputs if again else []
        if model_id not in [output.model_id for output in outputs]:
            self.client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])
        send(self.client, run_id, model_id, folder)
        self.client.finalize_logged_model(model_id, LoggedModelStatus.READY)

    def end_run(self, run_id: str, status: str, ended: float) -> None:
        self.client.set_tag(run_id, "mlcli.status", status)
        self.client.set_terminated(run_id, STATUS.get(status, status), int(ended * 1000))


def without_password(uri: str) -> str:
    host = urlsplit(uri).netloc
    return uri.replace(host, host.rpartition("@")[2], 1) if "@" in host else uri
