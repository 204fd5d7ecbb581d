"""The server: its parts, and a real process with valid and invalid requests."""

import http.client
import json
import re
import shlex
import socket
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcli.config.errors import ConfigError
from mlcli.run.build import build
from mlcli.run.finish import write_model
from mlcli.serve.predictor import Predictor
from mlcli.serve.server import HOST, bound_socket, example_request
from mlcli.serve.server_process import running_server
from mlcli.track.mlflow_model import SERVING_EXAMPLE
from mlcli.track.mlflow_model import write_model as write_pyfunc
from tests.configs import run_config

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of MLflow's about MLflow's own type hints
    from mlflow.pyfunc import load_model, scoring_server

Post = Callable[..., tuple[int, dict[str, Any]]]
JSON = {"Content-Type": "application/json"}
DQN = ["task=dqn", "model.norm=batch_norm"]
COLUMNS = ["position", "velocity", "angle", "angular_velocity"]
ROW = [0.1, 0.2, 0.03, 0.4]


def saved(folder: Path, *overrides: str) -> Path:
    """A run's folder with an untrained model."""
    cfg = run_config("device=cpu", *overrides)
    write_model(folder / "model", cfg, build(cfg))
    (folder / "run.json").write_text('{"id": "x", "name": "x", "status": "FINISHED", "started": 0}')
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("run"), *DQN)


@pytest.fixture(scope="module")
def address(run: Path) -> Iterator[str]:
    with running_server(run) as own:
        yield own


@pytest.fixture
def post(address: str) -> Post:
    """Sends a body to the server. Returns the status and the JSON of the response."""

    def send(body: Any, method: str = "POST", path: str = "/invocations", **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(address, timeout=60)
        sent = body if isinstance(body, bytes | str) else json.dumps(body)
        own = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, sent, JSON | own)
        response = connection.getresponse()
        content = response.read()
        assert response.headers["Content-Type"] == "application/json"
        connection.close()
        return response.status, json.loads(content)

    return send


def rows(*, seed: int = 0, count: int = 1) -> list[list[float]]:
    numbers: list[list[float]] = np.random.default_rng(seed).normal(size=(count, 4)).round(3).tolist()
    return numbers


def test_every_form_of_request(post: Post, run: Path) -> None:
    given = rows(count=3)
    expected = Predictor(run / "model").predict(np.array(given))
    table = {"columns": COLUMNS, "data": given}
    records = [dict(zip(COLUMNS, row, strict=True)) for row in given]
    csv = "\n".join([",".join(COLUMNS), *(",".join(map(str, row)) for row in given)])
    answers = [
        post({"inputs": given}),
        post({"instances": given}),
        post({"dataframe_split": table}),
        post({"dataframe_records": records}),
        post({"inputs": {name: [row[place] for row in given] for place, name in enumerate(COLUMNS)}}),
        post(csv, **{"Content-Type": "text/csv; charset=utf-8"}),
    ]
    for status, answer in answers:
        assert status == 200
        assert [row["prediction"] for row in answer["predictions"]] == expected["prediction"].tolist()
        assert [row.keys() for row in answer["predictions"]] == [set(expected)] * 3


def test_requests_side_by_side_get_the_answers_that_they_get_alone(post: Post) -> None:
    requests = [{"inputs": rows(seed=i, count=1 + i % 3)} for i in range(80)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(post, requests))
    assert together == [post(request) for request in requests]
    assert {status for status, _ in together} == {200}


