"""lm-format-enforcer: its logits processor, as its page on llama-cpp-python."""

from __future__ import annotations

import json
import re

import pytest
from lmformatenforcer import JsonSchemaParser, RegexParser
from lmformatenforcer.integrations.llamacpp import (
    build_llamacpp_logits_processor,
    build_token_enforcer_tokenizer_data,
)
from pydantic import BaseModel, Field

from llama_cpp import LogitsProcessorList

_PROMPT = "Describe Noah as JSON."


class Person(BaseModel):
    name: str = Field(max_length=20)
    age: int = Field(ge=0)


@pytest.fixture(scope="module")
def tokens(llm):
    return build_token_enforcer_tokenizer_data(llm)


def _complete(llm, tokens, parser):
    processors = LogitsProcessorList([build_llamacpp_logits_processor(tokens, parser)])
    # The enforcer allows tokens without text everywhere: the model's control tokens.
    silent = {token: -100.0 for token, text, _ in tokens.regular_tokens if not text}
    answer = llm(
        _PROMPT, logits_processor=processors, logit_bias=silent, max_tokens=100, temperature=0
    )
    return answer["choices"][0]


def test_without_the_parser_the_text_does_not_fit(llm):
    text = llm(_PROMPT, max_tokens=100, temperature=0)["choices"][0]["text"]
    with pytest.raises(ValueError):
        json.loads(text)


def test_a_schema_holds(llm, tokens):
    choice = _complete(llm, tokens, JsonSchemaParser(Person.model_json_schema()))
    assert choice["finish_reason"] == "stop"
    assert Person.model_validate_json(choice["text"])


def test_a_regular_expression_holds(llm, tokens):
    pattern = r"(north|south) of [A-Z][a-z]{2,5}, [0-9]{3} cubits"
    choice = _complete(llm, tokens, RegexParser(pattern))
    assert choice["finish_reason"] == "stop"
    assert re.fullmatch(pattern, choice["text"])
