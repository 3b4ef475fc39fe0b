"""Server-sent events (WHATWG HTML, section 9.2) of an engine, as dicts."""

from __future__ import annotations

import json
from typing import Any, AsyncIterator, Dict, Iterator, List

from .errors import error_of

_DATA = b"data: "
_DONE = b"[DONE]"


class _Parser:
    """Splits a body into events: it may end within one."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> List[Dict[str, Any]]:
        """Returns the events that are whole now. RequestError for an error's."""
        *whole, self._rest = (self._rest + piece).split(b"\n\n")
        return [event for text in whole for event in _events(text)]


def _events(text: bytes) -> Iterator[Dict[str, Any]]:
    for line in text.split(b"\n"):
        data = line[len(_DATA) :]
        if line.startswith(_DATA) and data != _DONE:
            event = json.loads(data)
            if "error" in event:
                raise error_of(int(event["error"].get("code", 500)), data)
            yield event


def events(pieces: Iterator[bytes]) -> Iterator[Dict[str, Any]]:
    """Yields the events of a body. Closing the iterator ends the request."""
    parser = _Parser()
    try:
        for piece in pieces:
            yield from parser.feed(piece)
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()


async def events_async(pieces: AsyncIterator[bytes]) -> AsyncIterator[Dict[str, Any]]:
    """Yields the events of a body. Closing the iterator ends the request."""
    parser = _Parser()
    try:
        async for piece in pieces:
            for event in parser.feed(piece):
                yield event
    finally:
        close = getattr(pieces, "aclose", None)
        if close is not None:
            await close()
