"""langchain-community: LlamaCpp, ChatLlamaCpp with tools, LlamaCppEmbeddings."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
import pytest
from langchain_community.chat_models import ChatLlamaCpp
from langchain_community.embeddings import LlamaCppEmbeddings
from langchain_community.llms import LlamaCpp
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from pydantic import BaseModel

_PROMPT = "In the beginning"
_GREEDY = {"temperature": 0.0, "max_tokens": 60}
_LOADING = {"n_ctx": 512, "n_threads": 1, "verbose": False}
# The adapters give these to every call; some defaults of `Llama` are others.
_ADAPTER_DEFAULTS = {"repeat_penalty": 1.1, "top_p": 0.95, "top_k": 40}
_SYSTEM = "Be brief."
_QUESTION = "What is the weather in Paris?"


def get_weather(city: str) -> str:
    """The weather in a city"""
    return f"sunny in {city}"


def get_time(zone: Literal["UTC", "CET"]) -> str:
    """The time in a zone"""
    return f"noon in {zone}"


class Person(BaseModel):
    """A person"""

    name: str
    age: int


@pytest.fixture(scope="module")
def chat(model_path):
    return ChatLlamaCpp(model_path=model_path, **_LOADING, **_GREEDY)


def test_loading_warns_of_nothing(model_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LlamaCpp(model_path=model_path, **_LOADING)


@pytest.mark.parametrize("streaming", [False, True])
def test_completion_is_that_of_llama(llm, model_path, streaming):
    adapter = LlamaCpp(model_path=model_path, streaming=streaming, **_LOADING, **_GREEDY)
    expected = llm(_PROMPT, **_GREEDY, **_ADAPTER_DEFAULTS)["choices"][0]["text"]
    assert expected
    assert adapter.invoke(_PROMPT) == expected
    assert "".join(adapter.stream(_PROMPT)) == expected


def test_stop_ends_the_completion(llm, model_path):
    adapter = LlamaCpp(model_path=model_path, **_LOADING, **_GREEDY)
    whole = adapter.invoke(_PROMPT)
    word = whole.split()[2]
    assert adapter.invoke(_PROMPT, stop=[word]) == whole[: whole.index(word)]


def test_tokens_are_counted_by_the_model(llm, model_path):
    adapter = LlamaCpp(model_path=model_path, **_LOADING)
    assert adapter.get_num_tokens(_PROMPT) == len(llm.tokenize(_PROMPT.encode()))


def test_chat_is_that_of_llama(llm, chat):
    messages = [SystemMessage(_SYSTEM), HumanMessage("What is the capital of France?")]
    same = [
        {"role": "system", "content": _SYSTEM},
        {"role": "user", "content": "What is the capital of France?"},
    ]
    answer = llm.create_chat_completion(same, **_GREEDY, **_ADAPTER_DEFAULTS)
    expected = answer["choices"][0]["message"]["content"]
    assert expected
    assert chat.invoke(messages).content == expected
    assert "".join(chunk.content for chunk in chat.stream(messages)) == expected


@pytest.mark.parametrize("streaming", [False, True])
def test_a_tool_is_called_and_its_result_used(model_path, streaming):
    chat = ChatLlamaCpp(model_path=model_path, streaming=streaming, **_LOADING, **_GREEDY)
    bound = chat.bind_tools([get_weather, get_time])
    asked = bound.invoke(_QUESTION)
    (call,) = asked.tool_calls
    assert (call["name"], call["args"]) == ("get_weather", {"city": "Paris"})
    result = ToolMessage("rain", tool_call_id=call["id"])
    answer = bound.invoke([HumanMessage(_QUESTION), asked, result])
    assert not answer.tool_calls
    assert "rain" in answer.content


@pytest.mark.parametrize(
    "choice", ["get_time", {"type": "function", "function": {"name": "get_time"}}]
)
def test_a_named_tool_is_called(chat, choice):
    """The adapter passes a name on as it is (ChatLlamaCpp.bind_tools)."""
    bound = chat.bind_tools([get_weather, get_time], tool_choice=choice)
    (call,) = bound.invoke(_QUESTION).tool_calls
    assert call["name"] == "get_time"
    assert call["args"] in ({"zone": "UTC"}, {"zone": "CET"})


def test_structured_output_is_an_object(chat):
    person = chat.with_structured_output(Person).invoke("Describe Noah as JSON.")
    assert isinstance(person, Person)


def test_embeddings_are_those_of_llama(load, random_models):
    path = str(random_models / "embedding-f16.gguf")
    texts = ["In the beginning", "God created", "the heaven and the earth" * 5]
    adapter = LlamaCppEmbeddings(model_path=path, **_LOADING)
    llm = load(path, embedding=True)
    expected = [llm.embed(text) for text in texts]
    assert len({tuple(vector) for vector in expected}) == len(texts)
    np.testing.assert_allclose(adapter.embed_documents(texts), expected, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(adapter.embed_query(texts[0]), expected[0], rtol=1e-3, atol=1e-3)


def test_the_example(run_example, model_path):
    called, answer = run_example("langchain_tools", model_path, _QUESTION)
    assert called == "get_weather({'city': 'Paris'})"
    assert "rain" in answer


def test_the_example_leaves_the_rope_to_the_model(example_names, model_path):
    """The adapter's defaults are 10000 and 1, and most models of today have other ones."""
    params = example_names("langchain_tools")["load"](model_path).client.context_params
    assert (params.rope_freq_base, params.rope_freq_scale) == (0, 0)
