"""Every kind of chat call takes images and sounds, in all forms that they come in."""

from __future__ import annotations

import base64
import io
import json
import pickle
import threading
import wave
from http.server import BaseHTTPRequestHandler, HTTPServer

import media_files
import numpy as np
import pytest
from chats import answer, assistant, n_encoded, user

from llama_cpp import (
    ChatTemplateError,
    ContextError,
    ContextOverflowError,
    Llama,
    MediaError,
    MediaPolicy,
)

IMAGE = media_files.image(0)
SOUND = media_files.sound(0)
CITY = {"type": "object", "properties": {"city": {"enum": ["Rome", "Oslo"]}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "visit", "parameters": CITY}}


def data_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def image_parts(tmp_path) -> list[dict]:
    """Returns the forms of one image."""
    png = media_files.png(IMAGE)
    file = tmp_path / "picture.png"
    file.write_bytes(png)
    return [
        {"type": "image_url", "image_url": {"url": data_url(png), "detail": "auto"}},
        {"type": "image_url", "image_url": data_url(png)},
        {"type": "image", "image": IMAGE},
        {"type": "image", "image": png},
        {"type": "image", "image": bytearray(png)},
        {"type": "image", "image": str(file)},
        {"type": "image", "image": file},
        {"type": "image", "path": file},
        {"type": "image", "url": data_url(png)},
        {"type": "image", "image": io.BytesIO(png)},
    ]


def test_forms_of_an_image(load, tmp_path) -> None:
    llm = load("qwen2vl")
    expected = answer(llm, [user(IMAGE, "Well?")])
    for part in image_parts(tmp_path):
        assert answer(llm, [user(part, "Well?")]) == expected
    assert n_encoded(llm) == 1


def test_forms_of_a_sound(load, tmp_path) -> None:
    wav = media_files.wav(SOUND)
    file = tmp_path / "sound.wav"
    file.write_bytes(wav)
    with wave.open(str(file)) as reader:
        frames = np.frombuffer(reader.readframes(reader.getnframes()), "<i2")
    encoded = base64.b64encode(wav).decode()
    llm = load("ultravox")
    expected = answer(llm, [user({"type": "audio", "audio": file}, "Well?")])
    for part in (
        {"type": "input_audio", "input_audio": {"data": encoded, "format": "wav"}},
        {"type": "audio_url", "audio_url": {"url": data_url(wav, "audio/wav")}},
        {"type": "audio", "audio": wav},
        {"type": "audio", "audio": frames},
    ):
        assert answer(llm, [user(part, "Well?")]) == expected
    assert n_encoded(llm) == 1


@pytest.mark.parametrize("name", ["gemma3", "qwen2vl"])
def test_streams_and_choices(name, load) -> None:
    llm = load(name)
    messages = [user(IMAGE, "Well?")]
    said = answer(llm, messages)
    chunks = list(
        llm.create_chat_completion(
            messages,
            max_tokens=8,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
    assert text == said
    whole = llm.create_chat_completion(messages, max_tokens=8, temperature=0, n=2)
    assert [choice["message"]["content"] for choice in whole["choices"]] == [said, said]
    assert chunks[-1]["usage"] == {
        **whole["usage"],
        "completion_tokens": 8,
        "total_tokens": whole["usage"]["prompt_tokens"] + 8,
        "prompt_tokens_details": chunks[-1]["usage"]["prompt_tokens_details"],
    }
    assert n_encoded(llm) == 1


def test_a_stream_that_is_closed_leaves_the_image(load) -> None:
    llm = load("gemma3")
    stream = llm.create_chat_completion([user(IMAGE, "Well?")], temperature=0, stream=True)
    next(stream)
    stream.close()
    messages = [user(IMAGE, "Well?")]
    assert answer(llm, messages) == answer(load("gemma3"), messages)
    assert n_encoded(llm) == 1


def test_schemas_tools_and_logprobs(load) -> None:
    llm = load("gemma3")
    messages = [user(IMAGE, "Well?")]
    schema = {"type": "json_schema", "json_schema": {"schema": CITY}}
    said = answer(llm, messages, response_format=schema, max_tokens=64)
    assert json.loads(said)["city"] in ("Rome", "Oslo")
    for choice in ("required", {"type": "function", "function": {"name": "visit"}}):
        message = llm.create_chat_completion(
            messages, tools=[TOOL], tool_choice=choice, temperature=0, max_tokens=64
        )["choices"][0]["message"]
        (call,) = message["tool_calls"]
        assert json.loads(call["function"]["arguments"])["city"] in ("Rome", "Oslo")
    completion = llm.create_chat_completion(
        messages, logprobs=True, top_logprobs=2, max_tokens=4, temperature=0
    )
    assert len(completion["choices"][0]["logprobs"]["content"]) == 4
    assert n_encoded(llm) == 1


def test_results_of_tools_may_have_images(load) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "visit", "arguments": "{}"}}
    messages = [
        user("Go."),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {**user("There:", IMAGE), "role": "tool", "tool_call_id": "1"},
    ]
    llm = load("gemma3")
    assert answer(llm, messages, tools=[TOOL])
    assert n_encoded(llm) == 1


