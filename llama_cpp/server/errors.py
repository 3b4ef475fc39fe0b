"""Errors in OpenAI's form: ``{"error": {"message", "type", "param", "code"}}``."""

from __future__ import annotations

import sys
import traceback
from typing import Any, Dict, Optional

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from typing_extensions import TypedDict

from .._errors import LlamaError
from .._serving.errors import error_object, text_of

# HTTP status -> OpenAI's type of such errors.
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
    501: "not_supported_error",
    503: "unavailable_error",
}

# llama.cpp's types of errors -> OpenAI's code, by which clients tell them.
_CODES = {"exceed_context_size_error": "context_length_exceeded"}


class ErrorResponse(TypedDict):
    """OpenAI's object for an error."""

    message: str
    type: str
    param: Optional[str]
    code: Optional[str]


class ServerError(HTTPException):
    """A request is refused, or cannot be answered now.

    Attributes:
        status: HTTP's.
        error: OpenAI's object.
        headers: of the answer; None: no further ones.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: Optional[str] = None,
        param: Optional[str] = None,
        kind: Optional[str] = None,
        headers: Optional[Dict[str, str]] = None,
    ) -> None:
        super().__init__(status, message, headers)
        self.status = status
        self.error = ErrorResponse(
            message=message,
            type=kind or _TYPES.get(status, "server_error"),
            param=param,
            code=code,
        )

    def response(self) -> JSONResponse:
        """Returns the answer."""
        return JSONResponse({"error": self.error}, self.status, headers=self.headers)


def busy(message: str) -> ServerError:
    """Returns the error of a request that may be sent again a second later."""
    return ServerError(503, message, headers={"Retry-After": "1"})


def add_handlers(app: FastAPI) -> None:
    """Has an application answer all errors in OpenAI's form."""
    app.add_exception_handler(ServerError, _server_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(Exception, _unexpected)


async def _server_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServerError)
    return error.response()


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = str(error.detail)
    if error.status_code == 404 and message == "Not Found":
        message = f"Unknown request URL: {request.method} {request.url.path}"
    headers = None if error.headers is None else dict(error.headers)
    return ServerError(error.status_code, message, headers=headers).response()


async def _validation_error(request: Request, error: Exception) -> Response:
    """Names the first wrong member of the body. Its value is not repeated: it may be long."""
    assert isinstance(error, RequestValidationError)
    first: Dict[str, Any] = dict(error.errors()[0])
    place = ".".join(str(part) for part in first.get("loc", ())[1:])
    if first.get("type") == "json_invalid":
        reason = first.get("ctx", {}).get("error", "")
        return ServerError(400, f"The body is no JSON: {reason}").response()
    subject = place or "The body"
    return ServerError(400, f"{subject}: {first.get('msg')}", param=place or None).response()


async def _unexpected(request: Request, error: Exception) -> Response:
    return unexpected(error).response()


def unexpected(error: BaseException) -> ServerError:
    """Writes an error that is no ServerError into the log; returns one without the reason."""
    traceback.print_exception(type(error), error, error.__traceback__, file=sys.stderr)
    message = "The server failed; its log has the reason."
    if isinstance(error, LlamaError) and not isinstance(error, OSError):
        message = "llama.cpp failed; the server's log has the reason."
    return ServerError(500, message)


def engine_error(status: int, body: bytes) -> ServerError:
    """Returns the error for an engine's answer with an error's status."""
    error = error_object(body)
    if error is None or not {"message", "type"} <= error.keys():
        return ServerError(status, text_of(body))
    message, kind = str(error["message"]), str(error["type"])
    if status == 501:  # clients send requests again after a status from 500 on
        status = 400
    found = ServerError(status, message, code=_CODES.get(kind), kind=kind)
    more = {key: value for key, value in error.items() if key not in found.error and key != "code"}
    found.error.update(more)  # type: ignore[typeddict-item]
    return found
