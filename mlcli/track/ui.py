"""MLflow's UI server, with one worker and without the services that the UI does not need."""

import http.client
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import webbrowser
from pathlib import Path

from mlcli.config.child import python
from mlcli.config.errors import ConfigError
from mlcli.config.redact import redact
from mlcli.store.find import all_runs
from mlcli.track.courier_handle import start_courier
from mlcli.track.database import check_database
from mlcli.track.tracking import default_experiment, tracking_uri

ENVIRONMENT = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "UVICORN_APP_DIR": os.devnull,  # by default uvicorn imports from the current folder
}
HOST = "127.0.0.1"
ERROR = re.compile(r"^\w[\w.]*(Error|Exception)\b|\bERROR\b|^Error")


def serve_ui(outputs: Path, port: int, uri: str | None = None, browser: bool = False) -> None:
    """Serves until interrupted. browser: whether to open the page, where there is a display. Raises ConfigError if
    there is no run yet, the port is in use, or the server does not start."""
    uri = tracking_uri(uri)
    if uri.startswith("http"):
        _show(uri, outputs, "runs are tracked at", browser)
        return
    database = outputs.absolute() / "mlflow.db"
    start_courier(outputs, uri, default_experiment(), check=True).finish()  # undelivered runs
    if not uri and not database.exists():
        raise ConfigError(f"There is no run under {outputs} yet: use `mlcli train` first, or --outputs FOLDER.")
    if not uri:
        try:
            check_database(database)
        except sqlite3.Error as error:  # MLflow would retry for minutes
            raise ConfigError(
                f"{database} cannot be used ({error}): remove it, and use `mlcli sync` to create it again."
            ) from error
    port = _free(port)
    store = uri or f"sqlite:///{database}"
    arguments = ["--host", HOST, "--port", str(port), "--workers", "1"]
    command = python("-m", "mlflow", "server", *arguments)
    environment = os.environ | ENVIRONMENT | {"MLFLOW_BACKEND_STORE_URI": store}
    with tempfile.NamedTemporaryFile(prefix="mlcli-ui-", suffix=".log", delete=False) as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        _wait(f"http://{HOST}:{port}/health", server, Path(log.name))
        _show(f"http://{HOST}:{port}", outputs, "MLflow UI:", browser, "  (Ctrl-C stops it)")
        if server.wait():
            raise ConfigError(_ended(server, Path(log.name)))
    except ConfigError:  # the log is kept
        raise
    except BaseException:
        Path(log.name).unlink(missing_ok=True)
        raise
    finally:
        server.terminate()
        server.wait(10)


def _show(address: str, outputs: Path, words: str, browser: bool, hint: str = "") -> None:
    """Prints the address of the experiment's runs, and opens it in a browser."""
    experiment = _experiment_id(address, outputs)
    page = f"{address.rstrip('/')}/#/experiments/{experiment}/runs" if experiment else address
    print(f"{words} {redact(page)}{hint}", flush=True)
    has_display = sys.platform in ("darwin", "win32") or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()
    if browser and has_display and sys.stdout.isatty():
        webbrowser.open(page)


def _experiment_id(address: str, outputs: Path) -> str | None:
    """The id of the experiment of the newest run; None if the server does not tell."""
    runs = all_runs(outputs)
    tracking = runs[0].record.get("tracking") if runs else None
    name = (tracking or {}).get("experiment") or default_experiment()
    query = urllib.parse.urlencode({"experiment_name": name})
    try:
        url = f"{address.rstrip('/')}/api/2.0/mlflow/experiments/get-by-name?{query}"
        with urllib.request.urlopen(url, timeout=5) as response:
            found = str(json.load(response)["experiment"]["experiment_id"])
    except (OSError, ValueError, LookupError, TypeError, http.client.HTTPException):
        return None
    return found if re.fullmatch(r"\w+", found) else None


def _free(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ConfigError(f"Port {port} is in use: use --port 0 for a free one.") from error
        return int(probe.getsockname()[1])


def _wait(address: str, server: "subprocess.Popen[bytes]", log: Path, seconds: float = 90.0) -> None:
    """Waits until the server responds. Raises ConfigError if it ends or does not respond in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise ConfigError(_ended(server, log))
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise ConfigError(f"MLflow's server did not respond within {seconds:g} seconds; its log is {log}.")


def _ended(server: "subprocess.Popen[bytes]", log: Path) -> str:
    """Why the server ended, by the last line of its log that is not a progress message."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    reasons = [line for line in lines if ERROR.search(line)] or lines or ["no output"]
    return f"MLflow's server ended with status {server.returncode}: {reasons[-1][:200]} (log in {log})."
