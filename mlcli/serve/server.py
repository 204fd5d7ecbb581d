"""A run's predictions over HTTP, in this process and for this machine alone."""

import json
import shlex
import socket
import tempfile
from pathlib import Path

from mlcli.config.errors import ConfigError
from mlcli.machine.device import cores
from mlcli.serve.predictor import Predictor, model_folder
from mlcli.store.records import read_json
from mlcli.track.mlflow_model import SERVING_EXAMPLE, write_example

HOST = "127.0.0.1"  # there is no authentication: other machines have no way in
GRACE = 5  # seconds that requests have to end after Ctrl-C
SHORT = 400  # characters of a request that can stand in a command line


def serve_run(run: Path, port: int) -> None:
    """Serves until interrupted; stdout gets the address and a request to try, once they work.

    Raises ConfigError for a run that did not finish and for a port that is taken.
    """
    stored = model_folder(run)
    with bound_socket(port) as door, tempfile.TemporaryDirectory(prefix="mlcli-serve-") as scratch:
        address = f"http://{HOST}:{door.getsockname()[1]}"
        predictor, request = Predictor(stored), example_request(address, stored, Path(scratch))
        door.listen(128)  # from here on who comes waits, and is not turned away
        print(f"serving {run.name} at {address}  (Ctrl-C stops it)\ntry: {request}", flush=True)
        _run(predictor, door)


def bound_socket(port: int) -> socket.socket:
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
        raise ConfigError(f"Port {port} cannot be had ({reason}): use --port 0 for a free one.") from error
    return door


def example_request(address: str, stored: Path, folder: Path) -> str:
    """A curl command that sends the first example kept with a model, from a file in `folder` where it is long.

    Raises ConfigError where the examples are damaged.
    """
    try:
        write_example(folder, read_json(stored / "example.json")["inputs"])
        return _command(address, folder)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{stored.parent.name}/model/example.json is damaged ({type(error).__name__})") from error


def _command(address: str, folder: Path) -> str:
    request = json.loads((folder / SERVING_EXAMPLE).read_text())
    rows = request["dataframe_split"]["data"] if "dataframe_split" in request else request["inputs"]
    del rows[1:]
    text = json.dumps(request, ensure_ascii=False)
    if len(text) > SHORT:
        file = folder / "request.json"
        file.write_text(text, encoding="utf-8")
        text = f"@{file}"
    return f"curl {address}/invocations -H 'Content-Type: application/json' -d {shlex.quote(text)}"


def _run(predictor: Predictor, door: socket.socket) -> None:
    import torch
    import uvicorn

    from mlcli.serve.service import create_app

    torch.set_num_threads(predictor.parts.threads)
    app = create_app(predictor, cores())
    settings = uvicorn.Config(app, log_level="warning", access_log=False, ws="none", timeout_graceful_shutdown=GRACE)
    uvicorn.Server(settings).run(sockets=[door])
