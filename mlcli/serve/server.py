"""A run's predictions over HTTP: MLflow's own scoring server, in this process and for this machine alone."""

import json
import os
import shlex
import socket
import tempfile
from pathlib import Path
from typing import Any

from mlcli.config.errors import ConfigError
from mlcli.serve.predictor import model_folder
from mlcli.track.mlflow_model import SERVING_EXAMPLE, write_model

HOST = "127.0.0.1"  # it asks nobody who he is: other machines have no way in
GRACE = 5  # seconds that requests have to end after Ctrl-C
SHORT = 400  # characters of a request that can stand in a command line


def serve_run(run: Path, port: int) -> None:
    """Serves until interrupted; stdout gets the address and a request to try, once they work.

    Raises ConfigError for a run that did not finish and for a port that is taken.
    """
    stored = model_folder(run)
    with bound(port) as door, tempfile.TemporaryDirectory(prefix="mlcli-serve-") as scratch:
        folder = Path(scratch)
        model = pyfunc(stored, folder)
        door.listen(128)  # from here on who comes waits, and is not turned away
        address = f"http://{HOST}:{door.getsockname()[1]}"
        print(f"serving {run.name} at {address}  (Ctrl-C stops it)\ntry: {example(address, folder)}", flush=True)
        _run(model, door)


def bound(port: int) -> socket.socket:
    """A socket on that port of this machine, on a free one for 0. Raises ConfigError where it is taken."""
    # Named as TCP: only then does asyncio turn Nagle's algorithm off, which would hold each answer back for 40 ms.
    door = socket.socket(proto=socket.IPPROTO_TCP)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((HOST, port))
        door.listen(0)  # two sockets may bind to one port, but only one may listen
    except OSError as error:
        door.close()
        reason = error.strerror or error
        raise ConfigError(f"Port {port} cannot be had ({reason}): type --port 0 for a free one.") from error
    return door


def example(address: str, model: Path) -> str:
    """A curl command that sends the first of the model's examples, from a file in `model` where it is long."""
    request = json.loads((model / SERVING_EXAMPLE).read_text())
    rows = request["dataframe_split"]["data"] if "dataframe_split" in request else request["inputs"]
    del rows[1:]
    text = json.dumps(request, ensure_ascii=False)
    if len(text) > SHORT:
        file = model / "request.json"
        file.write_text(text, encoding="utf-8")
        text = f"@{file}"
    return f"curl {address}/invocations -H 'Content-Type: application/json' -d {shlex.quote(text)}"


def pyfunc(stored: Path, folder: Path) -> Any:
    """A run's `model` folder as MLflow's pyfunc, which is put together in an empty folder. Raises ConfigError for a
    damaged one."""
    try:
        write_model(stored, folder)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{stored.parent.name}/model/example.json is damaged ({type(error).__name__})") from error
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow.pyfunc import load_model

    (folder / "data").symlink_to(stored.absolute())
    return load_model(str(folder))


def _run(model: Any, door: socket.socket) -> None:
    import uvicorn
    from mlflow.pyfunc import scoring_server

    app = scoring_server.init(model)
    settings = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE)
    uvicorn.Server(settings).run(sockets=[door])
