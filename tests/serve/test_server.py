"""What the server is made of; as a real process it is tested in tests/cli/test_predict.py."""

import json
import shlex
import socket
import warnings
from pathlib import Path

import pytest

from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.config.errors import ConfigError
from mlcli.run.build import build
from mlcli.run.finish import write_model
from mlcli.serve.process import served
from mlcli.serve.server import HOST, bound, example, pyfunc
from mlcli.track.mlflow_model import SERVING_EXAMPLE, write_example

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of MLflow's about MLflow's own type hints
    from mlflow.pyfunc import scoring_server


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with bound(0) as door:
        address, port = door.getsockname()
        assert address == HOST == "127.0.0.1" and port > 0
        with pytest.raises(ConfigError, match=f"Port {port} cannot be had"):
            bound(port)
        assert door.proto == socket.IPPROTO_TCP  # else each answer takes 40 ms more
    with bound(port), socket.create_connection((HOST, port)):
        pass


@pytest.mark.parametrize("overrides", [["task=sequence_labelling", "data.examples=50"], ["data=digits", "model=mlp"]])
def test_it_takes_its_own_example(tmp_path: Path, overrides: list[str]) -> None:
    """Also a run on text, which is asked in texts."""
    with hydra_session() as hydra:
        cfg = to_run(compose(hydra, ["device=cpu", *overrides]))
    write_model(tmp_path / "model", cfg, build(cfg))
    (scratch := tmp_path / "scratch").mkdir()
    model = pyfunc(tmp_path / "model", scratch)
    request = (scratch / SERVING_EXAMPLE).read_text()
    response = scoring_server.invocations(request, "application/json", model, model.metadata.get_input_schema())
    assert response.status == 200
    outputs = json.loads((tmp_path / "model" / "example.json").read_text())["outputs"]
    wanted = [dict(zip(outputs["columns"], row, strict=True)) for row in outputs["data"]]
    assert json.loads(response.response)["predictions"] == wanted


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
    data = [[0.25] * width]
    assert request == ({"dataframe_split": {"columns": names, "data": data}} if names else {"inputs": data})


@pytest.mark.parametrize("text", ["", "[" * 100_000, "[]", "{}", '{"inputs": {"columns": 1}, "outputs": 2}', "null"])
def test_a_damaged_example_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "run" / "model").mkdir(parents=True)
    (tmp_path / "run" / "model" / "example.json").write_text(text)
    (tmp_path / "scratch").mkdir()
    with pytest.raises(ConfigError, match=r"^run/model/example.json is damaged"):
        pyfunc(tmp_path / "run" / "model", tmp_path / "scratch")


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"id": "x", "name": "x", "status": "FAILED"}')
    with pytest.raises(RuntimeError, match=r"did not start: error: .* has no trained model"), served(tmp_path):
        pass
