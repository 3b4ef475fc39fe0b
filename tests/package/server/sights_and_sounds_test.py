"""Models that see and hear, by every client's form of images and sounds."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import media_files
import pytest
from serving import Served, serve

PNG = base64.b64encode(media_files.png(media_files.image(0))).decode()
WAV = media_files.wav(media_files.sound(0))
SOUND = base64.b64encode(WAV).decode()


@pytest.fixture(scope="module")
def seeing(projectors: Path) -> Iterator[Served]:
    """Returns a server with a model that sees."""
    projector = str(projectors / "mmproj-gemma3.gguf")
    model = str(projectors / "gemma3.gguf")
    with serve(model, clip_model_path=projector, n_ctx=1024, n_parallel=2) as found:
        yield found


@pytest.fixture(scope="module")
def hearing(projectors: Path) -> Iterator[Served]:
    """Returns a server with a model that hears."""
    projector = str(projectors / "mmproj-ultravox.gguf")
    model = str(projectors / "ultravox.gguf")
    with serve(model, clip_model_path=projector, n_ctx=1024, n_parallel=2) as found:
        yield found


def prompt_tokens(served: Served, content: Any) -> int:
    body = {"messages": [{"role": "user", "content": content}], "max_tokens": 1}
    answer = served.post("/v1/chat/completions", body)
    assert answer.status == 200, answer.body
    tokens: int = answer.json()["usage"]["prompt_tokens"]
    return tokens


def test_images_of_chats(seeing: Served) -> None:
    url = f"data:image/png;base64,{PNG}"
    text = {"type": "text", "text": "Well?"}
    for image in ({"url": url}, url):
        with_image = prompt_tokens(seeing, [{"type": "image_url", "image_url": image}, text])
        assert with_image > prompt_tokens(seeing, [text]) + 3


def test_images_of_anthropic(seeing: Served) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    messages = [{"role": "user", "content": [{"type": "image", "source": source}]}]
    answer = seeing.post("/v1/messages", {"messages": messages, "max_tokens": 1})
    assert answer.status == 200, answer.body


def test_images_of_responses(seeing: Served) -> None:
    part = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}
    body = {"input": [{"role": "user", "content": [part]}], "max_output_tokens": 1}
    answer = seeing.post("/v1/responses", body)
    assert answer.status == 200, answer.body


def test_many_pixels(seeing: Served, projectors: Path) -> None:
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    projector = str(projectors / "mmproj-gemma3.gguf")
    model = str(projectors / "gemma3.gguf")
    with serve(model, server={"media_max_pixels": 9}, clip_model_path=projector) as served:
        body = {"messages": [{"role": "user", "content": [part]}]}
        answer = served.post("/v1/chat/completions", body)
        assert answer.status == 400 and "pixels" in answer.error()["message"]


def test_sounds_of_chats(hearing: Served) -> None:
    text = {"type": "text", "text": "Well?"}
    sound = {"type": "input_audio", "input_audio": {"data": SOUND, "format": "wav"}}
    assert prompt_tokens(hearing, [sound, text]) > prompt_tokens(hearing, [text]) + 3


def form(fields: dict[str, str], file: bytes) -> bytes:
    """Returns a form (RFC 7578)."""
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    return b"".join([*parts, head, file, b"\r\n--x--\r\n"])


@pytest.mark.parametrize("path", ["/v1/audio/transcriptions", "/audio/transcriptions"])
def test_transcription(hearing: Served, path: str) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    body = form({"model": "ultravox.gguf", "max_tokens": "4"}, WAV)
    answer = hearing.call("POST", path, body, headers)
    assert answer.status == 200, answer.body
    assert isinstance(answer.json()["text"], str)


def test_a_form_for_another_model(hearing: Served) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = hearing.call(
        "POST", "/v1/audio/transcriptions", form({"model": "whisper-1"}, WAV), headers
    )
    assert answer.status == 404 and answer.error()["code"] == "model_not_found"
