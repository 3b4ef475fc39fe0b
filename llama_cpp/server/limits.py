"""The size of requests: one that is too long is refused before it is all in memory."""

from __future__ import annotations

from typing import Optional

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import ServerError


class SizeLimits:
    """ASGI middleware: answers 431 to long headers, and 413 to a long body."""

    def __init__(self, app: ASGIApp, most_of_headers: int, most_of_body: int) -> None:
        """Both limits are in bytes."""
        self._app = app
        self._headers = most_of_headers
        self._body = most_of_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        error = self._error(scope)
        if error is not None:
            await error.response()(scope, receive, send)
            return
        count = 0

        async def counted() -> Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > self._body:
                raise self._long_body()
            return message

        await self._app(scope, counted, send)

    def _error(self, scope: Scope) -> Optional[ServerError]:
        size = length = 0
        for name, value in scope["headers"]:
            size += len(name) + len(value)
            if name == b"content-length" and value.isdigit():
                length = int(value[:20])
        if size > self._headers:
            return ServerError(
                431,
                f"The headers have more than {self._headers} bytes",
                kind="invalid_request_error",
            )
        return self._long_body() if length > self._body else None

    def _long_body(self) -> ServerError:
        return ServerError(413, f"The body has more than {self._body} bytes")
