"""A relay before an RPC server, which counts the client's requests and can act on one of them.

A request is a byte, a length of 8 bytes, and as many bytes (ggml/src/ggml-rpc/ggml-rpc.cpp).
"""

from __future__ import annotations

import collections
import contextlib
import enum
import socket
import struct
import threading
import time
from collections.abc import Callable


class Request(enum.IntEnum):
    """The requests that tests look at, of enum rpc_cmd in ggml-rpc.cpp."""

    ALLOC_BUFFER = 0
    FREE_BUFFER = 4
    SET_TENSOR = 6
    GET_TENSOR = 8
    GRAPH_COMPUTE = 10
    GET_ALLOC_SIZE = 13
    HELLO = 14
    DEVICE_COUNT = 15
    GRAPH_RECOMPUTE = 16


class Relay:
    """Forwards connections to a server on loopback while its context lasts.

    Attributes:
        address: "127.0.0.1:port", for clients.
        counts: request -> how many there were.
        sizes: request -> bytes of their contents.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._actions: dict[int, Callable[[], None]] = {}
        self._sockets: list[socket.socket] = []
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.counts: collections.Counter[int] = collections.Counter()
        self.sizes: collections.Counter[int] = collections.Counter()

    def __enter__(self) -> Relay:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.close_connections()

    def before(self, request: Request, action: Callable[[], None]) -> None:
        """Calls the action once, before the next such request is forwarded."""
        self._actions[request] = action

    def wait_for(self, request: Request) -> None:
        """Waits for a first request of this kind."""
        while not self.counts[request]:
            time.sleep(0.01)

    def wait_until_freed(self) -> None:
        """Waits until every buffer is freed. The client does not wait for the server to do it."""
        while self.counts[Request.FREE_BUFFER] != self.counts[Request.ALLOC_BUFFER]:
            time.sleep(0.01)

    def close_connections(self) -> None:
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._server_port))
                except OSError:
                    client.close()
                    continue
                self._sockets += [client, server]
                for each in (client, server):
                    # A request is sent in two parts: the second one would wait 40 ms.
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
                for target, ends in ((self._requests, (client, server)), (_copy, (server, client))):
                    threading.Thread(target=target, args=ends, daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                head = _read(client, 9)
                request, size = struct.unpack("<BQ", head)
                self.counts[request] += 1
                self.sizes[request] += size
                self._actions.pop(request, lambda: None)()
                server.sendall(head)
                while size:
                    part = _read(client, min(size, 1 << 20))
                    size -= len(part)
                    server.sendall(part)
        _end(server)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            data = source.recv(1 << 20)
            if not data:
                break
            target.sendall(data)
    _end(target)


def _read(source: socket.socket, size: int) -> bytes:
    """Returns so many bytes. EOFError if there are fewer."""
    data = b""
    while len(data) < size:
        part = source.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def _end(target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
