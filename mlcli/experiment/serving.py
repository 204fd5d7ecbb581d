"""A trained model behind a REST API: what it answers over HTTP, beside in process, and how long that takes."""

import json
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Annotated, Any

import numpy as np
import pandas as pd

from mlcli.config.ranges import Range
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun
from mlcli.serve.predictor import Predictor, model_folder
from mlcli.serve.server_process import running_server

LEAST = 40  # requests of each size, so that the slowest twentieth is more than one
WARM_UP = 3  # requests that come first and do not count: they load what is used for the first time
SAME = 1e-6  # numbers that are no farther apart are called equal
SIZE = "inputs a request"
COLUMNS = (
    SIZE, "requests", "median ms", "95 % within ms", "in process, median ms", "inputs a second",
    "equal", "of", "largest difference",
)  # fmt: skip


@dataclass
class Asked:
    """Requests of one size: milliseconds of each, and how many answers are equal."""

    size: int
    over_http: list[float] = field(default_factory=list)
    in_process: list[float] = field(default_factory=list)
    equal: int = 0
    answers: int = 0
    apart: float = 0.0

    def compare(self, found: pd.DataFrame, wanted: pd.DataFrame) -> None:
        numbers = wanted.select_dtypes("number").columns
        others = wanted.columns.difference(numbers)
        gaps = (found[numbers] - wanted[numbers]).abs().max(axis=1)
        self.equal += int(((found[others] == wanted[others]).all(axis=1) & (gaps <= SAME)).sum())
        self.answers += len(wanted)
        self.apart = max(self.apart, float(gaps.max()))


def serving(runs: Sequence[FinishedRun], sizes: Sequence[Annotated[int, Range(1)]] = (1, 8, 64, 360)) -> Conclusion:
    """The inputs of the test split, so many in a request, asked of `mlcli serve` and in this process.

    Milliseconds are those from sending a request to having its whole answer, on a connection that stays open.
    Raises RuntimeError where the server does not start or refuses a request.
    """
    folder, data = runs[0].folder.path, runs[0].parts().data
    inputs = data.examples.inputs[data.splits["test"]].numpy()
    predictor = Predictor(model_folder(folder))
    print("serving: starting the server …", file=sys.stderr)
    started = time.perf_counter()
    with running_server(folder) as address:
        seconds = time.perf_counter() - started
        print(f"serving: asking it at {address} for the {len(inputs)} test inputs …", file=sys.stderr)
        fitting = sorted({min(size, len(inputs)) for size in sizes})
        with closing(HTTPConnection(address, timeout=60)) as connection:
            asked = [ask(connection, predictor, inputs, size) for size in fitting]
    return Conclusion(_sentence(asked, seconds), COLUMNS, [_row(each) for each in asked], [_latency(asked)])


def ask(connection: HTTPConnection, predictor: Predictor, inputs: np.ndarray, size: int) -> Asked:
    """All inputs, `size` of them in a request, again and again until there are enough requests to time."""
    asked = Asked(size)
    batches = [inputs[at : at + size] for at in range(0, len(inputs), size)]
    rounds = -(-LEAST // len(batches))
    for place, batch in enumerate([*batches[:1] * WARM_UP, *batches * rounds]):
        body = _body(batch, predictor.parts.data.features)
        began = time.perf_counter()
        answer = _post(connection, body)
        between = time.perf_counter()
        wanted = predictor.predict(batch)
        ended = time.perf_counter()
        if place >= WARM_UP:
            asked.over_http.append(1000 * (between - began))
            asked.in_process.append(1000 * (ended - between))
            asked.compare(pd.DataFrame(json.loads(answer)["predictions"]), wanted)
    return asked


def _body(inputs: np.ndarray, features: Sequence[str]) -> bytes:
    """A request as the server wants it: a table where the columns have names, else an array."""
    rows = inputs.tolist()
    request: Any = {"dataframe_split": {"columns": features, "data": rows}} if features else {"inputs": rows}
    return json.dumps(request).encode()


def _post(connection: HTTPConnection, body: bytes) -> bytes:
    connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = response.read()
    if response.status != 200:
        raise RuntimeError(f"the server answered {response.status}: {answer.decode()[:300]}")
    return answer


def _row(asked: Asked) -> tuple[Any, ...]:
    median, slow = map(float, np.percentile(asked.over_http, [50, 95]))
    rate = round(_rate(asked, median))
    timed = (asked.size, len(asked.over_http), median, slow, float(np.median(asked.in_process)), rate)
    return *timed, asked.equal, asked.answers, asked.apart


def _rate(asked: Asked, milliseconds: float) -> float:
    """Inputs a second, if each request takes so long; the last of a round may hold fewer than the others."""
    return 1000 * asked.answers / len(asked.over_http) / milliseconds


def _sentence(asked: Sequence[Asked], started: float) -> str:
    equal, answers = sum(each.equal for each in asked), sum(each.answers for each in asked)
    apart = max(each.apart for each in asked)
    first, last = _row(asked[0]), _row(asked[-1])
    difference = f"at most {apart:.1g} apart" if apart else "to the last bit"
    return (
        f"Of {answers:,} predictions over HTTP {equal:,} are equal to those in process ({difference}). A request for "
        f"{first[0]} takes {first[2]:.1f} ms (95 % within {first[3]:.1f}; {first[4]:.1f} in process), one for "
        f"{last[0]} takes {last[2]:.1f} ms: {last[5]:,} a second instead of {first[5]:,}. The server answered "
        f"{started:.1f} s after its start."
    )


def _latency(asked: Sequence[Asked]) -> Plot:
    sizes = [each.size for each in asked]
    over_http, slow, in_process = zip(*(_row(each)[2:5] for each in asked), strict=True)
    medians = {"over HTTP, median": over_http, "in process, median": in_process}
    rates = {name: list(map(_rate, asked, each)) for name, each in medians.items()}
    of = [
        Panel(SIZE, what, {name: Curve(sizes, y) for name, y in curves.items()}, log="xy")
        for what, curves in (
            ("milliseconds a request", medians | {"over HTTP, 95 % within": slow}),
            ("inputs a second", rates),
        )
    ]
    title = f"Latency · {over_http[0]:.1f} ms for {sizes[0]}, {over_http[-1]:.1f} ms for {sizes[-1]}"
    return panels("latency", title, "one request after the other, on this machine alone", of)
