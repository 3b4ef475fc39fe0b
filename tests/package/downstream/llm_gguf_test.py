"""llm-gguf: models registered with the program `llm`, prompts and embeddings."""

from __future__ import annotations

import json

import llm as llm_package
import numpy as np
import pytest
from click.testing import CliRunner
from llm.cli import cli
from llm.plugins import load_plugins

_QUESTION = "What is the capital of France?"
_SYSTEM = "Be brief."
_SEED = 11


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the program `llm` with a home of its own; returns its output."""
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path))
    load_plugins()

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_a_prompt_is_answered(run, model_path):
    run("gguf", "register-model", "kjv", model_path, "--n-ctx", "512")
    assert "gguf/kjv" in run("models")
    assert run("-m", "gguf/kjv", "--no-log", _QUESTION).strip()


def test_the_answer_is_that_of_llama(run, load, model_path):
    """With the chat format that the package chooses, and one seed, since it samples."""
    run("gguf", "register-model", "kjv", model_path, "--n-ctx", "512")
    model = llm_package.get_model("gguf/kjv")
    model.get_model().set_seed(_SEED)
    text = model.prompt(_QUESTION, system=_SYSTEM).text()
    own = load(model_path, chat_format="chatml-function-calling")
    own.set_seed(_SEED)
    messages = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": _QUESTION}]
    answer = own.create_chat_completion(messages)
    assert text
    assert text == answer["choices"][0]["message"]["content"]


def test_a_conversation_goes_on(run, model_path):
    run("gguf", "register-model", "kjv", model_path, "--n-ctx", "512")
    conversation = llm_package.get_model("gguf/kjv").conversation()
    for question in (_QUESTION, "What is 2 + 3?"):
        assert conversation.prompt(question).text()
    assert len(conversation.responses) == 2


def test_embeddings_are_those_of_llama(run, load, random_models):
    path = str(random_models / "embedding-f16.gguf")
    run("gguf", "register-embed-model", "random", path)
    found = json.loads(run("embed", "-m", "gguf/random", "-c", _QUESTION))
    expected = load(path, embedding=True).embed(_QUESTION)
    assert np.std(expected) > 0
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
