"""python -m llama_cpp.server as a process: how it starts, ends, and explains mistakes."""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, Optional

import pytest
from processes import SMALL, Process, ask, healthy
from serving import until


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Returns a function that starts the server with options."""
    processes: list[Process] = []

    def begin(*options: str, command: str = "llama_cpp.server", **env: Optional[str]) -> Process:
        process = Process([*command.split(), *options], tmp_path, env)
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()


@pytest.mark.parametrize("command", ["llama_cpp.server", "llama_cpp serve"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_ends(
    start: Any, model_path: str, command: str, number: signal.Signals
) -> None:
    process = start("--model", model_path, "--port", "0", *SMALL, command=command)
    port = process.port()
    until(lambda: healthy(port))
    body = {"prompt": "And", "max_tokens": 2, "ignore_eos": True}
    answer = json.load(ask(port, "POST", "/v1/completions", body))
    assert answer["usage"]["completion_tokens"] == 2
    process.send(number)
    assert process.end() in (0, -number, 128 + number)
    assert "Traceback" not in process.log


def test_it_drains(start: Any, model_path: str) -> None:
    """A stream that runs when SIGTERM comes is told to its end."""
    process = start("--model", model_path, "--port", "0", *SMALL)
    port = process.port()
    until(lambda: healthy(port))
    body = {"prompt": "And", "max_tokens": 300, "ignore_eos": True, "stream": True}
    response = ask(port, "POST", "/v1/completions", body)
    begun = response.read(20)
    process.send(signal.SIGTERM)
    assert (begun + response.read()).endswith(b"data: [DONE]\n\n")
    process.end()
    assert "Traceback" not in process.log


def test_it_does_not_wait_longer_than_it_is_told(start: Any, model_path: str) -> None:
    endless = ("--llama_options=--context-shift", "--timeout_graceful_shutdown", "1")
    process = start("--model", model_path, "--port", "0", *SMALL, *endless)
    port = process.port()
    until(lambda: healthy(port))
    body = {"prompt": "And", "max_tokens": -1, "ignore_eos": True, "stream": True}
    response = ask(port, "POST", "/v1/completions", body)
    assert response.read(20)
    process.send(signal.SIGTERM)
    process.end()


def test_it_serves_again_after_sigkill(start: Any, model_path: str) -> None:
    for _ in range(2):
        process = start("--model", model_path, "--port", "0", *SMALL)
        port = process.port()
        assert ask(port, "GET", "/v1/models").status == 200
        process.kill()


def test_https(start: Any, model_path: str, tmp_path: Path) -> None:
    pem = Path(os.environ["CERTIFICATE"]).resolve()
    options = ("--ssl_certfile", str(pem), "--ssl_keyfile", str(pem))
    process = start("--model", model_path, "--port", "0", *SMALL, *options)
    context = ssl.create_default_context(cafile=str(pem))
    context.check_hostname = False
    connection = http.client.HTTPSConnection("localhost", process.port(), context=context)
    connection.request("GET", "/v1/models")
    assert connection.getresponse().status == 200


def test_it_listens_at_loopback_only(start: Any, model_path: str) -> None:
    process = start("--model", model_path, "--port", "0", *SMALL, HOST=None)
    process.port()
    assert "http://localhost:" in process.log and "warning" not in process.log


def test_everybody_may_use_it(start: Any, model_path: str) -> None:
    options = ("--model", model_path, "--port", "0", "--host", "0.0.0.0", *SMALL)
    process = start(*options)
    process.port()
    assert "warning: everybody who reaches 0.0.0.0 may use the server" in process.log
    locked = start(*options, API_KEY="k")
    locked.port()
    assert "warning" not in locked.log


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "There is no model\nSet --model"),
        (("--model", "m", "--n_ctx", "-1"), "n_ctx: "),
        (("--model", "m", "--n_ctx", "many"), "n_ctx: "),
        (("--model", "m", "--chat_format", "saiga"), "chat_format 'saiga' is not a format"),
        (("--config_file", "missing.json"), "missing.json cannot be read"),
        (("--model", "missing.gguf"), "Model path does not exist: missing.gguf"),
    ],
)
def test_mistakes(start: Any, options: tuple[str, ...], message: str) -> None:
    process = start(*options, "--port", "0", MODEL=None)
    assert process.end() == 1
    assert message in process.log and "Traceback" not in process.log


def test_an_unknown_option(start: Any) -> None:
    process = start("--model", "m", "--n_ctxx", "1")
    assert process.end() == 2 and "--n_ctxx" in process.log


def test_no_model_file(start: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"no model")
    process = start("--model", "bad.gguf", "--port", "0")
    assert process.end() == 1
    assert "The model bad.gguf cannot be loaded: " in process.log
    assert "Traceback" not in process.log


def test_help(start: Any) -> None:
    process = start("--help")
    assert process.end() == 0
