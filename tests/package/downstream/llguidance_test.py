"""llguidance: its tokenizer over llama.cpp's vocabulary, and a matcher as a logits processor.

The matcher decides, the model generates: a grammar that either has wrong shows in the text.
"""

from __future__ import annotations

import json
import re

import llguidance.llamacpp
import llguidance.numpy
import numpy as np
import pytest
from llguidance import LLMatcher

import llama_cpp

_PROMPT = "In the beginning"
_SCHEMA = {
    "type": "object",
    "properties": {"day": {"type": "integer", "minimum": 1, "maximum": 31}},
    "required": ["day"],
    "additionalProperties": False,
    # Else a model may write spaces without an end.
    "x-guidance": {"whitespace_flexible": False},
}


@pytest.fixture(scope="module")
def tokenizer(llm):
    vocabulary = llama_cpp.llama_model_get_vocab(llm.model)
    return llguidance.llamacpp.lltokenizer_from_vocab(vocabulary)


def _generate(llm, tokenizer, grammar: str) -> str:
    matcher = LLMatcher(tokenizer, grammar)
    mask = llguidance.numpy.allocate_token_bitmask(1, tokenizer.vocab_size)
    prompt = llm.tokenize(_PROMPT.encode())
    seen = len(prompt)

    def constrain(tokens, logits):
        nonlocal seen
        for token in tokens[seen:]:
            assert matcher.consume_token(int(token)), matcher.get_error()
        seen = len(tokens)
        llguidance.numpy.fill_next_token_bitmask(matcher, mask)
        row = np.array(logits, dtype=np.float32)[None]
        llguidance.numpy.apply_token_bitmask_inplace(row, mask)
        return row[0]

    processors = llama_cpp.LogitsProcessorList([constrain])
    answer = llm(prompt, logits_processor=processors, max_tokens=60, temperature=0)
    assert answer["choices"][0]["finish_reason"] == "stop"
    return answer["choices"][0]["text"]


def test_the_vocabulary_is_the_models(llm, tokenizer):
    assert tokenizer.vocab_size == llm.n_vocab()
    assert tokenizer.eos_token == llm.token_eos()


@pytest.mark.parametrize("text", ["In the beginning", " God created", "Zoë", "\U0001f600\n"])
def test_texts_become_the_models_tokens(llm, tokenizer, text):
    """The package calls the function pointer of `llama_tokenize` from Rust."""
    assert tokenizer.tokenize_str(text) == llm.tokenize(text.encode(), add_bos=False)


def test_a_regular_expression_holds(llm, tokenizer):
    pattern = "[a-z]{3,8} and [a-z]{3,8}"
    text = _generate(llm, tokenizer, LLMatcher.grammar_from_regex(pattern))
    assert re.fullmatch(pattern, text)


def test_a_schema_holds(llm, tokenizer):
    text = _generate(llm, tokenizer, LLMatcher.grammar_from_json_schema(json.dumps(_SCHEMA)))
    value = json.loads(text)
    assert set(value) == {"day"} and 1 <= value["day"] <= 31
