"""From JSON schemas to grammars step by step, under llama-cpp-python's names.

Programs derive from :class:`SchemaConverter`, or call its methods, to have rules of their own among
those of a schema. The rule of each node is llama.cpp's: it converts the node with marks in place of
the nodes below, and the marks become the rules that ``visit`` returned for those.
"""

from __future__ import annotations

import copy
import json
import uuid
from typing import Any, Dict, List, Optional, Set, Tuple, Union

from .. import _core
from .._errors import GrammarError
from . import gbnf
from . import json_schema as schemas
from .grammar import LLAMA_GRAMMAR_DEFAULT_ROOT, reorder
from .schema_refs import fetch, nodes, target_of
from .schema_rules import (
    DOTALL,
    INVALID_RULE_CHARS_RE,
    PRIMITIVE_RULES,
    RESERVED_NAMES,
    SPACE_RULE,
    STRING_FORMAT_RULES,
    BuiltinRule,
)

Schema = Dict[str, Any]

_BUILTIN = {**PRIMITIVE_RULES, **STRING_FORMAT_RULES}
# llama.cpp's rule of a string with a pattern.
_QUOTED = (r'"\"" (', r') "\""')

_FORMS: Dict[str, Tuple[Any, str]] = {
    "$ref": (str, "a string"),
    "properties": (dict, "an object"),
    **dict.fromkeys(("required", "allOf"), (list, "an array")),
    **dict.fromkeys(("enum", "anyOf", "oneOf"), (list, "an array of at least one")),
    "type": ((str, list), "a string, or an array of at least one"),
}
_NOT_EMPTY = ("enum", "anyOf", "oneOf", "type")  # nothing would fit


