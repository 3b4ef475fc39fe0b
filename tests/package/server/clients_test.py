"""The clients of OpenAI and Anthropic read every answer, stream and error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from serving import Served, serve, until
from weather import TOOLS, WEATHER_IN_ROME

NAME = "kjv-q8_0.gguf"
HI: Any = [{"role": "user", "content": "Hello"}]
GREETING: Any = {"model": NAME, "input": "Hello", "max_output_tokens": 8, "temperature": 0}


@pytest.fixture(scope="module")
def locked(model_path: str) -> Iterator[Served]:
    """Returns a server with a key."""
    with serve(model_path, server={"api_key": "k"}) as found:
        yield found


@pytest.fixture
def client(locked: Served) -> Iterator[openai.OpenAI]:
    """Returns a client that sends no request again."""
    with openai.OpenAI(base_url=f"{locked.url}/v1", api_key="k", max_retries=0) as found:
        yield found


def test_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [NAME]
    assert client.models.retrieve(NAME).object == "model"


def test_chat(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=NAME, messages=HI, max_tokens=8)
    assert answer.choices[0].message.role == "assistant"
    assert answer.usage and answer.usage.completion_tokens <= 8


def test_chat_in_pieces(client: openai.OpenAI) -> None:
    asked = {"model": NAME, "messages": HI, "max_tokens": 8, "temperature": 0, "seed": 1}
    whole = client.chat.completions.create(**asked).choices[0].message.content
    chunks = list(
        client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    )
    texts = [c.choices[0].delta.content or "" for c in chunks if c.choices]
    assert "".join(texts) == whole
    assert chunks[-1].usage and chunks[-1].usage.completion_tokens > 0


def test_completion(client: openai.OpenAI) -> None:
    answer = client.completions.create(model=NAME, prompt="And God", max_tokens=4, logprobs=2)
    assert answer.choices[0].text


@pytest.mark.parametrize("stream", [False, True])
def test_tools(client: openai.OpenAI, stream: bool) -> None:
    asked: Any = {"model": NAME, "messages": WEATHER_IN_ROME, "tools": TOOLS, "temperature": 0}
    if stream:
        with client.chat.completions.stream(**asked) as events:
            message = events.get_final_completion().choices[0].message
    else:
        message = client.chat.completions.create(**asked).choices[0].message
    (call,) = message.tool_calls or ()
    assert call.type == "function" and call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "Rome"}
    back = [
        *WEATHER_IN_ROME,
        {"role": "assistant", "content": None, "tool_calls": [call.model_dump()]},
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
    ]
    asked = {**asked, "messages": back, "tools": TOOLS[:1], "max_tokens": 40}
    answer = client.chat.completions.create(**asked)
    assert (answer.choices[0].message.content or "").startswith("The weather in Rome is ")


def test_json_schema(client: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"]}
    form: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    answer = client.chat.completions.create(model=NAME, messages=HI, response_format=form)
    assert json.loads(answer.choices[0].message.content or "") in ({"a": 1}, {"a": 2})


def test_response(client: openai.OpenAI) -> None:
    answer = client.responses.create(**GREETING)
    assert answer.output_text
    stream = client.responses.create(**GREETING, stream=True)
    assert [event.type for event in stream][-1] == "response.completed"


def test_streamed_response(client: openai.OpenAI) -> None:
    """By the client's helper, which needs the places of all events."""
    with client.responses.stream(**GREETING) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = [event for event in events if event.type == "response.output_text.delta"]
    assert final.output_text and "".join(event.delta for event in deltas) == final.output_text


def test_streamed_response_with_a_tool(client: openai.OpenAI) -> None:
    tool: Any = {"type": "function", "name": "get_weather", **TOOLS[0]["function"]}
    asked: Any = {"input": WEATHER_IN_ROME, "tools": [tool], "tool_choice": "required"}
    with client.responses.stream(model=NAME, max_output_tokens=60, temperature=0, **asked) as found:
        calls = [each for each in found.get_final_response().output if each.type == "function_call"]
    assert calls and calls[0].name == "get_weather" and json.loads(calls[0].arguments)


def test_embeddings(random_models: Path) -> None:
    with (
        serve(str(random_models / "embedding-f16.gguf"), embedding=True) as served,
        openai.OpenAI(base_url=f"{served.url}/v1", api_key="-") as client,
    ):
        # The client asks for base64, and decodes it.
        answer = client.embeddings.create(model="embedding-f16.gguf", input=["a", "b"])
        assert [each.index for each in answer.data] == [0, 1]
        floats = client.embeddings.create(
            model="embedding-f16.gguf", input="a", encoding_format="float"
        )
        assert answer.data[0].embedding == pytest.approx(floats.data[0].embedding, abs=1e-6)


def test_errors(client: openai.OpenAI, locked: Served) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="gpt-4", messages=HI)
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as long:
        client.completions.create(model=NAME, prompt="word " * 2000)
    assert long.value.code == "context_length_exceeded"
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{locked.url}/v1", api_key="other").models.list()
    with pytest.raises(openai.BadRequestError):
        client.embeddings.create(model=NAME, input="x")


def test_a_full_queue_is_asked_again(model_path: str) -> None:
    """The client waits as long as Retry-After says, and is answered then."""
    with (
        serve(model_path, server={"max_queue": 0}, n_parallel=1) as served,
        openai.OpenAI(base_url=f"{served.url}/v1", api_key="-", max_retries=5) as client,
    ):
        body = {"prompt": "And", "max_tokens": 400, "ignore_eos": True, "stream": True}
        first = served.begin("/v1/completions", body)
        first.getresponse()
        assert client.completions.create(model=NAME, prompt="And", max_tokens=1).choices
        first.close()


def test_a_cancelled_task_frees_its_slot(locked: Served) -> None:
    async def run() -> None:
        async with openai.AsyncOpenAI(base_url=f"{locked.url}/v1", api_key="k") as client:
            stream = await client.completions.create(
                model=NAME,
                prompt="And",
                max_tokens=400,
                stream=True,
                extra_body={"ignore_eos": True},
            )
            async for _ in stream:
                break
            await stream.close()

    asyncio.run(run())
    until(lambda: locked.busy_slots(Authorization="Bearer k") == 0)


# ---- Anthropic's


@pytest.fixture
def claude(locked: Served) -> Iterator[anthropic.Anthropic]:
    """Returns Anthropic's client."""
    with anthropic.Anthropic(base_url=locked.url, api_key="k", max_retries=0) as found:
        yield found


def test_message(claude: anthropic.Anthropic) -> None:
    answer = claude.messages.create(model=NAME, messages=HI, max_tokens=8)
    assert answer.role == "assistant" and answer.usage.output_tokens <= 8
    with claude.messages.stream(model=NAME, messages=HI, max_tokens=8) as stream:
        assert "".join(stream.text_stream)
        assert stream.get_final_message().stop_reason in ("max_tokens", "end_turn")
    assert claude.messages.count_tokens(model=NAME, messages=HI).input_tokens > 0


def test_errors_of_messages(claude: anthropic.Anthropic, locked: Served) -> None:
    with pytest.raises(anthropic.NotFoundError):
        claude.messages.create(model="claude", messages=HI, max_tokens=8)
    with pytest.raises(anthropic.AuthenticationError):
        anthropic.Anthropic(base_url=locked.url, api_key="other").messages.create(
            model=NAME, messages=HI, max_tokens=8
        )
