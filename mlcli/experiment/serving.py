"""Are predictions over HTTP equal to in-process predictions, and at what latency?

Method: the test split is sent to `mlcli serve` in requests of several sizes, on one open connection, and predicted in
this process as well.
"""

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

MIN_REQUESTS = 40  # of each size, so that more than one is above the 95th percentile
WARM_UP = 3  # requests before the timed ones
TOLERANCE = 1e-6  # difference up to which numbers are equal
SIZE = "inputs per request"
COLUMNS = (
    SIZE, "requests", "median ms", "95th percentile ms", "in-process median ms", "inputs per second",
    "equal", "predictions", "max difference",
)  # fmt: skip


@dataclass
class Timing:
    """Requests of one size: milliseconds of each, and how many predictions are equal."""

    size: int
    over_http: list[float] = field(default_factory=list)
    in_process: list[float] = field(default_factory=list)
    equal: int = 0
    predictions: int = 0
    difference: float = 0.0

    def compare(self, served: pd.DataFrame, own: pd.DataFrame) -> None:
        """Counts the equal rows of two tables of predictions."""
        numbers = own.select_dtypes("number").columns
        others = own.columns.difference(numbers)
        gaps = (served[numbers] - own[numbers]).abs().max(axis=1)
        self.equal += int(((served[others] == own[others]).all(axis=1) & (gaps <= TOLERANCE)).sum())
        self.predictions += len(own)
        self.difference = max(self.difference, float(gaps.max()))


def serving(runs: Sequence[FinishedRun], sizes: Sequence[Annotated[int, Range(1)]] = (1, 8, 64, 360)) -> Conclusion:
    """Predicts the test split over HTTP and in process, with each number of inputs per request.

    Latency is measured from sending a request to reading its whole response, on a persistent connection. Raises
    RuntimeError if the server does not start or refuses a request.
    """
    folder, data = runs[0].folder.path, runs[0].parts().data
    inputs = data.examples.inputs[data.splits["test"]].numpy()
    predictor = Predictor(model_folder(folder))
    print("serving: starting the server …", file=sys.stderr)
    started = time.perf_counter()
    with running_server(folder) as address:
        seconds = time.perf_counter() - started
        print(f"serving: requesting predictions for {len(inputs)} test inputs from {address} …", file=sys.stderr)
        fitting = sorted({min(size, len(inputs)) for size in sizes})
        with closing(HTTPConnection(address, timeout=60)) as connection:
            timings = [measure(connection, predictor, inputs, size) for size in fitting]
    rows = [_row(each) for each in timings]
    return Conclusion(_sentence(timings, seconds), COLUMNS, rows, [_latency(timings)])


def measure(connection: HTTPConnection, predictor: Predictor, inputs: np.ndarray, size: int) -> Timing:
    """Predicts all inputs with `size` of them per request, repeated for at least `MIN_REQUESTS` requests."""
    timing = Timing(size)
    batches = [inputs[at : at + size] for at in range(0, len(inputs), size)]
    rounds = -(-MIN_REQUESTS // len(batches))
    for place, batch in enumerate([*batches[:1] * WARM_UP, *batches * rounds]):
        body = _body(batch, predictor.parts.data.features)
        began = time.perf_counter()
        response = _post(connection, body)
        between = time.perf_counter()
        own = predictor.predict(batch)
        ended = time.perf_counter()
        if place >= WARM_UP:
            timing.over_http.append(1000 * (between - began))
            timing.in_process.append(1000 * (ended - between))
            timing.compare(pd.DataFrame(json.loads(response)["predictions"]), own)
    return timing


def _body(inputs: np.ndarray, features: Sequence[str]) -> bytes:
    """The JSON of a request: a table if the columns have names, else an array."""
    rows = inputs.tolist()
    request: Any = {"dataframe_split": {"columns": features, "data": rows}} if features else {"inputs": rows}
    return json.dumps(request).encode()


def _post(connection: HTTPConnection, body: bytes) -> bytes:
    connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise RuntimeError(f"the server responded with {response.status}: {content.decode()[:300]}")
    return content


def _row(timing: Timing) -> tuple[Any, ...]:
    median, slow = map(float, np.percentile(timing.over_http, [50, 95]))
    throughput = round(_throughput(timing, median))
    times = (timing.size, len(timing.over_http), median, slow, float(np.median(timing.in_process)), throughput)
    return *times, timing.equal, timing.predictions, timing.difference


def _throughput(timing: Timing, milliseconds: float) -> float:
    """Inputs per second at this latency; the last request of a round may hold fewer inputs than the others."""
    return 1000 * timing.predictions / len(timing.over_http) / milliseconds


def _sentence(timings: Sequence[Timing], started: float) -> str:
    equal, predictions = sum(each.equal for each in timings), sum(each.predictions for each in timings)
    gap = max(each.difference for each in timings)
    first, last = _row(timings[0]), _row(timings[-1])
    difference = f"maximum difference {gap:.1g}" if gap else "bit for bit"
    return (
        f"{equal:,} of {predictions:,} predictions over HTTP are equal to in-process predictions ({difference}). The "
        f"median latency of {first[0]} input{'s' if first[0] > 1 else ''} is {first[2]:.1f} ms (95th percentile "
        f"{first[3]:.1f}; in process {first[4]:.1f}), of {last[0]} inputs {last[2]:.1f} ms: a throughput of "
        f"{first[5]:,} and {last[5]:,} inputs per second. The server started in {started:.1f} s."
    )


def _latency(timings: Sequence[Timing]) -> Plot:
    sizes = [each.size for each in timings]
    over_http, slow, in_process = zip(*(_row(each)[2:5] for each in timings), strict=True)
    medians = {"over HTTP, median": over_http, "in process, median": in_process}
    throughput = {name: list(map(_throughput, timings, each)) for name, each in medians.items()}
    of = [
        Panel(SIZE, what, {name: Curve(sizes, y) for name, y in curves.items()}, log="xy")
        for what, curves in (
            ("milliseconds per request", medians | {"over HTTP, 95th percentile": slow}),
            ("inputs per second", throughput),
        )
    ]
    title = f"Latency · {over_http[0]:.1f} ms for {sizes[0]}, {over_http[-1]:.1f} ms for {sizes[-1]}"
    return panels("latency", title, "sequential requests on the same machine", of)
