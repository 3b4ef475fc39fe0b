"""LiteLLM, in front of our server: OpenAI's and Anthropic's routes by its own clients."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import Served, serve, until
from weather import TOOLS, WEATHER_IN_ROME

# Else it asks GitHub for the models' prices when it is imported.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm  # noqa: E402

NAME = "kjv-q8_0.gguf"
HI: Any = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def served(model_path: str) -> Iterator[Served]:
    """Returns a server with a key."""
    with serve(model_path, server={"api_key": "k"}) as found:
        yield found


@pytest.fixture(params=["openai", "anthropic"])
def asked(served: Served, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Returns the arguments of each call, for the client of each provider."""
    base = f"{served.url}/v1" if request.param == "openai" else served.url
    return {
        "model": f"{request.param}/{NAME}",
        "api_base": base,
        "api_key": "k",
        "messages": HI,
        "max_tokens": 8,
        "temperature": 0,
        "num_retries": 0,
    }


def test_chat_whole_and_in_pieces(asked: dict[str, Any]) -> None:
    answer = litellm.completion(**asked)
    text = answer.choices[0].message.content
    assert text and 0 < answer.usage.completion_tokens <= 8
    chunks = list(litellm.completion(**asked, stream=True, stream_options={"include_usage": True}))
    assert len(chunks) > 1
    built = litellm.stream_chunk_builder(chunks, messages=HI)
    assert built.choices[0].message.content == text
    assert built.usage.completion_tokens == answer.usage.completion_tokens


def test_chat_of_coroutines(asked: dict[str, Any]) -> None:
    async def run() -> list[Any]:
        return await asyncio.gather(*(litellm.acompletion(**asked) for _ in range(4)))

    texts = {answer.choices[0].message.content for answer in asyncio.run(run())}
    assert len(texts) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_tools(asked: dict[str, Any], stream: bool) -> None:
    asked = {**asked, "messages": WEATHER_IN_ROME, "tools": TOOLS, "max_tokens": 60}
    named = {"type": "function", "function": {"name": "get_time"}}
    for choice, name in (("auto", "get_weather"), ("required", "get_weather"), (named, "get_time")):
        answer = litellm.completion(**asked, tool_choice=choice, stream=stream)
        if stream:
            answer = litellm.stream_chunk_builder(list(answer), messages=HI)
        (call,) = answer.choices[0].message.tool_calls
        assert call.function.name == name
        assert json.loads(call.function.arguments) == {"city": "Rome"}
    back = [
        *WEATHER_IN_ROME,
        answer.choices[0].message.model_dump(),
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
    ]
    again = litellm.completion(**{**asked, "messages": back, "tools": TOOLS[:1]})
    assert again.choices[0].message.content.startswith("The weather in Rome is ")


def test_errors(asked: dict[str, Any], served: Served) -> None:
    provider = asked["model"].partition("/")[0]
    with pytest.raises(litellm.NotFoundError):
        litellm.completion(**{**asked, "model": f"{provider}/gpt-4"})
    with pytest.raises(litellm.AuthenticationError):
        litellm.completion(**{**asked, "api_key": "other"})
    with pytest.raises(litellm.BadRequestError):
        litellm.completion(**{**asked, "messages": [{"role": "user", "content": "word " * 2000}]})


def test_a_stream_that_is_left_frees_its_slot(asked: dict[str, Any], served: Served) -> None:
    async def run() -> None:
        stream = await litellm.acompletion(
            **{**asked, "max_tokens": 400}, stream=True, extra_body={"ignore_eos": True}
        )
        async for _ in stream:
            break
        await stream.aclose()

    asyncio.run(run())
    until(lambda: served.busy_slots(Authorization="Bearer k") == 0)


def test_completion_and_response(served: Served) -> None:
    asked: Any = {"model": f"openai/{NAME}", "api_base": f"{served.url}/v1", "api_key": "k"}
    answer = litellm.text_completion(**asked, prompt="And God", max_tokens=4)
    assert answer.choices[0].text
    response = litellm.responses(**asked, input="Hello", max_output_tokens=8)
    assert response.output[0].content[0].text


def test_embeddings_and_ranks(random_models: Path) -> None:
    with serve(str(random_models / "embedding-f16.gguf"), embedding=True) as served:
        found = litellm.embedding(
            model="openai/embedding-f16.gguf",
            input=["a", "b"],
            api_base=f"{served.url}/v1",
            api_key="-",
        )
        assert [each["index"] for each in found.data] == [0, 1]
        assert len(found.data[0]["embedding"]) == 256
    with serve(str(random_models / "reranker-f16.gguf"), pooling="rank") as served:
        found = litellm.rerank(
            model="hosted_vllm/reranker-f16.gguf",
            query="a",
            documents=["a", "b", "c"],
            top_n=2,
            api_base=f"{served.url}/v1",
            api_key="-",
        )
        assert len(found.results) == 2
        assert found.results[0]["relevance_score"] >= found.results[1]["relevance_score"]
