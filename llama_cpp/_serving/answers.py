"""The way of a request through an engine: a thread of its own runs it, and hands on its pieces.

So the caller can be stopped at any moment (Ctrl-C, a cancelled task, a closed stream), and the slot
of the request is free soon afterwards.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from typing import Any, AsyncIterator, Callable, Iterator, NamedTuple, Optional, Union

from .native import Call


class Head(NamedTuple):
    """The beginning of an answer.

    Attributes:
        status: HTTP's; 0 for a cancelled request.
        content_type: of the body.
        is_stream: whether the body comes in pieces.
    """

    status: int
    content_type: str
    is_stream: bool


class _End(NamedTuple):
    error: Optional[BaseException]


Item = Union[Head, bytes, _End]


class Running:
    """A call in a thread of its own. `put` gets a Head, the pieces of the body, and an end."""

    def __init__(
        self,
        call: Call,
        body: bytes,
        put: Callable[[Item], None],
        at_end: Callable[[Running], None],
    ) -> None:
        self._call: Optional[Call] = call
        self._body = body
        self._put = put
        self._at_end = at_end
        self._lock = threading.Lock()  # of _call: nobody cancels a call that is freed
        self._thread = threading.Thread(target=self._run, name="llama-engine-call", daemon=True)

    def begin(self) -> None:
        """Runs the call."""
        self._thread.start()

    def _run(self) -> None:
        call = self._call
        assert call is not None
        error: Optional[BaseException] = None
        try:
            status = call.run(self._body)
            self._put(Head(status, call.content_type, call.is_stream))
            while status:
                piece = call.next()
                if piece is None:
                    break
                if piece:
                    self._put(piece)
        except BaseException as caught:
            error = caught
        with self._lock:
            self._call = None
        call.free()
        self._at_end(self)
        self._put(_End(error))

    def cancel(self) -> None:
        """Ends the call soon. After its end nothing happens."""
        with self._lock:
            if self._call is not None:
                self._call.cancel()

    def forget(self) -> None:
        """Hands on nothing more."""
        self._put = lambda item: None

    def join(self) -> None:
        """Waits for the end of the call."""
        self._thread.join()


Start = Callable[[Callable[[Item], None]], Running]


class Answer:
    """The answer to a request, for the thread that waits for it.

    Attributes:
        head: status and content type.
    """

    def __init__(self, start: Start) -> None:
        self._items: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._running = start(self._items.put)
        try:
            first = self._items.get()
        except BaseException:
            self._running.cancel()
            raise
        self.head = _head(first)

    def pieces(self) -> Iterator[bytes]:
        """Yields the body as it comes. Closing the iterator ends the request."""
        try:
            while (piece := _piece(self._items.get())) is not None:
                yield piece
        finally:
            self._running.cancel()

    def body(self) -> bytes:
        """Returns the whole body."""
        return b"".join(self.pieces())


class AsyncAnswer:
    """The answer to a request, for a task of asyncio; made by start().

    Attributes:
        head: status and content type.
    """

    def __init__(self, running: Running, items: asyncio.Queue[Item], head: Head) -> None:
        self._running = running
        self._items = items
        self.head = head

    @classmethod
    async def start(cls, start: Start) -> AsyncAnswer:
        """Begins a request, and waits for the head of its answer."""
        loop = asyncio.get_running_loop()
        items: asyncio.Queue[Item] = asyncio.Queue()

        def put(item: Item) -> None:
            try:
                loop.call_soon_threadsafe(items.put_nowait, item)
            except RuntimeError:  # the loop is closed: nobody waits any more
                pass

        running = start(put)
        try:
            first = await items.get()
        except BaseException:
            running.cancel()
            raise
        return cls(running, items, _head(first))

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yields the body as it comes. Closing the iterator ends the request."""
        try:
            while (piece := _piece(await self._items.get())) is not None:
                yield piece
        finally:
            self._running.cancel()

    def cancel(self) -> None:
        """Ends the request soon, also where nobody has begun to read the pieces."""
        self._running.cancel()

    async def body(self) -> bytes:
        """Returns the whole body."""
        return b"".join([piece async for piece in self.pieces()])


def _head(item: Item) -> Head:
    if isinstance(item, _End):
        _raise(item)
    assert isinstance(item, Head)
    return item


def _piece(item: Item) -> Optional[bytes]:
    """Returns a piece of the body, None at its end. Raises the error that it ended with."""
    if isinstance(item, _End):
        _raise(item)
        return None
    assert isinstance(item, bytes)
    return item


def _raise(end: _End) -> Any:
    if end.error is not None:
        raise end.error
