"""Servers on this machine, and a network of names and addresses that lead to them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

Answer = Callable[[socket.socket], None]


class Server:
    """A server at 127.0.0.1.

    Attributes:
        port: Where it listens.
        requests: The heads of the requests that it got.
        n_connections: How many connections it got.
        stopping: Is set at its end, for answers that take for ever.
    """

    def __init__(self, answer: Answer | bytes, context: ssl.SSLContext | None) -> None:
        self.requests: list[bytes] = []
        self.n_connections = 0
        self.stopping = threading.Event()
        self._answer = answer
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.n_connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(65536)
                if not piece:
                    return
                head += piece
            self.requests.append(head)
            if isinstance(self._answer, bytes):
                connection.sendall(self._answer)
            else:
                self._answer(connection)
            # Closing with unread data would reset the connection, and lose the answer.
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass


@contextlib.contextmanager
def serving(answer: Answer | bytes, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Runs a server that answers each request with bytes, or as a function does."""
    server = Server(answer, context)
    try:
        yield server
    finally:
        server.close()


def response(body: bytes = b"", *fields: str, status: str = "200 OK") -> bytes:
    """Returns an HTTP response. `fields` are whole lines; Content-Length is added."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def redirect(location: str, status: str = "302 Found") -> bytes:
    """Returns an HTTP redirect."""
    return response(b"", f"Location: {location}", status=status)


class Network:
    """Names and addresses instead of the real ones; nothing leaves this machine.

    Attributes:
        names: Host -> its answers, each a list of addresses; the last one is repeated.
        servers: (address, port) -> the port of a server on this machine.
        lookups: The hosts that were looked up.
        connections: The (address, port) that were connected to.
    """

    def __init__(self) -> None:
        self.names: dict[str, list[list[str]]] = {}
        self.servers: dict[tuple[str, int], int] = {}
        self.lookups: list[str] = []
        self.connections: list[tuple[str, int]] = []

    def getaddrinfo(self, host: str, port: int, **_: object) -> list[tuple]:
        self.lookups.append(host)
        answers = self.names.get(host)
        if answers is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    def connect(self, connection: socket.socket, address: tuple) -> None:
        self.connections.append(address[:2])
        port = self.servers.get(address[:2])
        if port is None:
            raise ConnectionRefusedError(111, "Connection refused")
        socket.socket.__base__.connect(connection, ("127.0.0.1", port))
