"""JSON schemas: keywords that a grammar does not enforce, unusable ones, and where messages go."""

from __future__ import annotations

import functools
import json
import warnings

import pytest

import llama_cpp
from llama_cpp import LlamaGrammar, _core, llama_grammar

DEFINITIONS = {"a": {"type": "number", "minimum": 3}}
LOOP = {"$ref": "#"}  # llama.cpp's converter has no reference to the root


def tool(name, parameters):
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def dropped(convert) -> list[str]:
    """Returns the keywords with their paths, as the one warning names them; [] without one."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        convert()
    assert len(caught) <= 1, [str(each.message) for each in caught]
    if not caught:
        return []
    assert caught[0].category is UserWarning and caught[0].filename == __file__
    named = str(caught[0].message).split(" do not enforce ")[1].split(".\n")[0]
    return named.split(", ")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "number", "minimum": 0, "maximum": 1}, ["minimum (at #)", "maximum (at #)"]),
        ({"type": "integer", "minimum": 0, "exclusiveMaximum": 9}, []),
        ({"type": "integer", "multipleOf": 5}, ["multipleOf (at #)"]),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": 3}, ["exclusiveMinimum (at #)"]),
        ({"type": ["integer", "null"], "minimum": 2}, []),
        ({"type": ["number", "null"], "minimum": 2}, ["minimum (at #)"]),
        ({"minimum": 5}, ["minimum (at #)"]),
        ({"type": "string", "minLength": 2, "maxLength": 3}, []),
        ({"type": "string", "maxLength": 2001}, ["maxLength (at #)"]),
        ({"type": "string", "maxLength": 2**32}, ["maxLength (at #)"]),
        ({"type": "string", "pattern": "^a+$", "maxLength": 3}, ["maxLength (at #)"]),
        ({"type": "string", "pattern": "a+"}, ["pattern (at #)"]),
        ({"type": "string", "pattern": "^(?=a)b$"}, ["pattern (at #)"]),
        ({"type": "string", "format": "email"}, ["format (at #)"]),
        ({"type": "string", "format": "date-time"}, []),
        ({"type": "string", "format": "binary"}, []),
        ({"type": "string", "format": "date", "minLength": 3}, ["minLength (at #)"]),
        ({"type": "string", "enum": ["a", "b"]}, []),
        ({"type": "string", "enum": ["a", 1]}, ["type (at #)"]),
        ({"const": 1, "not": {"const": 1}}, ["not (at #)"]),
        ({"type": "array", "items": {}, "uniqueItems": True}, ["uniqueItems (at #)"]),
        ({"type": "array", "items": {}, "uniqueItems": False, "minItems": 0}, []),
        ({"type": "array", "contains": {"const": 1}}, ["contains (at #)"]),
        ({"type": "array", "prefixItems": [{"type": "null"}], "minItems": 1, "maxItems": 1}, []),
        ({"type": "array", "prefixItems": [{"type": "null"}], "minItems": 2}, ["minItems (at #)"]),
        (
            {"type": "array", "items": {"type": "number", "maximum": 2}},
            ["maximum (at #/items)"],
        ),
        (
            {"type": "object", "properties": {"a": DEFINITIONS["a"]}},
            ["minimum (at #/properties/a)"],
        ),
        ({"type": "object", "additionalProperties": {"type": "string"}}, []),
        (
            {"type": "object", "additionalProperties": DEFINITIONS["a"]},
            ["minimum (at #/additionalProperties)"],
        ),
        ({"type": "object", "required": ["a"]}, ["required (at #)"]),
        ({"type": "object", "properties": {"a": {}}, "required": ["a"]}, []),
        (
            {"type": "object", "patternProperties": {"^a": {}}, "minProperties": 1},
            ["patternProperties (at #)", "minProperties (at #)"],
        ),
        ({"type": "object", "properties": {"a": {}}, "unevaluatedProperties": False}, []),
        ({"$ref": "#/$defs/a", "$defs": DEFINITIONS}, ["minimum (at #/$defs/a)"]),
        (
            {"$ref": "#/$defs/a", "maximum": 4, "$defs": DEFINITIONS},
            ["maximum (at #)", "minimum (at #/$defs/a)"],
        ),
        ({"type": "boolean", "$defs": DEFINITIONS}, []),  # not used
        ({"anyOf": [{"type": "null"}, DEFINITIONS["a"]]}, ["minimum (at #/anyOf/1)"]),
        (
            {"type": "object", "properties": {"a": {}}, "anyOf": [{"required": ["a"]}]},
            ["type (at #)", "properties (at #)", "required (at #/anyOf/0)"],
        ),
        (
            {"allOf": [{"properties": {"x": DEFINITIONS["a"]}}, {"properties": {"y": {}}}]},
            ["minimum (at #/allOf/0/properties/x)"],
        ),
        ({"allOf": [{"type": "string"}]}, ["allOf/0 (at #)"]),
        ({"if": {"const": 1}, "then": {"const": 1}}, ["if (at #)"]),
        (
            {
                **{"title": "t", "description": "d", "default": 1, "examples": [1], "$id": "x"},
                **{"$schema": "y", "deprecated": True, "readOnly": True, "$comment": "c"},
            },
            [],
        ),
        ({"properties": {"minimum": {"type": "null"}}}, []),  # the name of a property
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else "",
)
def test_keywords_that_a_grammar_does_not_enforce(schema, expected):
    assert dropped(lambda: LlamaGrammar.from_json_schema(json.dumps(schema))) == expected


NUMBER = {"type": "object", "properties": {"n": {"type": "number", "maximum": 3}}}
AT_NUMBER = ["maximum (at #/properties/n)"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"response_format": {"type": "json_object", "schema": NUMBER}},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": NUMBER}}},
        {"tools": [tool("f", NUMBER)]},
        {"tools": [tool("f", NUMBER)], "tool_choice": "required"},
        {
            "tools": [tool("f", NUMBER), tool("g", {"type": "object"})],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
        },
        {"functions": [{"name": "f", "parameters": NUMBER}]},
    ],
    ids=["json_object", "json_schema", "auto", "required", "forced", "functions"],
)
def test_every_road_warns_once(llm, arguments):
    messages = [{"role": "user", "content": "hi"}]
    found = dropped(lambda: llm.create_chat_completion(messages, max_tokens=1, **arguments))
    assert found == AT_NUMBER


def test_the_text_functions_warn_too():
    assert dropped(lambda: llama_grammar.json_schema_to_gbnf(json.dumps(NUMBER))) == AT_NUMBER

    def convert():
        converter = llama_grammar.SchemaConverter(
            prop_order={}, allow_fetch=False, dotall=False, raw_pattern=False
        )
        converter.visit(NUMBER, "")
        converter.format_grammar()

    assert dropped(convert) == AT_NUMBER


def test_a_large_maximum_is_none():
    """As it stands, llama.cpp reads 2**32 as 0 and this bound as -1."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = LlamaGrammar.from_json_schema(json.dumps({"type": "string", "maxLength": 2**32}))
    plain = LlamaGrammar.from_json_schema('{"type": "string"}')
    assert text._grammar == plain._grammar
    schema = {"type": "integer", "minimum": 0, "maximum": 2**64 - 1}
    bounded = LlamaGrammar.from_json_schema(json.dumps(schema))
    del schema["maximum"]
    assert bounded._grammar == LlamaGrammar.from_json_schema(json.dumps(schema))._grammar


