"""Requests that are too large, or too many, are refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from serving import Served, read, serve, until

NAME = "kjv-q8_0.gguf"
CHAT, COMPLETION = "/v1/chat/completions", "/v1/completions"


@pytest.fixture(scope="module")
def limited(model_path: str) -> Iterator[Served]:
    """Returns a server with small limits."""
    limits = {"max_body_mib": 1, "max_prompt_chars": 1000, "max_queue": 1, "max_media": 2}
    with serve(model_path, server=limits, n_parallel=1) as found:
        yield found


def test_a_long_body(limited: Served) -> None:
    answer = limited.post(COMPLETION, {"prompt": "x" * (1 << 20)})
    assert answer.status == 413 and "1048576 bytes" in answer.error()["message"]


def test_a_long_body_in_chunks(limited: Served) -> None:
    connection = limited.connection()
    chunks = (b"x" * 65536 for _ in range(40))
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    connection.request("POST", COMPLETION, chunks, headers, encode_chunked=True)
    assert read(connection).status == 413
    connection.close()


@pytest.mark.parametrize(("length", "status"), [(60_000, 200), (70_000, 431), (120_000, 431)])
def test_long_headers(served: Served, length: int, status: int) -> None:
    assert served.get("/health", **{"X-Long": "x" * length}).status == status
    many = {f"X-{index}": "x" * (length // 100) for index in range(100)}
    assert served.get("/health", **many).status == status


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": "x" * 1001},
        {"prompt": [1] * 1001},
        {"prompt": "x", "grammar": "x" * 1001},
        {"prompt": "x", "y" * 1001: 1},
        {"prompt": ["x" * 100] * 11},
    ],
)
def test_a_long_prompt(limited: Served, body: object) -> None:
    answer = limited.post(COMPLETION, body)
    assert answer.status == 400
    assert answer.error()["code"] == "string_above_max_length"


def test_many_images(limited: Served) -> None:
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    messages = [{"role": "user", "content": [part] * 3}]
    answer = limited.post(CHAT, {"messages": messages})
    assert answer.status == 400 and "more than 2 images" in answer.error()["message"]


def test_a_prompt_that_exceeds_the_context(served: Served) -> None:
    answer = served.post(COMPLETION, {"prompt": "word " * 2000})
    error = answer.error()
    assert answer.status == 400
    assert error["code"] == "context_length_exceeded"
    assert error["n_prompt_tokens"] > error["n_ctx"] == 512


def test_a_full_queue(limited: Served) -> None:
    """One request has the slot, one waits, and the third is told to come again."""
    body = {"prompt": "And", "max_tokens": 400, "stream": True, "ignore_eos": True}
    first = limited.begin(COMPLETION, body)
    first.getresponse()
    second = limited.begin(COMPLETION, body)
    until(lambda: limited.proxy._waiting[NAME] == 2 or limited.busy_slots() == 0)
    assert limited.busy_slots() == 1
    third = limited.post(COMPLETION, {"prompt": "x", "max_tokens": 1})
    assert third.status == 503
    assert third.headers["retry-after"] == "1"
    assert "queue is full" in third.error()["message"]
    assert limited.post("/tokenize", {"content": "x"}).status == 200
    for connection in (first, second):
        connection.close()
    until(lambda: limited.proxy._waiting[NAME] == 0)
    assert limited.post(COMPLETION, {"prompt": "x", "max_tokens": 1}).status == 200
