"""llama-cpp-haystack: LlamaCppChatGenerator with texts, tools and images."""

from __future__ import annotations

import asyncio
import base64
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import media_files
import pytest

from llama_cpp import Llama
from llama_cpp.llama_chat_format import Llava15ChatHandler

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"  # haystack reads it when it is imported

from haystack.dataclasses import ChatMessage, ImageContent, StreamingChunk
from haystack.tools import Tool
from haystack_integrations.components.generators.llama_cpp import LlamaCppChatGenerator

_GREEDY = {"temperature": 0.0, "max_tokens": 60}
_LOADING = {"n_threads": 1, "n_threads_batch": 1, "verbose": False}
_SYSTEM = "Be brief."
_QUESTION = "What is the capital of France?"
_WEATHER = "What is the weather in Paris?"
_PROJECTORS = Path(os.environ["LLAMA_TEST_PROJECTORS_DIR"])


@pytest.fixture(scope="module")
def generator(model_path: str) -> Iterator[LlamaCppChatGenerator]:
    made = LlamaCppChatGenerator(
        model=model_path, n_ctx=512, model_kwargs=dict(_LOADING), generation_kwargs=_GREEDY
    )
    yield made
    made.close()


def reply(result: dict[str, list[ChatMessage]]) -> ChatMessage:
    (message,) = result["replies"]
    return message


def test_loading_warns_of_nothing(model_path):
    generator = LlamaCppChatGenerator(model=model_path, model_kwargs=dict(_LOADING))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        generator.warm_up()
    generator.close()


# ---- texts


@pytest.fixture(scope="module")
def expected(llm: Llama) -> dict:
    """Returns the answer of Llama itself."""
    messages = [
        {"role": "system", "content": _SYSTEM},
        {"role": "user", "content": _QUESTION},
    ]
    return llm.create_chat_completion(messages, **_GREEDY)


def test_chat_is_that_of_llama(generator, expected):
    messages = [ChatMessage.from_system(_SYSTEM), ChatMessage.from_user(_QUESTION)]
    answer = reply(generator.run(messages))
    assert answer.text and answer.text == expected["choices"][0]["message"]["content"]
    counts = [answer.meta["usage"], expected["usage"]]
    assert counts[0]["total_tokens"] == counts[1]["total_tokens"]
    assert answer.meta["finish_reason"] == expected["choices"][0]["finish_reason"]


def test_the_stream_is_the_same_text(generator, expected):
    messages = [ChatMessage.from_system(_SYSTEM), ChatMessage.from_user(_QUESTION)]
    chunks: list[StreamingChunk] = []
    answer = reply(generator.run(messages, streaming_callback=chunks.append))
    assert len(chunks) > 2
    assert "".join(chunk.content for chunk in chunks) == answer.text
    assert answer.text == expected["choices"][0]["message"]["content"]


def test_calls_from_a_loop_take_turns(generator, expected):
    messages = [ChatMessage.from_system(_SYSTEM), ChatMessage.from_user(_QUESTION)]

    async def ask_twice() -> list[dict[str, list[ChatMessage]]]:
        return await asyncio.gather(*(generator.run_async(messages) for _ in range(2)))

    texts = {reply(result).text for result in asyncio.run(ask_twice())}
    assert texts == {expected["choices"][0]["message"]["content"]}


# ---- tools


@pytest.fixture
def weather() -> Tool:
    return Tool(
        name="get_weather",
        description="The weather in a city",
        parameters={
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
        function=lambda city: f"sunny in {city}",
    )


@pytest.mark.parametrize("streaming_callback", [None, lambda chunk: None])
def test_a_tool_is_called_and_its_result_used(generator, weather, streaming_callback):
    options = {"tools": [weather], "streaming_callback": streaming_callback}
    question = ChatMessage.from_user(_WEATHER)
    asked = reply(generator.run([question], **options))
    (call,) = asked.tool_calls
    assert (call.tool_name, call.arguments) == ("get_weather", {"city": "Paris"})
    assert asked.meta["finish_reason"] == "tool_calls"
    result = ChatMessage.from_tool("rain", origin=call)
    answer = reply(generator.run([question, asked, result], **options))
    assert not answer.tool_calls and "rain" in answer.text


# ---- images


def image(seed: int) -> ImageContent:
    data = media_files.png(media_files.image(seed))
    return ImageContent(base64_image=base64.b64encode(data).decode(), mime_type="image/png")


@pytest.fixture(scope="module")
def model_and_projector() -> dict[str, str]:
    """Returns both as the adapter takes them; the handler knows LLaVA's prompts."""
    return {
        "model": str(_PROJECTORS / "llava.gguf"),
        "model_clip_path": str(_PROJECTORS / "mmproj-llava.gguf"),
        "chat_handler_name": "Llava15ChatHandler",
    }


@pytest.fixture(scope="module")
def seeing(model_and_projector) -> Iterator[LlamaCppChatGenerator]:
    made = LlamaCppChatGenerator(
        n_ctx=1024,
        model_kwargs=dict(_LOADING),
        generation_kwargs={**_GREEDY, "max_tokens": 8},
        **model_and_projector,
    )
    yield made
    made.close()


@pytest.fixture(scope="module")
def describe(load, model_and_projector) -> Callable[..., str]:
    """Answers a message of parts by Llama itself."""
    handler = Llava15ChatHandler(model_and_projector["model_clip_path"], verbose=False)
    llm = load(model_and_projector["model"], n_ctx=1024, chat_handler=handler)

    def describe(*parts: str | ImageContent) -> str:
        content = [
            {"type": "text", "text": part}
            if isinstance(part, str)
            else {
                "type": "image_url",
                "image_url": {"url": f"data:image/png;base64,{part.base64_image}"},
            }
            for part in parts
        ]
        answer = llm.create_chat_completion(
            [{"role": "user", "content": content}], temperature=0.0, max_tokens=8
        )
        return answer["choices"][0]["message"]["content"]

    return describe


def test_images_are_read_as_by_llama(seeing, describe):
    one, another = image(1), image(2)
    messages = [("Describe it:", one), ("Describe it:", another), (one, another, "Compare them.")]
    texts = []
    for parts in messages:
        texts.append(reply(seeing.run([ChatMessage.from_user(content_parts=list(parts))])).text)
        assert texts[-1] == describe(*parts)
    assert len(set(texts)) == len(messages)


def test_images_in_a_stream(seeing, describe):
    parts = [image(1), "Describe it."]
    chunks: list[StreamingChunk] = []
    message = ChatMessage.from_user(content_parts=parts)
    answer = reply(seeing.run([message], streaming_callback=chunks.append))
    assert "".join(chunk.content for chunk in chunks) == answer.text == describe(*parts)


def test_a_handler_that_does_not_exist(model_and_projector):
    with pytest.raises(ValueError, match="NoSuchHandler"):
        LlamaCppChatGenerator(**{**model_and_projector, "chat_handler_name": "NoSuchHandler"})
