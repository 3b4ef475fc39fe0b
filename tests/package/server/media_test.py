"""Images and sounds of requests: from where they come, before a model sees them."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import Served, serve


@pytest.fixture(scope="module")
def inner() -> Iterator[http.server.HTTPServer]:
    """Returns a server of this machine that counts its requests: nobody may be led to it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.server.count += 1  # type: ignore[attr-defined]
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    server.count = 0  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def forms(url: str) -> dict[str, tuple[str, Any]]:
    """Returns for each place where llama.cpp looks for an address: the route and a request."""
    image = {"type": "image_url", "image_url": {"url": url}}
    short = {"type": "image_url", "image_url": url}
    sound = {"type": "input_audio", "input_audio": {"url": url}}
    data = {"type": "input_audio", "input_audio": {"data": url}}
    video = {"type": "video_url", "video_url": {"url": url}}
    item = {"type": "input_image", "image_url": url}
    source = {"type": "image", "source": {"type": "url", "url": url}}
    result = {"type": "tool_result", "tool_use_id": "x", "content": [source]}
    output = {"type": "function_call_output", "call_id": "x", "output": [item]}
    found: dict[str, tuple[str, Any]] = {
        name: ("/v1/chat/completions", {"messages": [{"role": "user", "content": [part]}]})
        for name, part in (
            *(("image", image), ("short", short), ("sound", sound)),
            *(("data", data), ("video", video)),
        )
    }
    for name, part in (("source", source), ("result", result)):
        messages = [{"role": "user", "content": [part]}]
        for path in ("/v1/messages", "/v1/messages/count_tokens"):
            found[f"{name}:{path}"] = (path, {"messages": messages, "max_tokens": 1})
    for path in ("/v1/responses", "/v1/responses/input_tokens"):
        found[f"item:{path}"] = (path, {"input": [{"role": "user", "content": [item]}]})
        found[f"output:{path}"] = (path, {"input": [output]})
    for key in ("input", "content"):
        for path in ("/v1/embeddings", "/embedding"):
            found[f"{key}:{path}"] = (path, {key: [{"content": [image]}]})
    found["template"] = ("/apply-template", {"messages": [{"role": "user", "content": [image]}]})
    found["data:/completion"] = (
        "/completion",
        {"prompt": {"prompt_string": "x", "multimodal_data": [url]}},
    )
    found["documents"] = ("/v1/rerank", {"query": "x", "documents": [{"content": [image]}]})
    return found


ADDRESSES = (
    *("http://127.0.0.1:{port}/", "https://127.0.0.1:{port}/", "http://localhost:{port}/x"),
    *("http://[::1]:{port}/", "http://0.0.0.0:{port}/", "http://2130706433:{port}/"),
    *("https://169.254.169.254/latest/meta-data", "https://10.0.0.1/", "https://[fe80::1]/"),
    *("file:///etc/passwd", "file:etc/passwd", "FILE:///etc/passwd", "ftp://localhost/"),
    *("/etc/passwd", "etc/passwd", "gopher://127.0.0.1:{port}/", "HTTP://127.0.0.1:{port}/"),
    *("data:image/png;base64,AAAA", "data:,x", ""),
)


@pytest.mark.parametrize("form", forms(""))
@pytest.mark.parametrize("address", ADDRESSES)
def test_no_form_leads_there(
    served: Served, inner: http.server.HTTPServer, form: str, address: str
) -> None:
    path, body = forms(address.format(port=inner.server_address[1]))[form]
    answer = served.post(path, body)
    assert answer.status == 400, answer.body
    assert answer.error()["code"] == "invalid_media"
    assert b"root:" not in answer.body
    assert inner.count == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["image", "audio"])
def test_a_path_as_a_python_program_gives_it(served: Served, kind: str, tmp_path: Path) -> None:
    """Engine.chat() takes files of the program that calls it; a request is a stranger's."""
    part = {"type": kind, kind: str(tmp_path / "x.png")}
    body = {"messages": [{"role": "user", "content": [part]}]}
    answer = served.post("/v1/chat/completions", body)
    assert answer.status == 400
    assert answer.error()["message"].startswith(f"A part of the type '{kind}' has a path")


def test_a_public_directory(model_path: str, tmp_path: Path) -> None:
    """With a permission the file is read, and then it is no image."""
    (tmp_path / "x.png").write_bytes(b"no image")
    (tmp_path / "link.png").symlink_to("/etc/passwd")
    with serve(model_path, server={"media_allow_files": str(tmp_path)}) as served:

        def message(path: str) -> str:
            part = {"type": "image_url", "image_url": {"url": f"file://{path}"}}
            body = {"messages": [{"role": "user", "content": [part]}]}
            text: str = served.post("/v1/chat/completions", body).error()["message"]
            return text

        assert "unknown format" in message(f"{tmp_path}/x.png")
        for path in ("/etc/passwd", f"{tmp_path}/../x", f"{tmp_path}/link.png"):
            assert "unknown format" not in message(path), path


def test_private_networks_may_be_allowed(model_path: str, inner: http.server.HTTPServer) -> None:
    server = {"media_allow_private": True, "media_allow_http": True}
    part = {
        "type": "image_url",
        "image_url": {"url": f"http://127.0.0.1:{inner.server_address[1]}/x.png"},
    }
    before = inner.count  # type: ignore[attr-defined]
    with serve(model_path, server=server) as served:
        body = {"messages": [{"role": "user", "content": [part]}]}
        assert served.post("/v1/chat/completions", body).status == 400
    assert inner.count == before + 1  # type: ignore[attr-defined]
