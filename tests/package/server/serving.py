"""Servers in a thread of the test, and requests to them."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Optional

import uvicorn
from fastapi import FastAPI

from llama_cpp.server.app import create_app
from llama_cpp.server.model import LlamaProxy
from llama_cpp.server.settings import ModelSettings, ServerSettings

# Small, quick and quiet.
MODEL = {
    "n_ctx": 512,
    "n_threads": 1,
    "n_threads_batch": 1,
    "use_mlock": False,
    "verbose": False,
}


class Answer(NamedTuple):
    """An answer of a server.

    Attributes:
        status: of HTTP.
        headers: by their lower-case names.
        body: the bytes.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def error(self) -> dict[str, Any]:
        """Returns OpenAI's object; every error has its members."""
        error: dict[str, Any] = self.json()["error"]
        assert {"message", "type", "param", "code"} <= error.keys()
        assert isinstance(error["message"], str) and error["message"]
        return error


class Served(NamedTuple):
    """A server that runs.

    Attributes:
        port: where it listens, at 127.0.0.1.
        app: the application.
    """

    port: int
    app: FastAPI

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def proxy(self) -> LlamaProxy:
        proxy: LlamaProxy = self.app.state.llama.proxy
        return proxy

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Optional[dict[str, str]] = None,
    ) -> Answer:
        """Returns the answer to a request. A body that is not bytes is sent as JSON."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        with contextlib.closing(self.connection()) as connection:
            connection.request(method, path, body, headers)
            return read(connection)

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, headers=headers)

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        return self.call("POST", path, body, headers)

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def begin(self, path: str, body: Any) -> http.client.HTTPConnection:
        """Sends a request, and reads nothing of the answer."""
        connection = self.connection()
        connection.request(
            "POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        return connection

    def busy_slots(self, **headers: str) -> int:
        return sum(slot["is_processing"] for slot in self.get("/slots", **headers).json())


def read(connection: http.client.HTTPConnection) -> Answer:
    response = connection.getresponse()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


def events(body: bytes) -> list[Any]:
    """Returns the data of server-sent events as JSON; [DONE] is the text."""
    lines = [line[len(b"data: ") :] for line in body.split(b"\n") if line.startswith(b"data: ")]
    return [line.decode() if line == b"[DONE]" else json.loads(line) for line in lines]


@contextlib.contextmanager
def serve(
    model: str, *, server: Optional[dict[str, Any]] = None, **settings: Any
) -> Iterator[Served]:
    """Runs a server with one model, which is loaded when the block begins."""
    models = [ModelSettings(**{**MODEL, "model": model, **settings})]
    app = create_app(server_settings=ServerSettings(**(server or {})), model_settings=models)
    with running(app) as served:
        until(lambda: served.get("/health").status == 200)
        yield served


@contextlib.contextmanager
def running(app: FastAPI, **config: Any) -> Iterator[Served]:
    """Runs an application."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, http="h11", log_level="warning", **config))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            until(lambda: server.started or not thread.is_alive())
            assert thread.is_alive()
            yield Served(listening.getsockname()[1], app)
        finally:
            server.should_exit = True
            thread.join()


def until(condition: Callable[[], bool]) -> None:
    """Waits for a condition. The test's own limit of time ends one that never comes."""
    while not condition():
        time.sleep(0.02)
