"""SchemaConverter, method by method: grammars that accept what the schema admits."""

from __future__ import annotations

import io
import json
import urllib.request
import warnings

import pytest

import llama_cpp
from llama_cpp import LlamaGrammar, _core, llama_grammar
from llama_cpp.llama_grammar import BuiltinRule, SchemaConverter


def converter(cls=SchemaConverter, **options):
    options = {"prop_order": {}, "allow_fetch": False, "dotall": False, **options}
    return cls(**{"raw_pattern": False, **options})


def converted(schema, cls=SchemaConverter, **options) -> str:
    """Returns the grammar of the calls that llama-cpp-python's json_schema_to_gbnf() makes."""
    steps = converter(cls, **options)
    steps.visit(steps.resolve_refs(schema, "stdin"), "")
    return steps.format_grammar()


@pytest.fixture(scope="module")
def accepts(load, random_models):
    """Returns a function that tells whether a text is a sentence of a grammar."""
    model = load(random_models / "llama-q8_0.gguf")  # each character is a token

    def accepts(grammar: str, text: str) -> bool:
        params = _core.SamplingParams()
        params.grammar = LlamaGrammar.from_string(grammar)._grammar
        sampler = _core.Sampler(model.tokenizer()._model, params)
        tokens = model.tokenize(text.encode(), add_bos=False)
        try:
            sampler.accept_many([*tokens, model.token_eos()], True)
        except llama_cpp.GrammarError:
            return False
        return True

    return accepts


