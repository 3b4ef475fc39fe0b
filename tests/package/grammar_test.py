"""Grammars: GBNF, JSON schemas, the ready-made ones."""

from __future__ import annotations

import json

import pytest

import llama_cpp
from llama_cpp import LlamaGrammar, llama_grammar

PROMPT = "In the beginning"


def generate(llm, grammar, **arguments):
    arguments = {"max_tokens": 100, "temperature": 0.9, "seed": 2, **arguments}
    return llm(PROMPT, grammar=grammar, **arguments)["choices"][0]["text"]


def test_text_follows_the_grammar(llm):
    grammar = LlamaGrammar.from_string('root ::= ("yea" | "nay") " " [0-9] [0-9]')
    for seed in range(3):
        text = generate(llm, grammar, seed=seed)
        word, number = text.split(" ")
        assert word in ("yea", "nay") and len(number) == 2 and number.isdigit()


def test_grammar_with_greedy_and_stream(llm):
    grammar = LlamaGrammar.from_string('root ::= "a" "b"* "c"')
    chunks = llm(PROMPT, grammar=grammar, temperature=0, max_tokens=10, stream=True)
    text = "".join(chunk["choices"][0]["text"] for chunk in chunks)
    assert text.startswith("a") and set(text) <= set("abc")


def test_grammar_can_be_used_twice(llm):
    grammar = LlamaGrammar.from_string('root ::= "x" [0-9]')
    assert generate(llm, grammar) == generate(llm, grammar)


@pytest.mark.parametrize(
    "text", ["", "root :=", "start ::= [a", 'start ::= "no root"', "root ::= missing"]
)
def test_invalid_grammar(text):
    with pytest.raises(llama_cpp.GrammarError) as error:
        LlamaGrammar.from_string(text)
    assert isinstance(error.value, ValueError) and str(error.value)


def test_invalid_grammar_given_directly(llm):
    with pytest.raises(llama_cpp.GrammarError):
        llm(PROMPT, grammar=LlamaGrammar(_grammar="root ::= ("), max_tokens=1)


def test_from_file(tmp_path):
    file = tmp_path / "g.gbnf"
    file.write_text('root ::= "a"')
    assert LlamaGrammar.from_file(file)._grammar == 'root ::= "a"'
    assert LlamaGrammar.from_file(str(file))._root == "root"
    with pytest.raises(llama_cpp.GrammarError, match="missing.gbnf"):
        LlamaGrammar.from_file(tmp_path / "missing.gbnf")
    file.write_text("  ")
    with pytest.raises(llama_cpp.GrammarError, match="empty"):
        LlamaGrammar.from_file(file)


def test_json_schema(llm):
    schema = {
        "type": "object",
        "properties": {
            "name": {"enum": ["Adam", "Eve"]},
            "age": {"type": "integer", "minimum": 0, "maximum": 99},
            "tags": {"type": "array", "items": {"type": "boolean"}, "maxItems": 2},
        },
        "required": ["name", "age", "tags"],
    }
    grammar = LlamaGrammar.from_json_schema(json.dumps(schema))
    for seed in range(2):
        found = json.loads(generate(llm, grammar, seed=seed))
        assert found["name"] in ("Adam", "Eve") and 0 <= found["age"] <= 99
        assert len(found["tags"]) <= 2 and all(isinstance(tag, bool) for tag in found["tags"])


def test_schema_with_references():
    schema = {
        "$defs": {"A": {"type": "object", "properties": {"a": {"type": "integer"}}}},
        "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
        "type": "object",
    }
    assert "root" in LlamaGrammar.from_json_schema(json.dumps(schema))._grammar


@pytest.mark.parametrize("schema", ["", "{", "[1", '{"type": "nonsense"}'])
def test_invalid_schema(schema):
    with pytest.raises(llama_cpp.GrammarError):
        LlamaGrammar.from_json_schema(schema)


def test_property_order(llm):
    schema = {
        "type": "object",
        "properties": {name: {"const": name} for name in ("a", "b", "c")},
        "required": ["a", "b", "c"],
    }
    text = llama_grammar.json_schema_to_gbnf(json.dumps(schema), prop_order=["c", "b"])
    found = json.loads(generate(llm, LlamaGrammar.from_string(text)))
    assert list(found) == ["c", "b", "a"]


def test_schema_converter(llm):
    converter = llama_grammar.SchemaConverter(
        prop_order={"b": 0}, allow_fetch=False, dotall=False, raw_pattern=False
    )
    schema = {
        "type": "object",
        "properties": {"a": {"const": 1}, "b": {"const": 2}},
        "required": ["a", "b"],
    }
    converter.visit(converter.resolve_refs(schema, "stdin"), "")
    found = json.loads(generate(llm, LlamaGrammar.from_string(converter.format_grammar())))
    assert list(found.items()) == [("b", 2), ("a", 1)]


@pytest.mark.parametrize("name", [n for n in vars(llama_grammar) if n.endswith("_GBNF")])
def test_ready_made_grammars_parse(name):
    assert LlamaGrammar.from_string(getattr(llama_grammar, name))


def test_json_grammar_gives_json(llm):
    """The model would babble on in strings, so their end and the object's are made likely."""
    likely = [llm.tokenize(text, add_bos=False)[-1] for text in (b'"', b"}", b":")]
    text = generate(
        llm,
        LlamaGrammar.from_string(llama_grammar.JSON_GBNF),
        max_tokens=200,
        logit_bias=dict.fromkeys(likely, 5.0),
    )
    assert isinstance(json.loads(text), dict)


def test_there_are_all_of_them():
    names = {name for name in vars(llama_grammar) if name.endswith("_GBNF")}
    assert names == {
        f"{name}_GBNF"
        for name in ("ARITHMETIC", "C", "CHESS", "JAPANESE", "JSON_ARR", "JSON", "LIST")
    }