def test_enum_values_are_counted_over_the_whole_schema():
    """Each is a parse state from the first character on; 100,000 took 16 s of a request."""
    half = {"enum": [f"value {i}" for i in range(25_000)]}
    schema = {"type": "object", "properties": {"a": half, "b": half}}
    assert LlamaGrammar.from_json_schema(json.dumps(schema))
    schema["properties"]["c"] = {"enum": ["one more"]}
    with pytest.raises(
        llama_cpp.GrammarError, match="more than 50000 enum values at #/properties/c\n"
    ):
        LlamaGrammar.from_json_schema(json.dumps(schema))


def test_optional_properties_in_any_number():
    """The converter took cubic time; three of them show that its rules are still the same."""
    names = [f"p{i}" for i in range(900)]
    schema = {"type": "object", "properties": {name: {"type": "null"} for name in names}}
    LlamaGrammar.from_json_schema(json.dumps(schema))
    small = {"type": "object", "properties": {name: {"type": "null"} for name in names[:3]}}
    lines = set(llama_grammar.json_schema_to_gbnf(json.dumps(small)).splitlines())
    assert {
        'p0-rest ::= ( "," space p1-kv )? p1-rest',
        'p1-rest ::= ( "," space p2-kv )?',
        'root ::= "{" space  (p0-kv p0-rest | p1-kv p1-rest | p2-kv )? space "}"',
    } <= {line.rstrip() for line in lines}


# ---- schemas of tools


CHOICES = ["auto", "required", {"type": "function", "function": {"name": "bad"}}]


