"""MLflow's UI server, with one worker and without the services that the UI does not need."""

import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from mlcli.config.child import python
from mlcli.config.errors import ConfigError
from mlcli.config.redact import redact
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


def serve_ui(outputs: Path, port: int, uri: str | None = None) -> None:
    """Serves until interrupted. Raises ConfigError if there is no run yet or the port is in use."""
    uri = tracking_uri(uri)
    if uri.startswith("http"):
        print(f"runs are tracked at {redact(uri)}: open that address")
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
    # Its log goes to stderr: stdout is for the address.
    server = subprocess.Popen(
        command, env=os.environ | ENVIRONMENT | {"MLFLOW_BACKEND_STORE_URI": store}, stdout=sys.stderr
    )
    try:
        _wait(f"http://{HOST}:{port}/health", server)
        print(f"MLflow UI: http://{HOST}:{port}  (Ctrl-C stops it)", flush=True)
        server.wait()
    finally:
        server.terminate()
        server.wait(10)


def _free(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ConfigError(f"Port {port} is in use: use --port 0 for a free one.") from error
        return int(probe.getsockname()[1])


def _wait(address: str, server: "subprocess.Popen[bytes]", seconds: float = 90.0) -> None:
    """Waits until the server responds. Raises ConfigError if it ends or does not respond in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise ConfigError(f"MLflow's server ended with status {server.returncode}.")
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise ConfigError(f"MLflow's server did not respond within {seconds:g} seconds.")
