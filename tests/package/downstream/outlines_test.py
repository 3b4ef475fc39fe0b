"""outlines: both of its backends that need no PyTorch, outlines_core and llguidance."""

from __future__ import annotations

import re
from typing import Literal

import outlines
import pytest
from outlines.inputs import Chat
from outlines.types import CFG, Regex
from pydantic import BaseModel, Field

_BACKENDS = ["outlines_core", "llguidance"]
_GREEDY = {"max_tokens": 80, "temperature": 0}
_ASKED = "Describe Noah as JSON."


class Person(BaseModel):
    name: str = Field(max_length=20)
    age: int = Field(ge=0, le=999)


@pytest.fixture(scope="module")
def model(llm):
    return outlines.from_llamacpp(llm)


@pytest.fixture(params=_BACKENDS)
def generate(request, model):
    """Returns a function that generates text of a type by the backend."""

    def generate(output_type):
        return outlines.Generator(model, output_type, backend=request.param)(_ASKED, **_GREEDY)

    return generate


def test_the_vocabulary_is_the_models(llm, model):
    """Each piece is the text of its token, as the package's own reader of the C API gives it."""
    vocabulary = model.tokenizer.vocabulary
    assert vocabulary[" the"] == llm.tokenize(b" the", add_bos=False)[0]
    assert model.tokenizer.eos_token_id == llm.token_eos()


def test_a_regular_expression_holds(generate):
    pattern = r"(north|south) of [A-Z][a-z]{2,5}, [0-9]{3} cubits"
    assert re.fullmatch(pattern, generate(Regex(pattern)))


def test_a_schema_holds(generate):
    assert Person.model_validate_json(generate(Person))


def test_a_choice_is_one_of_them(generate):
    assert generate(Literal["Zion", "Nineveh"]) in ("Zion", "Nineveh")


def test_a_grammar_holds(model):
    """Of the two backends llguidance alone has grammars of Lark's syntax for every tokenizer."""
    grammar = 'start: "[" NUMBER ("," NUMBER)~2 "]"\nNUMBER: /[0-9]{1,3}/\n'
    text = outlines.Generator(model, CFG(grammar), backend="llguidance")(_ASKED, **_GREEDY)
    assert re.fullmatch(r"\[\d{1,3}(,\d{1,3}){2}\]", text)


@pytest.mark.parametrize("backend", _BACKENDS)
def test_a_stream_holds_too(model, backend):
    generator = outlines.Generator(model, Regex("[a-z]{3,8}"), backend=backend)
    assert re.fullmatch("[a-z]{3,8}", "".join(generator.stream(_ASKED, **_GREEDY)))


def test_unconstrained_text_is_that_of_llama(llm, model):
    messages = [{"role": "user", "content": _ASKED}]
    expected = llm.create_chat_completion(messages, **_GREEDY)["choices"][0]["message"]["content"]
    assert model(_ASKED, **_GREEDY) == expected
    assert model(Chat(messages), **_GREEDY) == expected


def test_the_example(run_example, model_path):
    person, length = run_example("outlines_schema", model_path, _ASKED)
    assert re.fullmatch(r".{0,40} is \d{1,3} years old", person)
    assert re.fullmatch("[1-9][0-9]{1,2} (cubits|feet)", length)
