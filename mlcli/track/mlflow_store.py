"""An MLflow store by MLflow's client, with limits on batches and names and with short timeouts."""

import os
import posixpath
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlcli.files import plain_files
from mlcli.track import mlflow_rows
from mlcli.track.database import Unusable, why_unusable
from mlcli.track.local_store import LocalStore
from mlcli.track.mlflow_names import KIND, MAX_TEXT, STATUS, data_set_of, tidy
from mlcli.track.mlflow_tables import cached_tables, has_cached_tables
from mlcli.track.model_code import Code

MAX_METRICS = 1000  # per request
MAX_PARAMS = 100
MAX_IDS = 1000  # of runs per query

# Defaults of mlcli: MLflow's own would retry for four minutes before giving up on a server.
ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
NO_ANSWER = re.compile(r"^API request to \S+ failed with (timeout )?exception")  # MLflow's message


class Store:
    """The MLflow store at `uri`; "" stands for an SQLite database under `outputs`. Opened when first used.

    address: the uri without a password, for files and messages.
    """

    def __init__(self, outputs: Path, uri: str, experiment: str) -> None:
        self.outputs = outputs
        self.uri = uri
        self.address = without_password(uri)
        self.default_experiment = experiment
        self.experiments: dict[str, str] = {}
        self.local = LocalStore(outputs)

    @property
    def is_local(self) -> bool:
        """Whether it is the SQLite store under `outputs`."""
        return not self.uri

    def import_mlflow(self) -> None:
        """Imports MLflow in advance, if it will be needed."""
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        if not self.is_local or not (has_cached_tables(self.local.database) or cached_tables().exists()):
            import_module("mlflow.models")

    @cached_property
    def client(self) -> Any:
        import mlflow

        if self.uri:
            mlflow.set_tracking_uri(self.uri)
            return mlflow.MlflowClient(self.uri)
        return self.local.client

    def close(self) -> None:
        if self.is_local:
            self.local.close()

    def unreachable(self, error: Exception) -> str | None:
        """Why the whole store cannot be reached; None if the error concerns one run only."""
        if self.is_local and (reason := why_unusable(error)):
            return str(error) if isinstance(error, Unusable) else f"{self.local.database} cannot be used ({reason})"
        return f"{self.address} is out of reach" if NO_ANSWER.match(str(error)) else None

    def missing(self, run_ids: Sequence[str], experiments: Iterable[str]) -> set[str]:
        """The runs that are not in the store, not even deleted. experiments: names of their experiments."""
        if self.is_local:
            if not self.local.database.exists():
                return set(run_ids)
            parts = [run_ids[first : first + MAX_IDS] for first in range(0, len(run_ids), MAX_IDS)]
            return set(run_ids) - {known for part in parts for known in self.local.lifecycle_stages(part)}
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
        """The id of the experiment of that name, which is created if missing."""
        if name not in self.experiments:
            client = self.client
            with self.local.exclusive():
                found = client.get_experiment_by_name(name)
                self.experiments[name] = found.experiment_id if found else self._create_experiment(name)
        return self.experiments[name]

    def _create_experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        location = None if self.uri else self.local.artifact_uri()
        try:
            return str(self.client.create_experiment(name, artifact_location=location, tags=KIND))
        except MlflowException:  # created concurrently on another machine
            found = self.client.get_experiment_by_name(name)
            if found is None:
                raise
            return str(found.experiment_id)

    def create_run(self, experiment_id: str, tags: dict[str, str], started: float) -> str:
        run = self.client.create_run(experiment_id, start_time=int(started * 1000), tags=tags)
        return str(run.info.run_id)

    def find_run(self, experiment_id: str, started: float, tags: dict[str, str]) -> str | None:
        """The id of a run that was created for the same folder, if any."""
        same_moment = f"attributes.start_time = {int(started * 1000)}"
        for run in self.client.search_runs([experiment_id], same_moment):
            if all(run.data.tags.get(key) == tags[key] for key in ("mlcli.run_id", "mlcli.folder", "host")):
                return str(run.info.run_id)
        return None

    def lifecycle_stage(self, run_id: str) -> str:
        """Lifecycle stage of a run: "active", "deleted" by the user, or "missing" from this store."""
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
        """Logs lines of a journal; the epoch is MLflow's step. MLflow ignores repeated lines."""
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
        with self.local.exclusive():  # concurrent inserts of the same data set would violate its uniqueness
            self.client.log_inputs(run_id, [DatasetInput(dataset, [context])])

    def log_files(self, run_id: str, folder: Path, files: Iterable[Path]) -> None:
        """Uploads files of the run folder under their relative paths."""
        for path in files:
            place = path.parent.relative_to(folder).as_posix()
            self.client.log_artifact(run_id, str(path), None if place == "." else place)

    def describe(self, run_id: str, text: str) -> None:
        """Sets the description that the UI shows at the top of a run's page."""
        self.client.set_tag(run_id, "mlflow.note.content", text[:MAX_TEXT])

    def log_missing(self, run_id: str, folder: Path, name: str) -> None:
        """Uploads the files of a folder that are missing in the run's artifacts under that name."""
        if self.is_local:
            mlflow_rows.add_files(self.local.database, run_id, folder, name)
            return
        known = {posixpath.basename(each.path) for each in self.client.list_artifacts(run_id, name)}
        for path in plain_files(folder):
            if path.name not in known:
                self.client.log_artifact(run_id, str(path), name)

    def create_model(self, experiment_id: str, run_id: str) -> str:
        """Creates an empty model of this run. Returns its id."""
        return str(self.client.create_logged_model(experiment_id, name="model", source_run_id=run_id).model_id)

    def model_of(self, run_id: str) -> str | None:
        """The id of the run's model, None if it has none."""
        outputs = self.client.get_run(run_id).outputs
        return next((str(output.model_id) for output in outputs.model_outputs), None) if outputs else None

    def log_model(self, run_id: str, model_id: str, folder: Path, code: Code, again: bool) -> None:
        """Uploads the run's `model` folder. again: an earlier attempt may have uploaded parts of it."""
        from mlflow.entities import LoggedModelOutput, LoggedModelStatus

        from mlcli.track.mlflow_model import send

        outputs = self.client.get_run(run_id).outputs.model_outputs if again else []
        if model_id not in [output.model_id for output in outputs]:
            self.client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])
        send(self.client, run_id, model_id, folder, code)
        self.client.finalize_logged_model(model_id, LoggedModelStatus.READY)

    def complete_model(self, run_id: str, model_id: str, folder: Path, code: Code) -> None:
        """Adds the code to a model that was logged without. folder: the run's `model` folder."""
        if self.is_local:
            mlflow_rows.complete_model(self.local.database, run_id, model_id, folder, code)
            return
        from mlcli.track.mlflow_model import send

        send(self.client, run_id, model_id, folder, code)

    def reopen_run(self, run_id: str) -> None:
        """Marks a run that has ended as running again."""
        self.client.set_tag(run_id, "mlcli.status", "RUNNING")
        self.client.update_run(run_id, status="RUNNING")

    def end_run(self, run_id: str, status: str, ended: float) -> None:
        self.client.set_tag(run_id, "mlcli.status", status)
        self.client.set_terminated(run_id, STATUS.get(status, status), int(ended * 1000))


def without_password(uri: str) -> str:
    host = urlsplit(uri).netloc
    return uri.replace(host, host.rpartition("@")[2], 1) if "@" in host else uri
