"""Streams: the pieces of an answer, and comments before its beginning."""

from __future__ import annotations

import asyncio
import json
from typing import Any, AsyncIterator, Callable, NamedTuple, Optional, cast

from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from .._serving.answers import AsyncAnswer
from .errors import ServerError, unexpected
from .settings import PING_SECONDS, ServerSettings

# A proxy that collects a stream before it passes it on would hold up its pieces; X-Accel-Buffering
# is nginx's.
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}

_EVENTS = "text/event-stream"

# llama-server's comment (tools/server/server-context.cpp): a line that clients leave out.
_COMMENT = b":\n\n"


class PassedOn(StreamingResponse):
    """The pieces of an answer. The request ends with the response, however that ends."""

    def __init__(self, answer: AsyncAnswer) -> None:
        self._answer = answer
        super().__init__(
            answer.pieces(), answer.head.status, _HEADERS, media_type=answer.head.content_type
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Ends the request soon."""
        self._answer.cancel()

    def change_pieces(self, change: Callable[[bytes], bytes]) -> None:
        """Sends what `change` makes of each piece."""
        pieces = cast("AsyncIterator[bytes]", self.body_iterator)

        async def changed() -> AsyncIterator[bytes]:
            async for piece in pieces:
                yield change(piece)

        self.body_iterator = changed()


class Comments(NamedTuple):
    """The comments of a stream that waits for a slot, or for a model that loads.

    Attributes:
        seconds: between two of them.
        is_anthropic: whether an error is an event of Anthropic's.
    """

    seconds: float
    is_anthropic: bool = False


def comments_of(
    settings: ServerSettings, stream: Any, interval: Any = None, is_anthropic: bool = False
) -> Optional[Comments]:
    """Returns the comments that a request gets, None if it gets none.

    Args:
        settings: of the server.
        stream: the request's member of that name.
        interval: its `sse_ping_interval`, llama-server's: seconds, or -1 for no comments.
        is_anthropic: whether its route is Anthropic's.
    """
    if stream is not True:
        return None
    seconds: float = -1 if settings.disable_ping_events else PING_SECONDS
    if type(interval) is int:
        seconds = interval
    return Comments(seconds, is_anthropic) if seconds > 0 else None


class LateStream(StreamingResponse):
    """A stream that sends comments until its answer begins.

    Its status is sent by then, so an error is an event, as llama-server's in the middle of a
    stream.
    """

    def __init__(self, work: asyncio.Future[Response], comments: Comments) -> None:
        self._work = work
        super().__init__(self._pieces(comments), headers=_HEADERS, media_type=_EVENTS)

    async def _pieces(self, comments: Comments) -> AsyncIterator[Any]:
        while not self._work.done():
            yield _COMMENT
            await asyncio.wait({self._work}, timeout=comments.seconds)
        try:
            answer = self._work.result()
        except ServerError as error:
            yield _event(error, comments.is_anthropic)
        except Exception as error:
            yield _event(unexpected(error), comments.is_anthropic)
        else:
            assert isinstance(answer, PassedOn)  # the request asked for a stream
            async for piece in answer.body_iterator:
                yield piece

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._work.cancel()
            (end,) = await asyncio.gather(self._work, return_exceptions=True)
            if isinstance(end, PassedOn):
                end.cancel()


def _event(error: ServerError, is_anthropic: bool) -> bytes:
    """Returns an error as an event. Source of Anthropic's: its page on streaming messages."""
    if is_anthropic:
        data = json.dumps({"type": "error", "error": error.error})
        return f"event: error\ndata: {data}\n\n".encode()
    return f"data: {json.dumps({'error': error.error})}\n\n".encode()