WRONG: dict[str, tuple[Any, int, str]] = {
    "no finite number": ({"inputs": [ROW, [1, 2, 3, None]]}, 400, "the request: row 2 has a gap, or a number that"),
    "a row too short": ({"inputs": [[1, 2, 3]]}, 400, "the request: inputs must be B × 4, not (1, 3)"),
    "a column missing": (
        {"dataframe_split": {"columns": COLUMNS[1:], "data": [[1, 2, 3]]}},
        400,
        "the request: lacks the columns position",
    ),
    "words": ({"inputs": {name: ["fast"] for name in COLUMNS}}, 400, "holds 'fast', where numbers are expected"),
    "no rows": ({"inputs": []}, 400, "the request holds no row"),
    "nested lists": ("[" * 100_000, 400, "nested too deeply"),
    "nested objects": ('{"inputs":' * 100_000, 400, "nested too deeply"),
    "5,000 digits": ('{"inputs": [[1, 2, 3, ' + "9" * 5000 + "]]}", 400, "a number with too many digits"),
    "4,000 digits": ('{"inputs": [[1, 2, 3, ' + "9" * 4000 + "]]}", 400, "not all numbers"),
    "objects and numbers": ({"instances": [{"a": 1}, 5]}, 400, "row 2 names no columns"),
    "no JSON": ("inputs=5", 400, "is not valid JSON"),
    "nothing": ("", 400, "is not valid JSON"),
    "no UTF-8": (b'{"inputs": ["\xff"]}', 400, "is not UTF-8 (byte 14)"),
    "half a surrogate": ('{"inputs": ["\\ud800"]}', 400, "is text"),
    "no form": ({"rows": []}, 400, "exactly one of dataframe_split"),
    "too many rows": ({"inputs": [ROW] * 10_001}, 413, "more than 10,000 rows"),
    "too many columns": (
        lambda: {"instances": [{f"{row} {i}": 1 for i in range(9)} for row in range(9000)]},
        400,
        "describes 9,000 × 81,000 values",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_request_is_a_sentence(post: Post, case: str) -> None:
    body, status, reason = WRONG[case]
    found, answer = post(body() if callable(body) else body)
    assert found == status
    assert answer.keys() == {"error_code", "message"}
    assert reason in answer["message"] and "\n" not in answer["message"] and len(answer["message"]) < 300


def test_other_ways_to_ask(post: Post) -> None:
    assert post("", "GET")[0] == 405
    assert post("", "GET", "/elsewhere") == (404, {"error_code": "NOT_FOUND", "message": "Not Found"})
    status, answer = post("x", **{"Content-Type": "application/vnd.apache.parquet"})
    assert status == 415 and "must be application/json or text/csv" in answer["message"]
    assert post({"inputs": [ROW]}, **{"Content-Type": "application/json; charset=latin-1"})[0] == 415


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused_and_leaves_no_memory_behind(address: str, chunked: bool) -> None:
    port = int(address.rpartition(":")[2])
    before = resident(port)
    piece = b"[0.1,0.2,0.3,0.4]," * 100_000
    body = b'{"inputs":[' + piece * 33 + b"[0,0,0,0]]}"  # 60 MB
    parts = (body[at : at + (1 << 20)] for at in range(0, len(body), 1 << 20)) if chunked else body
    with closing(http.client.HTTPConnection(address, timeout=60)) as connection:
        connection.request("POST", "/invocations", parts, JSON, encode_chunked=chunked)
        response = connection.getresponse()
        message = json.load(response)["message"]
    assert response.status == 413
    assert message == f"the request has {len(body):,} bytes, more than 16,777,216: send fewer rows"
    assert resident(port) < before + 64


def resident(port: int) -> int:
    """Megabytes of the process that listens on this port."""
    tables = Path("/proc/net/tcp")
    if not tables.exists():
        pytest.skip("needs /proc")
    inode = next(line.split()[9] for line in tables.read_text().splitlines() if f":{port:04X} 00000000:0000" in line)
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(link.readlink()) == f"socket:[{inode}]":
                status = (link.parent.parent / "status").read_text()
                return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1024  # type: ignore[index]
        except OSError:
            continue
    raise AssertionError("no process listens there")


@pytest.mark.parametrize("host", ["localhost:80", "127.0.0.1", "[::1]:5001", "LOCALHOST"])
def test_names_of_this_machine(post: Post, host: str) -> None:
    assert post({"inputs": [ROW]}, Host=host, Origin=f"http://{host}")[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "example.org"},
        {"Host": "127.0.0.1.example.org:5001"},
        {"Host": "[::1"},
        {"Host": ""},
        {"Origin": "https://example.org"},
        {"Origin": "null"},
    ],
    ids=str,
)
def test_requests_from_elsewhere_are_refused(post: Post, headers: dict[str, str]) -> None:
    for method, path in (("POST", "/invocations"), ("GET", "/ping")):
        status, answer = post({"inputs": [ROW]}, method, path, **headers)
        assert (status, answer["error_code"]) == (403, "FORBIDDEN")
        assert "only requests to 127.0.0.1, localhost" in answer["message"]


