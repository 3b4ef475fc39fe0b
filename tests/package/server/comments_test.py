"""A stream that waits for a model or a slot sends comments, so that nobody takes it for dead."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
from fake_engine import FakeEngine
from serving import Served, running, serve, until

from llama_cpp.server import streams
from llama_cpp.server.app import application
from llama_cpp.server.model import LlamaProxy
from llama_cpp.server.settings import ModelSettings, ServerSettings
from llama_cpp.server.streams import Comments, comments_of

COMMENT = b":\n\n"
PIECES = [b'data: {"a": 1}\n\n', b"data: [DONE]\n\n"]
STREAM = {"prompt": "And", "max_tokens": 1, "stream": True}


class Gate:
    """Takes the place of Engine(): it loads when it is told."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.error: Optional[Exception] = None

    def __call__(self, **arguments: Any) -> FakeEngine:
        self.opened.wait()
        if self.error is not None:
            raise self.error
        engine = FakeEngine(**arguments)
        engine.answers["POST /v1/completions"] = (200, "text/event-stream", PIECES)
        return engine


@pytest.fixture
def gate() -> Gate:
    """Returns what loads the model of `loading`."""
    return Gate()


@pytest.fixture
def loading(gate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Returns a server whose model loads until the gate is opened."""
    monkeypatch.setattr(streams, "PING_SECONDS", 0.05)
    path = tmp_path / "a.gguf"
    path.write_bytes(b"x")
    proxy = LlamaProxy([ModelSettings(model=str(path))], make_engine=gate)
    with running(application(ServerSettings(), proxy)) as served:
        yield served
        gate.opened.set()


def begun(served: Served, path: str, body: Any) -> http.client.HTTPResponse:
    """Returns the answer to a request, of which two comments have been read."""
    response = served.begin(path, body).getresponse()
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert response.headers["X-Accel-Buffering"] == "no"
    assert response.read(2 * len(COMMENT)) == 2 * COMMENT
    return response


def test_comments_while_the_model_loads(loading: Served, gate: Gate) -> None:
    response = begun(loading, "/v1/completions", STREAM)
    gate.opened.set()
    assert response.read().replace(COMMENT, b"") == b"".join(PIECES)


@pytest.mark.parametrize(
    ("path", "body", "start"),
    [
        ("/v1/completions", STREAM, b"data: "),
        (
            "/v1/messages",
            {"messages": [{"role": "user", "content": "Hi"}], "stream": True},
            b"event: error\ndata: ",
        ),
    ],
)
def test_a_late_error_is_an_event(
    loading: Served, gate: Gate, path: str, body: Any, start: bytes
) -> None:
    gate.error = ValueError("it is broken")
    response = begun(loading, path, body)
    gate.opened.set()
    event = response.read().replace(COMMENT, b"")
    assert event.startswith(start) and event.endswith(b"\n\n")
    assert json.loads(event[len(start) :])["error"]["code"] == "model_load_failed"


def test_a_client_that_goes_away_leaves_the_queue(loading: Served) -> None:
    connection = loading.begin("/v1/completions", STREAM)
    response = connection.getresponse()
    assert response.read(len(COMMENT)) == COMMENT
    assert loading.proxy._waiting["a.gguf"] == 1
    response.close()
    connection.close()
    until(lambda: loading.proxy._waiting["a.gguf"] == 0)


def test_an_answer_that_is_no_stream_has_none(loading: Served, gate: Gate) -> None:
    connection = loading.begin("/tokenize", {"content": "x", "stream": True})
    threading.Timer(0.2, gate.opened.set).start()
    assert connection.getresponse().read() == b"{}"
    connection.close()


@pytest.mark.parametrize(
    ("stream", "interval", "off", "expected"),
    [
        (True, None, False, Comments(15)),
        (True, None, True, None),
        (True, 3, True, Comments(3)),
        (True, -1, False, None),
        (True, True, False, Comments(15)),
        (True, "x", False, Comments(15)),
        (False, 3, False, None),
        (None, None, False, None),
    ],
)
def test_who_gets_comments(stream: Any, interval: Any, off: bool, expected: Any) -> None:
    settings = ServerSettings(disable_ping_events=off)
    assert comments_of(settings, stream, interval) == expected


def test_comments_while_all_slots_are_busy(model_path: str) -> None:
    endless = {"prompt": "And", "ignore_eos": True, "n_predict": 100_000, "stream": True}
    with serve(model_path, n_parallel=1, llama_options=["--context-shift"]) as served:
        first = served.begin("/v1/completions", {**endless, "max_tokens": -1})
        until(lambda: served.busy_slots() == 1)
        waiting = served.begin("/v1/completions", {**STREAM, "sse_ping_interval": 1})
        response = waiting.getresponse()
        assert response.read(len(COMMENT)) == COMMENT
        first.close()
        assert b"data: [DONE]" in response.read()
        waiting.close()
