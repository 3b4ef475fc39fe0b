"""llama-cpp-agent: chat, an object under its own grammar, and a tool."""

# No `from __future__ import annotations`: the package reads the annotations of models and tools.

from enum import Enum

import pytest
from llama_cpp_agent import LlamaCppAgent, LlamaCppFunctionTool, MessagesFormatterType
from llama_cpp_agent.llm_output_settings import LlmStructuredOutputSettings
from llama_cpp_agent.providers import LlamaCppPythonProvider
from llama_cpp_agent.structured_output_agent import StructuredOutputAgent
from pydantic import BaseModel, Field

_SYSTEM = "Be brief."
_QUESTION = "What is the capital of France?"
_MAX_TOKENS = 100


class Direction(Enum):
    north = "north"
    south = "south"


class Journey(BaseModel):
    """A journey"""

    direction: Direction = Field(..., description="Where to")
    is_long: bool = Field(..., description="Whether it is long")


def walk(direction: Direction) -> str:
    """
    Walks in a direction.

    Args:
        direction (Direction): Where to.
    """
    return f"walked {direction.value}"


@pytest.fixture(scope="module")
def provider(load, model_path):
    # The package describes an object in some hundred words.
    return LlamaCppPythonProvider(load(model_path, n_ctx=2048))


@pytest.fixture
def settings(provider):
    settings = provider.get_provider_default_settings()
    settings.temperature = 0.0
    settings.max_tokens = _MAX_TOKENS
    return settings


@pytest.fixture
def agent(provider):
    return LlamaCppAgent(
        provider,
        system_prompt=_SYSTEM,
        predefined_messages_formatter_type=MessagesFormatterType.CHATML,
    )


@pytest.mark.parametrize("is_streamed", [False, True])
def test_an_answer_is_that_of_llama(llm, agent, settings, is_streamed):
    settings.stream = is_streamed
    said = agent.get_chat_response(
        _QUESTION,
        llm_sampling_settings=settings,
        returns_streaming_generator=is_streamed,
        print_output=False,
    )
    prompt = (
        f"<|im_start|>system\n{_SYSTEM}<|im_end|>\n"
        f"<|im_start|>user\n{_QUESTION}<|im_end|>\n<|im_start|>assistant\n"
    )
    answer = llm(prompt, max_tokens=_MAX_TOKENS, temperature=0.0, repeat_penalty=1.1)
    expected = answer["choices"][0]["text"].strip()
    assert "Paris" in expected
    assert ("".join(said) if is_streamed else said).strip() == expected


@pytest.fixture
def terse(settings):
    """Returns settings for its grammars, which allow spaces without an end."""
    settings.frequency_penalty = 2.0
    return settings


def test_an_object_is_created(provider, terse):
    agent = StructuredOutputAgent(provider)
    journey = agent.create_object(Journey, "We went north.", llm_sampling_settings=terse)
    assert isinstance(journey, Journey)


def test_a_tool_is_called(agent, terse):
    tools = LlmStructuredOutputSettings.from_llama_cpp_function_tools([LlamaCppFunctionTool(walk)])
    (called,) = agent.get_chat_response(
        "Go north.",
        llm_sampling_settings=terse,
        structured_output_settings=tools,
        print_output=False,
    )
    assert called["function"] == "walk"
    assert called["return_value"] in ("walked north", "walked south")
