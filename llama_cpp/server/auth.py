"""The API key: whoever does not send it gets nothing but /health."""

from __future__ import annotations

import hmac
from typing import Iterator

from starlette.types import ASGIApp, Receive, Scope, Send

from .errors import ServerError

_OPEN = frozenset({"/health", "/v1/health"})


class ApiKey:
    """ASGI middleware: every request needs the key, as a bearer token or as `x-api-key`.

    It is in front of all routes, so that those which a user adds, the OpenAPI page and unknown
    paths need it too. (`x-api-key` is the header of Anthropic's clients.)
    """

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._key = key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._may(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _REFUSAL.response()(scope, receive, send)

    def _may(self, scope: Scope) -> bool:
        if scope["type"] == "http" and _route(scope) in _OPEN:
            return True
        # All are compared, so that the time says nothing about which one is near.
        found = [hmac.compare_digest(key, self._key) for key in _keys(scope)]
        return any(found)


_REFUSAL = ServerError(
    401,
    "The API key is missing or wrong; send it as `Authorization: Bearer KEY`",
    code="invalid_api_key",
    headers={"WWW-Authenticate": "Bearer"},
)


def _route(scope: Scope) -> str:
    """Returns the path below the one where the application is mounted, as Starlette routes it."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    if root and path.startswith(root + "/"):
        return path[len(root) :]
    return path


def _keys(scope: Scope) -> Iterator[bytes]:
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            yield value
        elif name == b"authorization" and value[:7].lower() == b"bearer ":
            yield value[7:].strip()
