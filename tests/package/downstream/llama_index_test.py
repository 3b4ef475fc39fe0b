"""llama-index-llms-llama-cpp: LlamaCPP completes, chats and streams."""

from __future__ import annotations

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.llms.llama_cpp import LlamaCPP

_PROMPT = "In the beginning"
_MESSAGES = [("system", "Be brief."), ("user", "What is the capital of France?")]
_MAX_TOKENS = 24


def _chatml(messages) -> str:
    """Returns the prompt of tests/models/chat_template.jinja."""
    turns = [f"<|im_start|>{m.role.value}\n{m.content}<|im_end|>\n" for m in messages]
    return "".join(turns) + "<|im_start|>assistant\n"


@pytest.fixture(scope="module")
def adapter(model_path):
    return LlamaCPP(
        model_path=model_path,
        temperature=0.0,
        max_new_tokens=_MAX_TOKENS,
        context_window=512,
        model_kwargs={"n_threads": 1},
        messages_to_prompt=_chatml,
        completion_to_prompt=lambda text: text,
        verbose=False,
    )


@pytest.fixture(scope="module")
def completion(llm) -> str:
    return llm(_PROMPT, temperature=0.0, max_tokens=_MAX_TOKENS)["choices"][0]["text"]


@pytest.fixture(scope="module")
def answer(llm) -> str:
    messages = [{"role": role, "content": content} for role, content in _MESSAGES]
    reply = llm.create_chat_completion(messages, temperature=0.0, max_tokens=_MAX_TOKENS)
    return reply["choices"][0]["message"]["content"]


@pytest.fixture(scope="module")
def messages() -> list[ChatMessage]:
    return [ChatMessage(role=role, content=content) for role, content in _MESSAGES]


def test_metadata_are_the_models(adapter, model_path):
    assert adapter.metadata.context_window == 512
    assert adapter.metadata.model_name == model_path


def test_completion_is_that_of_llama(adapter, completion):
    assert completion
    assert adapter.complete(_PROMPT).text == completion


def test_the_stream_is_the_same_text(adapter, completion):
    parts = list(adapter.stream_complete(_PROMPT))
    assert len(parts) > 2
    assert "".join(part.delta for part in parts) == parts[-1].text == completion


def test_chat_is_that_of_llama(adapter, messages, answer):
    assert "Paris" in answer
    assert adapter.chat(messages).message.content == answer


def test_the_chat_stream_is_the_same_text(adapter, messages, answer):
    parts = list(adapter.stream_chat(messages))
    assert "".join(part.delta for part in parts) == parts[-1].message.content == answer


def test_the_example(run_example, model_path, llm):
    question = "What is the capital of France?"
    answer = llm.create_chat_completion(
        [{"role": "user", "content": question}], temperature=0.0, max_tokens=100
    )
    said = answer["choices"][0]["message"]["content"]
    assert run_example("llama_index_chat", model_path, question) == said.splitlines()


def test_the_example_with_a_model_that_has_no_template(start_example, random_models):
    done = start_example("llama_index_chat", str(random_models / "llama-f32.gguf"), "Hello")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-2:] == [
        f"{random_models / 'llama-f32.gguf'} has no chat template",
        "Give a model that was trained for chats",
    ]
