"""The server as a real process; predictions over HTTP are tested by the experiment of that name."""

import json
import shlex
import socket
from pathlib import Path

import pytest

from mlcli.config.errors import ConfigError
from mlcli.serve.server import HOST, bound, example
from mlcli.track.mlflow_model import write_example


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with bound(0) as door:
        address, port = door.getsockname()
        assert address == HOST == "127.0.0.1" and port > 0
        with pytest.raises(ConfigError, match=f"Port {port} cannot be had"):
            bound(port)
    with bound(port), socket.create_connection((HOST, port)):
        pass


@pytest.mark.parametrize("width", [2, 500])
@pytest.mark.parametrize("columns", [None, "it's"])
def test_the_request_to_try_is_whole(tmp_path: Path, width: int, columns: str | None) -> None:
    names = [f"{columns} {i}" for i in range(width)] if columns else None
    write_example(tmp_path, {"kind": "vector", "columns": names, "data": [[0.25] * width] * 3})
    command = shlex.split(example("http://here", tmp_path))
    assert command[:2] == ["curl", "http://here/invocations"]
    sent = command[-1]
    assert sent.startswith("@") == (width == 500)
    request = json.loads(Path(sent[1:]).read_text() if sent.startswith("@") else sent)
    wanted = {"dataframe_split": {"columns": names, "data": [[0.25] * width]}} if names else {"inputs": [[0.25] * width]}
    assert request == wanted
