"""The HTTP service: predictions for requests in the forms of MLflow's scoring server, within limits of size.

It answers requests to this machine's own names alone. Every error is JSON with a message: 4xx with what is wrong with
the request, 500 for a fault of the server.
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

from mlcli.serve.json_inputs import inputs_from_json, parse_json
from mlcli.serve.predictions import predict_rows, to_json
from mlcli.serve.predictor import Predictor
from mlcli.serve.table import parse_csv, select_inputs

LARGEST_BODY = 16 << 20  # bytes of a request
MOST_ROWS = 10_000  # of a request
AT_ONCE = 16  # requests that are read or computed; others wait
PATIENCE = 60  # seconds that a request has to arrive
OWN_NAMES = ("127.0.0.1", "localhost", "::1")
JSON, CSV = "application/json", "text/csv"


def create_app(predictor: Predictor, threads: int) -> Starlette:
    """The application; so many `threads` compute."""
    places, workers = anyio.Semaphore(AT_ONCE), anyio.CapacityLimiter(threads)

    async def invocations(request: Request) -> Response:
        async with places:
            kind, text = _content_type(request), await _text(request)
            answer = await anyio.to_thread.run_sync(_answer, predictor, kind, text, limiter=workers)
        return Response(answer, media_type=JSON)

    async def ping(request: Request) -> Response:
        return Response("\n", media_type=JSON)

    routes = [Route("/invocations", invocations, methods=["POST"])]
    routes += [Route(path, ping) for path in ("/ping", "/health")]
    handlers: Any = {HTTPException: _refusal, ClientDisconnect: _gone, Exception: _fault}
    return Starlette(routes=routes, middleware=[Middleware(OwnNames)], exception_handlers=handlers)


class OwnNames:
    """Refuses requests to another host's name and from another site's pages: a page that gives its own name this
    machine's address (DNS rebinding) would otherwise read the answers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            hosts = [f"//{host}" for host in headers.getlist("host")]
            if len(hosts) != 1 or not all(map(_is_own, [*hosts, *headers.getlist("origin")])):
                response = _error(
                    HTTPStatus.FORBIDDEN,
                    f"only requests to {', '.join(OWN_NAMES)} are answered, and none from the pages of other sites",
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
    """The body. One that is too large is read to its end, so that the client sees the answer, but not kept."""
    body, size = io.BytesIO(), 0
    with anyio.move_on_after(PATIENCE) as waiting:
        async for chunk in request.stream():
            size += len(chunk)
            if size <= LARGEST_BODY:
                body.write(chunk)
    if waiting.cancelled_caught:
        raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, f"the request did not arrive within {PATIENCE} s")
    if size > LARGEST_BODY:
        raise HTTPException(413, f"the request has {size:,} bytes, more than {LARGEST_BODY:,}: send fewer rows")
    try:
        return body.getvalue().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"the request is not UTF-8 (byte {error.start + 1})") from error


def _answer(predictor: Predictor, kind: str, text: str) -> bytes:
    data = predictor.parts.data
    try:
        if kind == CSV:
            inputs = select_inputs(parse_csv(io.StringIO(text), data, MOST_ROWS + 1), data)
        else:
            inputs = inputs_from_json(parse_json(text), data, MOST_ROWS + 1)
        if len(inputs) > MOST_ROWS:
            raise HTTPException(413, f"the request has more than {MOST_ROWS:,} rows: send fewer")
        if not len(inputs):
            raise HTTPException(HTTPStatus.BAD_REQUEST, "the request holds no row to predict")
        return to_json(predict_rows(predictor, inputs)).encode()
    except MemoryError as error:
        raise HTTPException(413, "the request takes more memory than there is") from error
    except ValueError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"the request: {error}") from error


def _error(status: int, message: str) -> Response:
    """As MLflow's scoring server tells errors."""
    content = {"error_code": HTTPStatus(status).name, "message": message}
    return Response(json.dumps(content), status, media_type=JSON)


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = _error(error.status_code, error.detail)
    response.headers.update(error.headers or {})
    return response


async def _fault(request: Request, error: Exception) -> Response:
    return _error(HTTPStatus.INTERNAL_SERVER_ERROR, "the server failed; its terminal says why")


async def _gone(request: Request, error: Exception) -> Response:
    return _error(HTTPStatus.BAD_REQUEST, "the request was not sent to its end")
