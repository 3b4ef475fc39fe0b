"""An engine without a model: it answers as it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Optional

from llama_cpp._serving.answers import Head, Item, _End


class FakeRunning:
    """A request that runs until it is cancelled, or has nothing more to say."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()

    def cancel(self) -> None:
        self.cancelled.set()


class FakeEngine:
    """Takes the place of Engine in a LlamaProxy.

    Attributes:
        arguments: those of Engine().
        requests: (route, body) of all requests.
        closed: whether it is.
        answers: route -> status, content type and pieces; others answer {}.
        holds: an event that every request waits for before it ends.
    """

    made: list[FakeEngine] = []

    def __init__(self, **arguments: Any) -> None:
        self.arguments = arguments
        self.requests: list[tuple[str, bytes]] = []
        self.closed = False
        self.answers: dict[str, tuple[int, str, list[bytes]]] = {}
        self.holds = threading.Event()
        self.holds.set()
        FakeEngine.made.append(self)

    def starter(
        self,
        route: str,
        body: bytes,
        parameters: Optional[dict[str, str]] = None,
        files: Optional[dict[str, Any]] = None,
    ) -> Callable[[Callable[[Item], None]], FakeRunning]:
        assert not self.closed
        self.requests.append((route, body))
        status, kind, pieces = self.answers.get(route, (200, "application/json", [b"{}"]))

        def start(put: Callable[[Item], None]) -> FakeRunning:
            running = FakeRunning()

            def run() -> None:
                put(Head(status, kind, kind == "text/event-stream"))
                for piece in pieces:
                    put(piece)
                while not self.holds.wait(0.01) and not running.cancelled.is_set():
                    pass
                put(_End(None))

            threading.Thread(target=run).start()
            return running

        return start

    def close(self) -> None:
        self.closed = True