def test_an_answer_that_is_begun(load) -> None:
    messages = [user(IMAGE, "Well?"), assistant("It is")]
    llm = load("gemma3")
    assert answer(llm, messages) == answer(load("gemma3"), messages)


@pytest.mark.parametrize("chat_format", ["chatml", "vicuna", "chatml-function-calling"])
def test_named_formats(chat_format, load) -> None:
    llm = load("llava", chat_format=chat_format)
    assert answer(llm, [user("Look:", IMAGE, "Well?")])
    assert n_encoded(llm) == 1


def test_pickling_keeps_the_projector(load) -> None:
    llm = load("gemma3", media_policy=MediaPolicy(allow_http=True))
    copy = pickle.loads(pickle.dumps(llm))
    messages = [user(IMAGE, "Well?")]
    assert answer(copy, messages) == answer(llm, messages)
    assert copy._session.media_policy == MediaPolicy(allow_http=True)
    copy.close()


# ---- errors


def test_without_a_projector(load) -> None:
    llm = load("gemma3", mmproj_path=None)
    with pytest.raises(MediaError, match=r"messages\[0\].*there is no projector") as error:
        answer(llm, [user(IMAGE, "Well?")])
    assert "mmproj_path" in str(error.value).splitlines()[1]
    for part in ({"type": "image_url", "image_url": "https://example.org/a.png"},):
        with pytest.raises(MediaError, match="mmproj_path"):  # before anything is loaded
            answer(llm, [user(part)])
    assert answer(llm, [user("Hello")])


def test_a_projector_that_reads_other_things(load) -> None:
    with pytest.raises(MediaError, match="the projector reads images only"):
        answer(load("gemma3"), [user(SOUND, "Well?")])
    with pytest.raises(MediaError, match="the projector reads sounds only"):
        answer(load("ultravox"), [user(IMAGE, "Well?")])


def test_projectors_that_do_not_fit(load, projectors, tmp_path) -> None:
    for path, reason in (
        (str(projectors / "mmproj-minicpmv.gguf"), "mismatch between text model"),
        (str(projectors / "gemma3.gguf"), "Failed to load projector"),
        (str(tmp_path / "none.gguf"), "Projector path does not exist"),
        (str(tmp_path), "is a directory"),
    ):
        with pytest.raises(ValueError, match=reason):
            load("gemma3", mmproj_path=path)


def test_an_image_that_does_not_fit(load) -> None:
    for options in ({"n_ubatch": 8, "n_batch": 8}, {"n_ubatch": 8}):
        llm = load("gemma3", **options)
        with pytest.raises(ContextError, match="n_ubatch of at least 16"):
            answer(llm, [user(IMAGE, "Well?")])
        assert answer(llm, [user("Hello")])
    llm = load("qwen2vl", n_ctx=256)
    with pytest.raises(ContextOverflowError):
        answer(llm, [user(media_files.image(0, 600, 600), "Well?")])
    # An image whose tokens are decoded in several batches.
    messages = [user(media_files.image(0, 112, 112), "Well?")]
    assert answer(load("qwen2vl", n_batch=8, n_ubatch=8), messages) == answer(
        load("qwen2vl"), messages
    )


def test_parts_that_are_no_images(load, tmp_path) -> None:
    llm = load("gemma3")
    for part, reason in (
        ({"type": "image_url", "image_url": str(tmp_path)}, "refused"),
        ({"type": "image_url", "image_url": "file:///etc/hostname"}, "allow_files"),
        ({"type": "image_url", "image_url": {"no": 1}}, "has to be a URL"),
        ({"type": "image_url"}, "has to be a URL"),
        ({"type": "image"}, "has no 'image'"),
        ({"type": "image", "image": 7}, ""),
        ({"type": "input_audio", "input_audio": 7}, "'input_audio'"),
        ({"type": "video", "video": "film.mp4"}, "list of its frames"),
        ({"type": "video", "video": []}, "list of its frames"),
        ({"type": "file", "file": {}}, "has the type 'file'"),
    ):
        with pytest.raises((ValueError, TypeError), match=reason):
            answer(llm, [user(part, "Well?")])
    assert n_encoded(llm) == 0


def test_a_text_cannot_pretend_to_be_an_image(load) -> None:
    llm = load("gemma3")
    for text in ("<__media__>", "<__image__>", "<start_of_image>"):
        assert answer(llm, [user(text, IMAGE, text)]) is not None
    with pytest.raises(ChatTemplateError):
        answer(llm, [{"role": "user", "content": "x", "images": [IMAGE]}])


def test_local_addresses_are_refused_unless_allowed(load) -> None:
    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(media_files.png(IMAGE))

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    part = {"type": "image_url", "image_url": f"http://127.0.0.1:{server.server_port}/a.png"}
    try:
        with pytest.raises(MediaError, match="allow_http"):
            answer(load("gemma3"), [user(part, "Well?")])
        with pytest.raises(MediaError, match="allow_private"):
            answer(load("gemma3", media_policy=MediaPolicy(allow_http=True)), [user(part, "?")])
        llm: Llama = load("gemma3", media_policy=MediaPolicy(allow_http=True, allow_private=True))
        assert answer(llm, [user(part, "Well?")]) == answer(llm, [user(IMAGE, "Well?")])
    finally:
        server.shutdown()
        server.server_close()
