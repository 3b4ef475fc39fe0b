"""guidance: models.LlamaCpp, which drives llama.cpp through the C API."""

from __future__ import annotations

import re

import guidance
import numpy as np
import pytest
from guidance import assistant, gen, models, select, user
from pydantic import BaseModel, Field

_PROMPT = "In the beginning"


class Person(BaseModel):
    name: str = Field(max_length=20)
    age: int = Field(ge=0, le=999)


@pytest.fixture(scope="module")
def model(load, model_path):
    return models.LlamaCpp(load(model_path, logits_all=True), echo=False)


def test_a_model_is_loaded_by_its_path(model_path):
    model = models.LlamaCpp(model_path, n_ctx=256, n_threads=1, echo=False)
    assert (model + _PROMPT + select(["God", "man"], name="who"))["who"] in ("God", "man")


def test_greedy_text_is_that_of_llama(model, llm):
    expected = llm(_PROMPT, max_tokens=16, temperature=0, top_k=1)["choices"][0]["text"]
    assert expected
    assert (model + _PROMPT + gen("text", max_tokens=16, temperature=0))["text"] == expected


def test_a_regular_expression_holds(model):
    text = (model + _PROMPT + " there were " + gen("n", regex=r"[1-9][0-9]{2}"))["n"]
    assert re.fullmatch(r"[1-9][0-9]{2}", text)


def test_select_is_one_of_the_choices(model):
    choices = ["the heaven", "the earth", "the deep"]
    assert (model + _PROMPT + " God created " + select(choices, name="what"))["what"] in choices


def test_json_is_of_the_schema(model):
    text = (model + "Noah: " + guidance.json("person", schema=Person, temperature=0))["person"]
    assert Person.model_validate_json(text)


def test_a_chat_uses_the_models_template(model):
    with user():
        lm = model + "What is the capital of France?"
    with assistant():
        lm += "The capital of France is " + gen("city", regex="[A-Z][a-z]{2,8}", temperature=0)
    assert "<|im_start|>user\nWhat is the capital of France?<|im_end|>" in str(lm)
    assert re.fullmatch("[A-Z][a-z]{2,8}", lm["city"])


def test_logits_are_those_of_llama(model, load, model_path):
    """The package decodes and reads logits by `llama_decode` and `llama_get_logits`."""
    llm = load(model_path, logits_all=True)
    tokens = llm.tokenize(_PROMPT.encode())
    llm.eval(tokens)
    expected = np.array(llm.eval_logits[-1])
    assert expected.std() > 1
    output = model._interpreter.engine.get_logits(tokens)
    np.testing.assert_allclose(output["logits"][0], expected, rtol=1e-3, atol=1e-3)


def test_the_example(run_example, model_path):
    gaps = dict(line.split(": ") for line in run_example("guidance_program", model_path))
    assert gaps["first"] in ("the heaven", "the sea")
    assert re.fullmatch("[a-z]{3,12}", gaps["day"])
    assert gaps["count"] in ("first", "second", "seventh")