class SchemaConverter:
    """Makes the rules of a grammar out of JSON schemas.

    Call ``visit(schema, "")``, then ``format_grammar()``. A subclass may override each method;
    ``visit`` is called for every node. Local references need no call before; ``resolve_refs``
    fetches remote ones. Rules are what LlamaGrammar.from_json_schema() makes, under other names.
    """

    def __init__(
        self, *, prop_order: Dict[str, int], allow_fetch: bool, dotall: bool, raw_pattern: bool
    ):
        """Sets how schemas are converted.

        Args:
            prop_order: rank of properties by name; those without one come behind.
            allow_fetch: let resolve_refs() fetch schemas over https.
            dotall: a dot in a pattern is any character, line breaks included.
            raw_pattern: a pattern describes the text itself, without JSON's quotes.
        """
        self._prop_order = prop_order
        self._allow_fetch = allow_fetch
        self._dotall = dotall
        self._raw_pattern = raw_pattern
        self._rules: gbnf.Rules = {"space": SPACE_RULE}
        self._refs: Dict[str, Any] = {}  # reference -> schema, of resolve_refs()
        self._refs_being_resolved: Set[str] = set()
        self._names: Dict[str, str] = {}  # reference -> its rule
        self._recursive: Set[str] = set()
        self._root: Any = None  # the schema of the outermost visit()
        self._dropped: List[Tuple[str, str]] = []

    # ---- references

    def resolve_refs(self, schema: dict, url: str) -> dict:
        """Returns `schema` with all references known, those to https://... fetched.

        `url` is where `schema` is from. A schema that is fetched is checked like a given one, and
        nothing is fetched without allow_fetch. GrammarError for a reference that leads nowhere.
        """
        schema = copy.deepcopy(schema)
        self._learn_refs(schema, url)
        return schema

    def _learn_refs(self, schema: Any, url: str) -> None:
        for node in nodes(schema):
            ref = node.get("$ref")
            if not isinstance(ref, str) or ref in self._refs:
                continue
            if ref.startswith("https://"):
                self._refs[ref] = target_of(self._document(ref.partition("#")[0]), ref)
            elif ref.startswith("#"):
                if url.startswith("https://"):  # references of two documents may be the same
                    node["$ref"] = ref = url + ref
                self._refs[ref] = target_of(schema, ref)
            else:
                raise GrammarError(
                    f"The reference {ref!r} is not supported\nUse '#/...' or 'https://...'."
                )

    def _document(self, url: str) -> Any:
        if url not in self._refs:
            if not self._allow_fetch:
                raise GrammarError(
                    f"The JSON schema refers to {url}, which is not fetched\n"
                    "Put that schema into '$defs', or pass allow_fetch=True."
                )
            self._refs[url] = fetch(url)  # known first: references may lead back
            self._learn_refs(self._refs[url], url)
        return self._refs[url]

    def _resolve_ref(self, ref: str) -> str:
        """Returns the rule of a reference."""
        if ref in self._refs_being_resolved:
            self._recursive.add(ref)
        elif ref not in self._names:
            name = self._names[ref] = self._free_name(ref)
            self._refs_being_resolved.add(ref)
            try:
                self._names[ref] = self.visit(self._followed(ref), name)
            finally:
                self._refs_being_resolved.discard(ref)
            if ref in self._recursive and self._names[ref] != name:
                self._rules[name] = self._names[ref]
        return self._names[ref]

    def _free_name(self, ref: str) -> str:
        last = INVALID_RULE_CHARS_RE.sub("-", ref.rpartition("/")[2].lstrip("#")) or "ref"
        taken = {*self._rules, *self._names.values(), *RESERVED_NAMES}
        names = (last if n == 0 else f"{last}-{n}" for n in range(len(taken) + 1))
        return next(name for name in names if name not in taken)

    def _followed(self, ref: str) -> Any:
        if ref.startswith("#") and isinstance(self._root, dict):
            try:
                return target_of(self._root, ref)
            except GrammarError:
                if ref not in self._refs:
                    raise
        if ref not in self._refs:
            raise GrammarError(f"The reference {ref!r} is not known: call resolve_refs() before")
        return schemas.prepare(self._refs[ref]).schema

    # ---- nodes

    def visit(self, schema: dict, name: str) -> str:
        """Adds the rules of a schema, and returns the rule that stands for it.

        Its name begins with `name`, or is "root" for ""; types without anything more have one rule
        in common. GrammarError for a schema that can't be expressed.
        """
        if self._root is not None:
            return self._visit(schema, name)
        prepared = schemas.prepare(schema)
        self._dropped += prepared.dropped
        self._root = prepared.schema
        self._names.clear()
        try:
            return self._visit(prepared.schema, name)
        except RecursionError:
            raise GrammarError("The JSON schema nests too deep, or contains itself") from None
        finally:
            self._root = None

    def _visit(self, schema: Any, name: str) -> str:
        _check_form(schema)
        rule_name = f"{name}-" if name in RESERVED_NAMES else name or LLAMA_GRAMMAR_DEFAULT_ROOT
        kinds = schemas.node_kinds(schema)
        if kinds == ["$ref"]:
            return self._add_rule(rule_name, self._resolve_ref(schema["$ref"]))
        if kinds in (["oneOf"], ["anyOf"]):
            return self._add_rule(rule_name, self._generate_union_rule(name, schema[kinds[0]]))
        if isinstance(schema, dict) and isinstance(schema.get("type"), list):
            alternatives = [{**schema, "type": each} for each in schema["type"]]
            return self._add_rule(rule_name, self._generate_union_rule(name, alternatives))
        (kind,) = kinds
        make = getattr(self, f"_rule_of_{kind}", None)
        if make is not None:
            return self._add_rule(rule_name, make(schema, name))
        if kind == "string" and schema.get("pattern"):
            return self._visit_pattern(schema["pattern"], rule_name)
        return self._visit_leaf(schema, rule_name)

    def _visit_leaf(self, schema: Any, rule_name: str) -> str:
        body = self._converted(schema, rule_name)
        for name, rule in _BUILTIN.items():
            if rule.content == body:
                is_root = rule_name == LLAMA_GRAMMAR_DEFAULT_ROOT
                return self._add_primitive(rule_name if is_root else name, rule)
        return self._add_rule(rule_name, body)

    def _visit_pattern(self, pattern: str, name: str) -> str:
        """Adds the rules of a regular expression, which has to be anchored at both ends."""
        body = self._converted({"type": "string", "pattern": pattern}, name)
        if self._raw_pattern:
            begin, end = _QUOTED
            if not (body.startswith(begin) and body.endswith(end)):
                raise GrammarError(f"llama.cpp's grammars can't express the pattern {pattern!r}")
            body = body[len(begin) - 1 : len(body) - len(end) + 1]
        return self._add_rule(name, body)

    def _generate_union_rule(self, name: str, alt_schemas: List[Schema]) -> str:
        prefix = name or "alternative"
        rules = [self.visit(each, f"{prefix}-{i}") for i, each in enumerate(alt_schemas)]
        return " | ".join(rules)

    def _generate_constant_rule(self, value: Any) -> str:
        return self._format_literal(json.dumps(value, ensure_ascii=False, separators=(",", ":")))

    def _rule_of_const(self, schema: Schema, name: str) -> str:
        return self._generate_constant_rule(schema["const"])

    def _rule_of_enum(self, schema: Schema, name: str) -> str:
        return f"({' | '.join(map(self._generate_constant_rule, schema['enum']))})"

    def _rule_of_object(self, schema: Schema, name: str) -> str:
        if not schema.get("properties") and schema.get("additionalProperties", True) is True:
            return self._converted(schema, name)
        properties = list(schema.get("properties", {}).items())
        required = {each for each in schema.get("required", ()) if isinstance(each, str)}
        return self._build_object_rule(
            properties, required, name, schema.get("additionalProperties")
        )

    def _build_object_rule(
        self,
        properties: List[Tuple[str, Any]],
        required: Set[str],
        name: str,
        additional_properties: Union[bool, Any],
    ) -> str:
        """Returns the text of an object's rule.

        `properties` are (name, schema); of the others those that `additional_properties` (True, or
        a schema) admits may follow, none for None and False.
        """
        marks = _Marks()
        schema: Schema = {
            "type": "object",
            "properties": self._marked(dict(properties), name, marks),
            "required": [each for each in dict(properties) if each in required],
            "additionalProperties": additional_properties or False,
        }
        if isinstance(additional_properties, dict):
            rule = self.visit(additional_properties, f"{_prefix(name)}additional-value")
            schema["additionalProperties"] = marks.add(rule)
        return self._converted(schema, name, marks)

    def _rule_of_array(self, schema: Schema, name: str) -> str:
        return self._rule_of_items(schema, name, "item")

    def _rule_of_tuple(self, schema: Schema, name: str) -> str:
        return self._rule_of_items(schema, name, "tuple")

    def _rule_of_items(self, schema: Schema, name: str, word: str) -> str:
        marks = _Marks()
        keyword = "items" if "items" in schema else "prefixItems"
        items = schema.get(keyword)
        if isinstance(items, dict):
            items = marks.add(self.visit(items, f"{_prefix(name)}{word}"))
        elif isinstance(items, list):
            names = (f"{_prefix(name)}{word}-{index}" for index in range(len(items)))
            items = [marks.add(self.visit(each, at)) for each, at in zip(items, names)]
        return self._converted({**schema, keyword: items} if items else schema, name, marks)

    def _rule_of_allOf(self, schema: Schema, name: str) -> str:
        """Returns the rule of parts that llama.cpp merges: properties of objects, or enums."""
        marks = _Marks()

        def part(node: Any) -> Any:
            while isinstance(node, dict) and isinstance(node.get("$ref"), str):
                node = self._followed(node["$ref"])
            if not isinstance(node, dict):
                return node
            node = dict(node)
            for keyword in ("allOf", "anyOf", "oneOf"):
                if isinstance(node.get(keyword), list):
                    node[keyword] = [part(each) for each in node[keyword]]
            if isinstance(node.get("properties"), dict):
                node["properties"] = self._marked(node["properties"], name, marks)
            return node

        return self._converted(part(schema), name, marks)

    def _marked(self, properties: Schema, name: str, marks: _Marks) -> Schema:
        """Returns the properties with marks in place of their schemas, which are visited."""
        return {
            each: marks.add(self.visit(schema, f"{_prefix(name)}{each}"))
            for each, schema in properties.items()
        }

    # ---- rules

    def _converted(self, schema: Any, name: str, marks: Optional[_Marks] = None) -> str:
        """Returns the text of llama.cpp's rule of a node, and adds the rules it refers to."""
        ordered = reorder(schema, self._prop_order) if self._prop_order else schema
        rules = gbnf.rules_of(_core.json_schema_to_grammar(json.dumps(ordered)))
        known = {} if marks is None else marks.rules_in(rules)
        known["space"] = "space"
        prefix = "" if name == LLAMA_GRAMMAR_DEFAULT_ROOT else _prefix(name)

        def our(rule: str) -> str:
            if rule not in known:
                known[rule] = self._add_theirs(prefix, rule, rules[rule], our)
            return known[rule]

        return gbnf.renamed(rules[LLAMA_GRAMMAR_DEFAULT_ROOT], our)

    def _add_theirs(self, prefix: str, rule: str, body: str, our: Any) -> str:
        if rule in _BUILTIN and _BUILTIN[rule].content == body:
            return self._add_primitive(rule, _BUILTIN[rule])
        if rule == "dot":
            return self._add_rule(rule, DOTALL if self._dotall else body)
        if prefix and rule.startswith("root-"):  # a part of a pattern
            rule = rule[len("root-") :]
        return self._add_rule(prefix + rule, gbnf.renamed(body, our))

    def _add_rule(self, name: str, rule: str) -> str:
        """Adds a rule; returns its name, which has a number where another one has it already."""
        name = INVALID_RULE_CHARS_RE.sub("-", name)
        key, number = name, 0
        while self._rules.get(key, rule) != rule:
            key, number = f"{name}{number}", number + 1
        self._rules[key] = rule
        return key

    def _add_primitive(self, name: str, rule: BuiltinRule) -> str:
        """Adds a ready-made rule with the rules that it refers to; returns its name."""
        added = self._add_rule(name, rule.content)
        for dependency in rule.deps:
            if dependency not in _BUILTIN:
                raise GrammarError(f"There is no ready-made rule {dependency!r}")
            if dependency not in self._rules:
                self._add_primitive(dependency, _BUILTIN[dependency])
        return added

    def _format_literal(self, literal: str) -> str:
        """Returns the GBNF literal of a text."""
        return gbnf.literal(literal)

    def not_literal(
        self, literal: str, dotall: bool = True, maybe_escaped_underscores: bool = False
    ) -> str:
        """Returns GBNF of texts that stop before `literal` is complete, or differ in a character.

        With maybe_escaped_underscores the literal may have a backslash before "_". `dotall` has no
        effect.
        """
        if not literal:
            raise GrammarError("The literal is empty: there is no text without it")
        head, rest = literal[0], literal[1:]
        is_escaped = maybe_escaped_underscores and head == "_"
        alternatives = [f"[^{gbnf.in_set(head)}{gbnf.in_set(chr(92)) if is_escaped else ''}]"]
        if is_escaped:
            alternatives.append(r'"\\" [^_]')
        if rest:
            more = self.not_literal(rest, dotall, maybe_escaped_underscores)
            begin = r'"\\"? "_"' if is_escaped else self._format_literal(head)
            alternatives.append(f"{begin} {more}?")
        return f"({' | '.join(alternatives)})"

    def format_grammar(self) -> str:
        """Returns the GBNF text of all rules, sorted by name.

        Keywords that llama.cpp's grammars don't enforce cost one warning.
        """
        if len(self._rules) == 1:
            raise GrammarError("There is no rule yet: call visit(schema, '') first")
        schemas.warn_dropped(schemas.Prepared(None, self._dropped), "The JSON schema")
        self._dropped = []
        return "\n".join(f"{name} ::= {body}" for name, body in sorted(self._rules.items()))