# (schema, valid, invalid); schemas and values of "Understanding JSON Schema" (json-schema.org), by
# the name of the section, and of the RFCs that the formats come from.
PHONE = r"^(\([0-9]{3}\))?[0-9]{3}-[0-9]{4}$"
STREETS = ["Street", "Avenue", "Boulevard"]
ADDRESS = {
    "type": "object",
    "properties": {
        "number": {"type": "number"},
        "street_name": {"type": "string"},
        "street_type": {"enum": STREETS},
    },
}
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "children": {"type": "array", "items": {"$ref": "#"}},
    },
}
CASES = {
    "length": ({"type": "string", "minLength": 2, "maxLength": 3}, ["AB", "ABC"], ["A", "ABCD"]),
    "pattern": (
        {"type": "string", "pattern": PHONE},
        ["555-1212", "(888)555-1212"],
        ["(888)555-1212 ext. 532", "(800)FLOWERS"],
    ),
    "date-time, RFC 3339 5.8": (
        {"type": "string", "format": "date-time"},
        ["1996-12-19T16:39:57-08:00", "1990-12-31T15:59:59-08:00"],
        ["1996-12-19", "1996-13-19T16:39:57Z"],
    ),
    "uuid, RFC 9562 4": (
        {"type": "string", "format": "uuid"},
        ["f81d4fae-7dec-11d0-a765-00a0c91e6bf6"],
        ["f81d4fae7dec11d0a76500a0c91e6bf6", 1],
    ),
    "integer": ({"type": "integer"}, [42, -1], [3.1415926, "42"]),
    "multiple types": ({"type": ["number", "string"]}, [42, "Life"], [["Life", "the universe"]]),
    "properties": (
        ADDRESS,
        [
            {"number": 1600, "street_name": "Pennsylvania", "street_type": "Avenue"},
            {"number": 1600, "street_name": "Pennsylvania"},
            {},
        ],
        [{"number": "1600", "street_name": "Pennsylvania", "street_type": "Avenue"}],
    ),
    "additional properties, false": (
        {**ADDRESS, "additionalProperties": False},
        [{"number": 1600, "street_name": "Pennsylvania", "street_type": "Avenue"}],
        [{"number": 1600, "direction": "NW"}],
    ),
    "additional properties, strings": (
        {**ADDRESS, "additionalProperties": {"type": "string"}},
        [{"number": 1600, "direction": "NW"}],
        [{"number": 1600, "office_number": 201}],
    ),
    "required": (
        {
            "type": "object",
            "properties": {name: {"type": "string"} for name in ("name", "email", "address")},
            "required": ["name", "email"],
        },
        [{"name": "William", "email": "bill@stratford"}],
        [{"name": "William", "address": "Henley"}, {"name": "William", "email": None}],
    ),
    "items": ({"type": "array", "items": {"type": "number"}}, [[1, 2, 3], []], [[1, "3", 4]]),
    "tuple": (
        {
            "type": "array",
            "prefixItems": [
                {"type": "number"},
                {"type": "string"},
                {"enum": STREETS},
                {"enum": ["NW", "NE", "SW", "SE"]},
            ],
        },
        [[1600, "Pennsylvania", "Avenue", "NW"]],
        [[24, "Sussex", "Drive", "SW"], ["Palais de l'Elysee"]],
    ),
    "item counts": (
        {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 3},
        [[1, 2], [1, 2, 3]],
        [[], [1], [1, 2, 3, 4]],
    ),
    "enum": ({"enum": ["red", "amber", "green", None, 42]}, ["red", None, 42], [0, "r"]),
    "const": (
        {"properties": {"country": {"const": "United States of America"}}},
        [{"country": "United States of America"}],
        [{"country": "Canada"}],
    ),
    "anyOf": (
        {"anyOf": [{"type": "string", "maxLength": 5}, {"type": "integer", "minimum": 0}]},
        ["short", 12],
        ["too long", -5],
    ),
    "recursion": (
        PERSON,
        [{"name": "E", "children": [{"name": "A", "children": [{"name": "B"}]}]}],
        [{"name": "E", "children": [{"name": 1}]}],
    ),
    "quotes and backslashes": ({"enum": ['a"b', "c\\d", "\n\t"]}, ['a"b', "c\\d", "\n\t"], ["ab"]),
    "all types": (
        {"type": "object", "properties": {"a": {}}},
        [{"a": [1.5e20, {"b": None, "c": [True, False, '\u00e9"']}]}],
        [{"b": 1}],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_values(accepts, name):
    schema, valid, invalid = CASES[name]
    grammar = converted(schema)
    for value in valid:
        assert accepts(grammar, json.dumps(value, ensure_ascii=False)), value
    for value in invalid:
        assert not accepts(grammar, json.dumps(value, ensure_ascii=False)), value


@pytest.mark.parametrize("name", sorted(set(CASES) - {"recursion"}))  # to "#": llama.cpp has none
def test_values_as_the_whole_conversion_has_them(accepts, name):
    schema, valid, invalid = CASES[name]
    grammars = converted(schema), llama_grammar.json_schema_to_gbnf(json.dumps(schema))
    for value in [*valid, *invalid]:
        text = json.dumps(value, ensure_ascii=False)
        assert accepts(grammars[0], text) == accepts(grammars[1], text)


def test_order_of_properties(accepts):
    schema = {"properties": {name: {"const": 1} for name in "abc"}, "required": ["a", "b", "c"]}
    grammar = converted(schema, prop_order={"c": 0, "b": 1})
    assert accepts(grammar, '{"c":1,"b":1,"a":1}')
    assert not accepts(grammar, '{"a":1,"b":1,"c":1}')


def test_all_of(accepts):
    """Properties of parts come together, also of parts that are references."""
    schema = {
        "$defs": {"base": {"properties": {"id": {"type": "integer"}}, "required": ["id"]}},
        "allOf": [{"$ref": "#/$defs/base"}, {"properties": {"tag": {"enum": ["a", "b"]}}}],
    }
    grammar = converted(schema)
    assert accepts(grammar, '{"id":1,"tag":"b"}')
    assert not accepts(grammar, '{"id":1}') and not accepts(grammar, '{"id":"1","tag":"b"}')


# ---- references


def test_definitions_of_one_name(accepts):
    """llama-cpp-python takes the second for the first, and "string" for the type."""
    schema = {
        "definitions": {"size": {"const": 1}, "string": {"const": 3}},
        "$defs": {"size": {"const": 2}},
        "prefixItems": [
            {"$ref": "#/definitions/size"},
            {"$ref": "#/$defs/size"},
            {"$ref": "#/definitions/string"},
            {"type": "string"},
            {"$ref": "#/$defs/size"},
        ],
    }
    grammar = converted(schema)
    assert accepts(grammar, '[1,2,3,"x",2]')
    assert not accepts(grammar, '[1,1,3,"x",2]') and not accepts(grammar, '[1,2,"3","x",2]')


def test_recursion_between_definitions(accepts):
    schema = {
        "$ref": "#/$defs/a",
        "$defs": {
            "a": {"properties": {"b": {"$ref": "#/$defs/b"}}},
            "b": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/a"}]},
        },
    }
    for grammar in (converted(schema), visited(schema)):
        assert accepts(grammar, '{"b":{"b":null}}') and accepts(grammar, '{"b":{"b":{}}}')
        assert not accepts(grammar, '{"b":1}')


def visited(schema) -> str:
    """Returns the grammar without resolve_refs()."""
    steps = converter()
    steps.visit(schema, "")
    return steps.format_grammar()


def test_references_are_pointers(accepts):
    """RFC 6901: "~1" is "/", "~0" is "~", numbers are places in arrays."""
    schema = {
        "$defs": {"a/b": {"anyOf": [{"const": 1}, {"const": 2}]}, "c~d": {"const": 3}},
        "prefixItems": [{"$ref": "#/$defs/a~1b/anyOf/1"}, {"$ref": "#/$defs/c~0d"}],
    }
    assert accepts(converted(schema), "[2,3]")


def test_given_schema_stays():
    schema = {"$ref": "#/$defs/a", "$defs": {"a": {"const": 1}}}
    before = json.dumps(schema)
    converted(schema)
    assert json.dumps(schema) == before


@pytest.mark.parametrize("ref", ["#/$defs/none", "#/$defs/a/0", "file:///etc/passwd", "http://a"])
def test_references_that_lead_nowhere(ref):
    schema = {"$ref": ref, "$defs": {"a": []}}
    with pytest.raises(llama_cpp.GrammarError, match="leads nowhere|not supported"):
        converter().resolve_refs(schema, "stdin")
    with pytest.raises(llama_cpp.GrammarError):
        visited(schema)


def test_nothing_is_fetched_unless_allowed(monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", lambda *args, **kwargs: pytest.fail("fetched"))
    with pytest.raises(llama_cpp.GrammarError, match="https://a.test/b.\n?.*\n.*allow_fetch=True"):
        converted({"$ref": "https://a.test/b#/$defs/c"})


def test_fetching(accepts, monkeypatch):
    """Documents are fetched once; references in them are to themselves or to others."""
    documents = {
        "https://a.test/b": {
            "$defs": {
                "c": {"prefixItems": [{"$ref": "#/$defs/d"}, {"$ref": "https://a.test/e"}]},
                "d": {"const": 1},
            }
        },
        "https://a.test/e": {"anyOf": [{"const": 2}, {"$ref": "https://a.test/b#/$defs/c"}]},
    }
    fetched = []

    def urlopen(url, timeout):
        assert timeout > 0
        fetched.append(url)
        return io.BytesIO(json.dumps(documents[url]).encode())

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    schema = {
        "$defs": {"d": {"const": 5}},
        "prefixItems": [{"$ref": "https://a.test/b#/$defs/c"}, {"$ref": "#/$defs/d"}],
    }
    grammar = converted(schema, allow_fetch=True)
    assert accepts(grammar, "[[1,2],5]") and accepts(grammar, "[[1,[1,2]],5]")
    assert not accepts(grammar, "[[5,2],5]") and not accepts(grammar, "[[1,2],1]")
    assert sorted(fetched) == sorted(documents)


def test_fetching_fails(monkeypatch):
    def urlopen(url, timeout):
        raise OSError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    with pytest.raises(llama_cpp.GrammarError, match="https://a.test/b could not.*no network"):
        converted({"$ref": "https://a.test/b"}, allow_fetch=True)


# ---- subclasses and callers of single methods


class WithColours(SchemaConverter):
    """Knows a type of its own."""

    def visit(self, schema, name):
        if isinstance(schema, dict) and schema.get("type") == "colour":
            return self._add_rule("colour", r'"\"#" [0-9a-f]{6} "\""')
        return super().visit(schema, name)


COLOUR = {"type": "colour"}


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (COLOUR, "{}"),
        ({"properties": {"a": COLOUR, "b": {"type": "integer"}}}, '{{"a":{},"b":1}}'),
        ({"properties": {}, "additionalProperties": COLOUR}, '{{"any":{}}}'),
        ({"type": "array", "items": COLOUR, "minItems": 2}, "[{0},{0}]"),
        ({"prefixItems": [{"const": 1}, COLOUR]}, "[1,{}]"),
        ({"anyOf": [{"type": "null"}, COLOUR]}, "{}"),
        ({"allOf": [{"properties": {"a": COLOUR}}, {"properties": {"b": {}}}]}, '{{"a":{},"b":2}}'),
        ({"$ref": "#/$defs/c", "$defs": {"c": COLOUR}}, "{}"),
        ({"type": "array", "items": {"$ref": "#/$defs/c"}, "$defs": {"c": COLOUR}}, "[{}]"),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("error")
def test_subclass_with_a_type_of_its_own(accepts, schema, text):
    steps = converter(WithColours)
    rule = steps.visit(steps.resolve_refs(schema, "stdin"), "")
    grammar = steps.format_grammar()
    if rule != "root":
        grammar += f"\nroot ::= {rule}"
    assert accepts(grammar, text.format('"#00ff99"'))
    assert not accepts(grammar, text.format('"red"'))


def test_other_hooks_are_called(accepts):
    class Loud(SchemaConverter):
        def _generate_constant_rule(self, value):
            return self._format_literal(json.dumps(value).upper())

        def _build_object_rule(self, properties, required, name, additional_properties):
            required = {key for key, _ in properties}
            return super()._build_object_rule(properties, required, name, additional_properties)

    grammar = converted({"properties": {"a": {"enum": ["x", "y"]}}}, Loud)
    assert accepts(grammar, '{"a":"X"}')
    assert not accepts(grammar, '{"a":"x"}') and not accepts(grammar, "{}")


def test_rules_beside_those_of_a_schema(accepts):
    """A caller visits schemas under names, and writes the root itself."""
    steps = converter()
    names = [steps.visit(schema, f"tool-{i}") for i, (schema, _, _) in enumerate(CASES.values())]
    call = steps._add_rule("call", f"{steps._format_literal('call: ')} ( {' | '.join(names)} )")
    grammar = f"{steps.format_grammar()}\nroot ::= {call}"
    for name in ("pattern", "properties", "recursion"):
        for value in CASES[name][1]:
            assert accepts(grammar, f"call: {json.dumps(value)}")
    assert not accepts(grammar, "call: -5.25e3x")


def test_methods_that_return_texts(accepts):
    steps = converter()
    rule = steps._build_object_rule(
        [("b", {"const": 1}), ("a", {"type": "integer"})], {"b"}, "thing", {"type": "boolean"}
    )
    union = steps._generate_union_rule("other", [{"const": 2}, {"type": "null"}])
    constant = steps._generate_constant_rule({"k": 'v"'})
    steps._add_primitive("value", llama_grammar.PRIMITIVE_RULES["value"])
    root = f'root ::= {rule} | {union} | {constant} | "any " value'
    grammar = f"{steps.format_grammar()}\n{root}"
    for text in ('{"b":1}', '{"b":1,"a":7}', '{"b":1,"x":true}', "2", "null", '{"k":"v\\""}'):
        assert accepts(grammar, text), text
    assert accepts(grammar, 'any {"x": [1]}')
    for text in ('{"a":7}', '{"b":1,"x":7}', "3", '{"k":"v"}'):
        assert not accepts(grammar, text), text


def test_rules_of_one_name():
    steps = converter()
    assert steps._add_rule("a b", '"1"') == "a-b" == steps._add_rule("a b", '"1"')
    assert steps._add_rule("a b", '"2"') == "a-b0" and steps._add_rule("a b", '"3"') == "a-b1"
    assert steps._rules["a-b0"] == '"2"'


def test_own_primitive():
    steps = converter()
    assert steps._add_primitive("hour", BuiltinRule('time "h"', ["time"])) == "hour"
    assert "time" in steps._rules
    with pytest.raises(llama_cpp.GrammarError, match="'no-such'"):
        steps._add_primitive("x", BuiltinRule("no-such", ["no-such"]))


@pytest.mark.parametrize("dotall", [False, True])
@pytest.mark.parametrize("raw_pattern", [False, True])
def test_patterns(accepts, dotall, raw_pattern):
    steps = converter(dotall=dotall, raw_pattern=raw_pattern)
    steps._visit_pattern("^a.(b|c){2}$", "root")
    grammar, quote = steps.format_grammar(), "" if raw_pattern else '"'
    assert accepts(grammar, f"{quote}axbc{quote}")
    assert accepts(grammar, f"{quote}a\nbc{quote}") is dotall
    assert not accepts(grammar, f"{quote}axb{quote}")


def test_raw_pattern_that_a_grammar_cannot_have():
    with pytest.raises(llama_cpp.GrammarError, match="can't express"):
        converter(raw_pattern=True)._visit_pattern("^(?=a)b$", "root")


@pytest.mark.parametrize("literal", ["a", "abc", "]>", "^-\\", "a_b"])
def test_not_literal(accepts, literal):
    """Prefixes, and texts that differ in their last character."""
    grammar = f"root ::= {converter().not_literal(literal)}"
    for length in range(1, len(literal)):
        assert accepts(grammar, literal[:length]), length
    for length in range(len(literal)):
        assert accepts(grammar, literal[:length] + "?"), length
    assert not accepts(grammar, literal)


def test_not_literal_with_escaped_underscores(accepts):
    grammar = f"root ::= {converter().not_literal('a_b', maybe_escaped_underscores=True)}"
    assert not accepts(grammar, "a_b") and not accepts(grammar, r"a\_b")
    for text in ("a_", r"a\_", "a_c", r"a\_c", "ab", r"a\b"):
        assert accepts(grammar, text), text


@pytest.mark.parametrize("separator", [None, '","'])
@pytest.mark.parametrize(
    ("least", "most"),
    [(least, most) for least in range(3) for most in (*range(least, 4), None)],
)
def test_repetition(accepts, least, most, separator):
    rule = llama_grammar._build_repetition('"a"', least, most, separator)
    for count in range(5):
        text = ("," if separator else "").join("a" * count)
        is_valid = least <= count and (most is None or count <= most)
        assert accepts(f"root ::= {rule}", text) is is_valid, count
    assert not accepts(f"root ::= {rule}", "a,a," if separator else "ab")


# ---- constants


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("boolean", "true"),
        ("integer", "-12"),
        ("number", "1.5e3"),
        ("string", '"a"'),
        ("null", "null"),
        ("array", "[1]"),
        ("object", '{"a":1}'),
        ("value", '{"a":[]}'),
        ("uuid", '"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"'),
        ("char", "a"),
        ("integral-part", "10"),
        ("decimal-part", "05"),
        ("date", "1996-12-19"),
        ("time", "16:39:57-08:00"),
        ("date-time", "1996-12-19T16:39:57-08:00"),
        ("date-string", '"1996-12-19"'),
        ("time-string", '"16:39:57Z"'),
        ("date-time-string", '"1996-12-19T16:39:57-08:00"'),
    ],
)
def test_ready_made_rules(accepts, name, text):
    rules = {**llama_grammar.PRIMITIVE_RULES, **llama_grammar.STRING_FORMAT_RULES}
    steps = converter()
    steps._add_primitive("root", rules[name])
    assert accepts(steps.format_grammar(), text)
    assert not accepts(steps.format_grammar(), text + "x")
    assert name in llama_grammar.RESERVED_NAMES and set(rules[name].deps) <= set(rules)


def test_other_constants(accepts):
    assert accepts(f'root ::= "a" space "b"\nspace ::= {llama_grammar.SPACE_RULE}', "a b")
    assert accepts(f"root ::= {llama_grammar.DOTALL}", "\n")
    assert not accepts(f"root ::= {llama_grammar.DOT}", "\n")
    assert llama_grammar.RESERVED_NAMES >= {"root", "dot", "string", "date"}
    escaped = llama_grammar.GRAMMAR_LITERAL_ESCAPE_RE.sub(
        lambda found: llama_grammar.GRAMMAR_LITERAL_ESCAPES[found[0]], 'a"\r\n\\'
    )
    assert accepts(f'root ::= "{escaped}"', 'a"\r\n\\')


# ---- faults


@pytest.mark.parametrize(
    "schema",
    [
        *({"type": "colour"}, {"type": []}, {"type": 1}, {"enum": 1}, {"enum": []}, {"$ref": "#"}),
        *({"$ref": 1}, {"anyOf": 1}, {"oneOf": []}, {"allOf": {}}, {"properties": []}, 5),
        {"properties": {"a": {"type": "array", "items": {"required": "a"}}}},
    ],
    ids=str,
)
def test_schema_that_is_none(schema):
    with pytest.raises(llama_cpp.GrammarError):
        LlamaGrammar.from_string(visited(schema))


def test_all_of_itself():
    schema = {"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}}
    with pytest.raises(llama_cpp.GrammarError):
        visited(schema)


def test_no_schema():
    with pytest.raises(llama_cpp.GrammarError, match="visit"):
        converter().format_grammar()


def test_keywords_that_are_not_enforced_warn_once():
    steps = converter()
    steps.visit({"type": "array", "items": {"type": "number"}, "uniqueItems": True}, "")
    with pytest.warns(UserWarning, match=r"The JSON schema: .*uniqueItems \(at #\)"):
        steps.format_grammar()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        steps.format_grammar()
