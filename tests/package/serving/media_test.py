"""Images and sounds of requests: read as Llama reads them, by this package's rules and decoders."""

from __future__ import annotations

import base64

import media_files
import pytest

from llama_cpp import Engine, Llama, MediaError
from llama_cpp._serving.request_media import with_files

PNG = media_files.png(media_files.image(0))
WAV = media_files.wav(media_files.sound(0))


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def chat(*parts: dict) -> list[dict]:
    return [{"role": "user", "content": [*parts, {"type": "text", "text": "Well?"}]}]


@pytest.mark.parametrize("name", ["gemma3", "qwen2vl", "pixtral", "ultravox"])
def test_answers_are_those_of_llama(name, projectors) -> None:
    kind, file = ("audio", WAV) if name == "ultravox" else ("image", PNG)
    messages = chat({"type": kind, kind: file})
    paths = str(projectors / f"{name}.gguf"), str(projectors / f"mmproj-{name}.gguf")
    greedy = {"temperature": 0, "max_tokens": 8, "repeat_penalty": 1.0}
    llm = Llama(paths[0], mmproj_path=paths[1], n_ctx=2048, verbose=False, flash_attn=None)
    expected = llm.create_chat_completion(messages, **greedy)["choices"][0]["message"]
    llm.close()
    with Engine(paths[0], mmproj_path=paths[1], n_ctx=2048, n_parallel=2) as engine:
        answers = engine.batch([{"messages": messages, **greedy}] * 4)
        assert {a["choices"][0]["message"]["content"] for a in answers} == {expected["content"]}
        with pytest.raises(MediaError):
            engine.chat(chat({"type": "image_url", "image_url": {"url": "http://127.0.0.1/"}}))


PARTS = {
    "image_url": {
        "type": "image_url",
        "image_url": {"url": f"data:image/png;base64,{encoded(PNG)}"},
    },
    "image_url as a text": {"type": "image_url", "image_url": f"data:;base64,{encoded(PNG)}"},
    "responses": {"type": "input_image", "image_url": f"data:image/png;base64,{encoded(PNG)}"},
    "anthropic": {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": encoded(PNG)},
    },
    "bytes": {"type": "image", "image": PNG},
    "input_audio": {"type": "input_audio", "input_audio": {"data": encoded(WAV), "format": "wav"}},
    "audio_url": {"type": "audio_url", "audio_url": {"url": f"data:;base64,{encoded(WAV)}"}},
    "audio": {"type": "audio", "audio": WAV},
}


@pytest.mark.parametrize("name", PARTS)
def test_forms_of_parts(name) -> None:
    (message,) = with_files({"messages": chat(PARTS[name])}, None)["messages"]
    part = message["content"][0]
    found = repr(part)
    if "audio" in name:
        assert part["type"] == "input_audio" and part["input_audio"]["data"].startswith("UklGR")
    else:
        assert "iVBORw0KGgo" in found  # the beginning of a PNG file in base64
    assert message["content"][1] == {"type": "text", "text": "Well?"}


ADDRESSES = (
    "http://127.0.0.1/a.png",
    "http://[::1]/a.png",
    "https://localhost/a.png",
    "https://127.0.0.1/a.png",
    "https://169.254.169.254/latest/meta-data",
    "file:///etc/hostname",
    "/etc/hostname",
    "ftp://example.org/a.png",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_part_reaches_this_machine(address) -> None:
    for part in (
        {"type": "image_url", "image_url": {"url": address}},
        {"type": "image_url", "image_url": address},
        {"type": "input_image", "image_url": address},
        {"type": "image", "source": {"type": "url", "url": address}},
        {"type": "audio_url", "audio_url": {"url": address}},
        {"type": "input_audio", "input_audio": {"url": address}},
        {"type": "input_audio", "input_audio": {"data": address}},
        {"type": "video_url", "video_url": {"url": address}},
        {"type": "input_video", "input_video": {"data": address}},
    ):
        for request in ({"messages": chat(part)}, {"input": chat(part)}, {"system": [part]}):
            with pytest.raises(MediaError):
                with_files(request, None)
    with pytest.raises(MediaError):
        with_files({"prompt": {"prompt_string": "x", "multimodal_data": [address]}}, None)


def test_other_members_stay_as_they_are() -> None:
    request = {
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "image"}}}],
        "messages": [{"role": "user", "content": "image_url"}],
        "prompt": ["a", [1, 2]],
        "n": 1,
    }
    assert with_files(request, None) == request