def _build_repetition(
    item_rule: str,
    min_items: int,
    max_items: Optional[int],
    separator_rule: Optional[str] = None,
    item_rule_is_literal: bool = False,
) -> str:
    """Returns the GBNF of an item that occurs so often, None for without end.

    Between two of them stands the separator. `item_rule_is_literal` has no effect.
    """

    def times(item: str, least: int, most: Optional[int]) -> str:
        return f"{item}{{{least},{'' if most is None else most}}}"

    if not separator_rule:
        return times(f"({item_rule})", min_items, max_items)
    if max_items == 0:
        return '""'
    rest = None if max_items is None else max_items - 1
    more = times(f"({separator_rule} {item_rule})", max(0, min_items - 1), rest)
    return f"{item_rule} {more}" if min_items else f"({item_rule} {more})?"


class _Marks:
    """Schemas that stand for nodes which have rules already."""

    def __init__(self) -> None:
        self._rules: Dict[str, str] = {}  # the text of llama.cpp's rule for a mark -> our rule

    def add(self, rule: str) -> Schema:
        """Returns a schema whose rule `rule` is to be."""
        mark = uuid.uuid4().hex
        self._rules[gbnf.literal(json.dumps(mark))] = rule
        return {"const": mark}

    def rules_in(self, rules: gbnf.Rules) -> Dict[str, str]:
        """Returns the rules for marks, by llama.cpp's name."""
        return {name: self._rules[body] for name, body in rules.items() if body in self._rules}


def _check_form(schema: Any) -> None:
    for keyword, (kind, word) in _FORMS.items():
        if not isinstance(schema, dict) or keyword not in schema:
            continue
        value = schema[keyword]
        if not isinstance(value, kind) or (keyword in _NOT_EMPTY and not value):
            raise GrammarError(f"{keyword!r} in a JSON schema has to be {word}, not {value!r:.60}")


def _prefix(name: str) -> str:
    return f"{name}-" if name else ""
