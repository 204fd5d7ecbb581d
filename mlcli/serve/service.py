"""The HTTP service: predictions for requests in the formats of MLflow's scoring server, within limits of size.

It has no authentication and accepts only requests addressed to this machine's own names. Errors are JSON with a
message: 4xx for an invalid request, 500 for an internal error.
"""

import io
import json
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import anyio
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mlcli.serve.formats import to_json
from mlcli.serve.json_inputs import inputs_from_json, parse_json
from mlcli.serve.predict_rows import predict_rows
from mlcli.serve.predictor import Predictor
from mlcli.serve.rows import parse_rows
from mlcli.serve.table import parse_csv, select_inputs

MAX_BODY = 16 << 20  # bytes of a request
MAX_ROWS = 10_000  # of a request
MAX_CONCURRENT = 16  # requests that are read or computed; others wait
RECEIVE_TIMEOUT = 60  # seconds for a request to arrive
OWN_NAMES = ("127.0.0.1", "localhost", "::1")
JSON, CSV = "application/json", "text/csv"


def create_app(predictor: Predictor, threads: int) -> Starlette:
    """The ASGI application. threads: number of threads that compute predictions."""
    slots, workers = anyio.Semaphore(MAX_CONCURRENT), anyio.CapacityLimiter(threads)

    async def invocations(request: Request) -> Response:
        async with slots:
            kind, text = _content_type(request), await _text(request)
            body = await anyio.to_thread.run_sync(_predict, predictor, kind, text, limiter=workers)
        return Response(body, media_type=JSON)

    async def ping(request: Request) -> Response:
        return Response("\n", media_type=JSON)

    routes = [Route("/invocations", invocations, methods=["POST"])]
    routes += [Route(path, ping) for path in ("/ping", "/health")]
    handlers: Any = {HTTPException: _http_error, ClientDisconnect: _disconnected, Exception: _internal_error}
    return Starlette(routes=routes, middleware=[Middleware(HostCheck)], exception_handlers=handlers)


class HostCheck:
    """Rejects requests addressed to another host name or from pages of other sites, which protects against DNS
    rebinding."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            hosts = [f"//{host}" for host in headers.getlist("host")]
            if len(hosts) != 1 or not all(map(_is_own, [*hosts, *headers.getlist("origin")])):
                response = _error(
                    HTTPStatus.FORBIDDEN,
                    f"only requests to {', '.join(OWN_NAMES)} are accepted, and none from the pages of other sites",
                )
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _is_own(address: str) -> bool:
    try:
        return urlsplit(address).hostname in OWN_NAMES
    except ValueError:
        return False


def _content_type(request: Request) -> str:
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.replace(" ", "").lower()
    if kind.strip().lower() not in (JSON, CSV) or charset not in ("", "charset=utf-8"):
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the content type must be {JSON} or {CSV}, in UTF-8")
    return kind.strip().lower()


async def _text(request: Request) -> str:
    """The body of a request. If it is too large, the rest is read and discarded, so that the client gets the
    error."""
    body, size = io.BytesIO(), 0
    with anyio.move_on_after(RECEIVE_TIMEOUT) as waiting:
        async for chunk in request.stream():
            size += len(chunk)
            if size <= MAX_BODY:
                body.write(chunk)
    if waiting.cancelled_caught:
        raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, f"the request did not arrive within {RECEIVE_TIMEOUT} s")
    if size > MAX_BODY:
        raise HTTPException(413, f"the request has {size:,} bytes, more than {MAX_BODY:,}: send fewer rows")
    try:
        return body.getvalue().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"the request is not UTF-8 (byte {error.start + 1})") from error


def _predict(predictor: Predictor, kind: str, text: str) -> bytes:
    data = predictor.parts.data
    try:
        if kind == CSV and data.kind == "table":
            inputs: Any = parse_rows(text).slice(0, MAX_ROWS + 1)
        elif kind == CSV:
            inputs = select_inputs(parse_csv(io.StringIO(text), data, MAX_ROWS + 1), data)
        else:
            inputs = inputs_from_json(parse_json(text), data, MAX_ROWS + 1)
        if len(inputs) > MAX_ROWS:
            raise HTTPException(413, f"the request has more than {MAX_ROWS:,} rows: send fewer")
        if not len(inputs):
            raise HTTPException(HTTPStatus.BAD_REQUEST, "the request holds no row to predict")
        return to_json(predict_rows(predictor, inputs)).encode()
    except MemoryError as error:
        raise HTTPException(413, "the request needs more memory than is available") from error
    except ValueError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"the request: {error}") from error


def _error(status: int, message: str) -> Response:
    """An error in the format of MLflow's scoring server."""
    content = {"error_code": HTTPStatus(status).name, "message": message}
    return Response(json.dumps(content), status, media_type=JSON)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = _error(error.status_code, error.detail)
    response.headers.update(error.headers or {})
    return response


async def _internal_error(request: Request, error: Exception) -> Response:
    return _error(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error; see the terminal of the server")


async def _disconnected(request: Request, error: Exception) -> Response:
    return _error(HTTPStatus.BAD_REQUEST, "the request is incomplete")