@pytest.mark.parametrize("format", [None, "chatml", "chatml-function-calling"])
@pytest.mark.parametrize("choice", CHOICES, ids=["auto", "required", "forced"])
def test_an_unusable_schema_of_a_tool_is_named_and_means_any_object(llm, format, choice):
    """llama.cpp#25923: it was reported as a fault of the template, except for a forced tool."""
    answer = llm.create_chat_completion
    if format is not None:
        handler = llama_cpp.llama_chat_format.get_chat_completion_handler(format)
        answer = functools.partial(handler, llama=llm)
    with pytest.warns(UserWarning, match=r"(?s)'bad' is not used.*unsupported \$ref #") as caught:
        completion = answer(
            messages=[{"role": "user", "content": "hi"}],
            tools=[tool("good", {"type": "object"}), tool("bad", LOOP)],
            tool_choice=choice,
            max_tokens=60,
            temperature=0.0,
        )
    assert len(caught) == 1
    calls = completion["choices"][0]["message"].get("tool_calls") or []
    if choice == "required":
        assert calls
    if choice == CHOICES[2]:
        assert [call["function"]["name"] for call in calls] == ["bad"]
        assert calls[0]["function"]["arguments"].lstrip().startswith("{")


def test_tools_that_may_not_be_called_are_not_examined(llm):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        llm.create_chat_completion(
            messages=[{"role": "user", "content": "hi"}],
            tools=[tool("bad", LOOP)],
            tool_choice="none",
            max_tokens=1,
        )


def test_an_unusable_schema_of_an_answer(llm):
    messages = [{"role": "user", "content": "hi"}]
    with pytest.raises(llama_cpp.GrammarError, match="unsupported"):
        llm.create_chat_completion(
            messages,
            response_format={"type": "json_schema", "json_schema": {"schema": LOOP}},
        )
    with pytest.warns(UserWarning, match="any JSON object is accepted"):
        llm.create_chat_completion(
            messages, max_tokens=1, response_format={"type": "json_object", "schema": LOOP}
        )


# ---- bounds that do not fit into 64 bits


def integer_grammar(bounds):
    return _core.json_schema_to_grammar(json.dumps({"type": "integer", **bounds}))


@pytest.mark.parametrize(
    ("bounds", "same"),
    [
        ({"minimum": -1e40, "maximum": 5}, {"maximum": 5}),
        ({"minimum": 1, "maximum": 1e40}, {"minimum": 1}),
        ({"minimum": 1, "maximum": 2**63}, {"minimum": 1}),
        ({"exclusiveMinimum": -1e40, "maximum": 5}, {"maximum": 5}),
    ],
)
def test_a_bound_that_excludes_nothing(bounds, same):
    assert integer_grammar(bounds) == integer_grammar(same)


@pytest.mark.parametrize(
    "bounds",
    [
        {"minimum": 1e40},
        {"minimum": 2**63},
        {"maximum": -1e40},
        {"exclusiveMinimum": 2**63 - 1},
        {"exclusiveMaximum": -(2**63)},
    ],
)
def test_a_bound_that_excludes_all(bounds):
    with pytest.raises(llama_cpp.GrammarError, match="admits no integer"):
        integer_grammar(bounds)


# ---- messages of llama-common

NOISY = r"""
import json, logging, os, sys, warnings
warnings.simplefilter("ignore")
import llama_cpp
from llama_cpp import LlamaGrammar, _core
from llama_cpp._logger import set_log_callback, set_verbose

lines = []
if sys.argv[1] == "logger":
    set_verbose(True)
    set_log_callback(lambda level, text, data: lines.append((level, text.decode())))
else:
    set_verbose(False)
LlamaGrammar.from_json_schema(json.dumps({"type": "string", "pattern": "(?=a)b"}))
_core.json_schema_to_grammar(json.dumps({"type": "string", "pattern": "(?=a)b"}))
for text in ('root ::= "a"{0,99999999999999999999}', "root ::= ("):
    try:
        LlamaGrammar.from_string(text)
    except llama_cpp.GrammarError:
        pass
prompt = _core.ChatTemplates(None, "{{ messages[0]['content'] }}").apply(
    json.dumps([{"role": "user", "content": "hi"}]))
print(json.dumps(lines))
"""


def test_verbose_false_leaves_the_file_descriptors_alone(run_python):
    done = run_python(NOISY, "quiet")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" and done.stdout == "[]\n"


def test_messages_of_llama_common_reach_the_log_callback(run_python):
    done = run_python(NOISY, "logger")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    lines = json.loads(done.stdout)
    warning = 3  # GGML_LOG_LEVEL_WARN
    assert any(level == warning and "conversion was incomplete" in text for level, text in lines)
