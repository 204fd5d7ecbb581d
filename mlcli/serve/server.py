"""Serves a run's predictions over HTTP, on the loopback address only."""

import json
import shlex
import socket
import tempfile
from pathlib import Path

from mlcli.config.errors import ConfigError
from mlcli.serve.predictor import Predictor, model_folder
from mlcli.store.records import read_json
from mlcli.system import cores
from mlcli.track.mlflow_model import SERVING_EXAMPLE, write_example

HOST = "127.0.0.1"  # the service has no authentication, so other machines must not reach it
SHUTDOWN_TIMEOUT = 5  # seconds for requests to end after Ctrl-C
MAX_INLINE = 400  # characters of a request within a command line


def serve_run(run: Path, port: int) -> None:
    """Serves until interrupted. Prints the address and an example request to stdout when the server is ready.

    Raises ConfigError for a run that did not finish, or a port in use.
    """
    stored = model_folder(run)
    with bound_socket(port) as listener, tempfile.TemporaryDirectory(prefix="mlcli-serve-") as scratch:
        address = f"http://{HOST}:{listener.getsockname()[1]}"
        predictor, request = Predictor(stored), example_request(address, stored, Path(scratch))
        listener.listen(128)  # from now on connections are queued, not refused
        print(f"serving {run.name} at {address}  (Ctrl-C stops it)\ntry: {request}", flush=True)
        _run(predictor, listener)


def bound_socket(port: int) -> socket.socket:
    """A socket bound to that port of this machine; 0 is a free port. Raises ConfigError if the port is in use."""
    # Explicitly TCP: only then does asyncio disable Nagle's algorithm, which delays each response by 40 ms.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(0)  # two sockets may bind to a port, but only one may listen
    except OSError as error:
        listener.close()
        reason = error.strerror or error
        raise ConfigError(f"Port {port} is not available ({reason}): use --port 0 for a free one.") from error
    return listener


def example_request(address: str, stored: Path, folder: Path) -> str:
    """A curl command that sends the first example of a model, from a file in `folder` if it is long.

    Raises ConfigError if the examples are damaged.
    """
    try:
        write_example(folder, read_json(stored / "example.json")["inputs"])
        return _command(address, folder)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{stored.parent.name}/model/example.json is damaged ({type(error).__name__})") from error


def _command(address: str, folder: Path) -> str:
    request = json.loads((folder / SERVING_EXAMPLE).read_text(encoding="utf-8"))
    rows = request["dataframe_split"]["data"] if "dataframe_split" in request else request["inputs"]
    del rows[1:]
    text = json.dumps(request, ensure_ascii=False)
    if len(text) > MAX_INLINE:
        file = folder / "request.json"
        file.write_text(text, encoding="utf-8")
        text = f"@{file}"
    return f"curl {address}/invocations -H 'Content-Type: application/json' -d {shlex.quote(text)}"


def _run(predictor: Predictor, listener: socket.socket) -> None:
    import torch
    import uvicorn

    from mlcli.serve.service import create_app

    torch.set_num_threads(predictor.parts.threads)
    app = create_app(predictor, cores())
    settings = uvicorn.Config(
        app, log_level="warning", access_log=False, ws="none", timeout_graceful_shutdown=SHUTDOWN_TIMEOUT
    )
    uvicorn.Server(settings).run(sockets=[listener])