def test_a_client_that_leaves_does_no_harm(address: str, post: Post) -> None:
    host, port = address.split(":")
    with socket.create_connection((host, int(port))) as leaving:
        leaving.sendall(b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
    assert post({"inputs": [ROW]})[0] == 200


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with bound_socket(0) as door:
        address, port = door.getsockname()
        assert address == HOST == "127.0.0.1" and port > 0
        with pytest.raises(ConfigError, match=f"Port {port} is not available"):
            bound_socket(port)
        assert door.proto == socket.IPPROTO_TCP  # else each answer takes 40 ms more
    with bound_socket(port), socket.create_connection((HOST, port)):
        pass


@pytest.mark.parametrize("overrides", [["task=sequence_labelling", "data.examples=50"], ["data=digits", "model=mlp"]])
def test_mlflows_server_takes_the_same_example(tmp_path: Path, overrides: list[str]) -> None:
    """Also for a run on text, with texts as input; errors are returned as messages."""
    stored = saved(tmp_path, *overrides) / "model"
    (scratch := tmp_path / "scratch").mkdir()
    write_pyfunc(stored, scratch, "none")
    (scratch / "data").symlink_to(stored)
    model = load_model(str(scratch))
    request = (scratch / SERVING_EXAMPLE).read_text()
    schema = model.metadata.get_input_schema()
    if has_params := model.metadata.get_params_schema() is not None:
        request = json.dumps(json.loads(request) | {"params": {"probabilities": True}})
    response = scoring_server.invocations(request, "application/json", model, schema)
    assert response.status == 200 and has_params == ("data=digits" in overrides)
    outputs = json.loads((stored / "example.json").read_text())["outputs"]
    wanted = [dict(zip(outputs["columns"], row, strict=True)) for row in outputs["data"]]
    assert json.loads(response.response)["predictions"] == wanted
    wrong = {"dataframe_split": {"columns": ["text"], "data": [[""]]}}
    if "data=digits" in overrides:
        wrong = {"inputs": np.full((1, 1, 8, 8), np.nan).tolist()}
    with pytest.raises(scoring_server.MlflowException, match=r"row 1 (is empty|has a gap)") as refused:
        scoring_server.invocations(json.dumps(wrong), "application/json", model, schema)
    assert refused.value.get_http_status_code() == 400


@pytest.mark.parametrize("width", [2, 500])
@pytest.mark.parametrize("columns", [None, "it's"])
def test_the_request_to_try_is_whole(tmp_path: Path, width: int, columns: str | None) -> None:
    names = [f"{columns} {i}" for i in range(width)] if columns else None
    kept = {
        "inputs": {"kind": "vector", "columns": names, "data": [[0.25] * width] * 3},
        "outputs": {"columns": ["prediction"], "data": [["a"]]},
    }
    (tmp_path / "example.json").write_text(json.dumps(kept))
    command = shlex.split(example_request("http://here", tmp_path, tmp_path))
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
        example_request("http://here", tmp_path / "run" / "model", tmp_path / "scratch")


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"id": "x", "name": "x", "status": "FAILED"}')
    with (
        pytest.raises(RuntimeError, match=r"did not start: error: .* has no trained model"),
        running_server(tmp_path),
    ):
        pass
