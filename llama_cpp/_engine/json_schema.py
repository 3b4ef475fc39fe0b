"""Examines JSON schemas before llama.cpp converts them.

llama.cpp's converter reads some keywords and drops the others without a word, and it is recursive.
The walk here follows it node by node (``build_node`` of common/json-schema.cpp decides which kind a
node is): it finds the keywords that are dropped, and refuses a schema that the converter can't
survive.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any, Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Set, Tuple

from .. import _core
from .._errors import GrammarError

Schema = Dict[str, Any]

_BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})

# Kind of node, as the converter sees it -> the keywords that it reads (common/json-schema.cpp:
# build_object, build_array, build_string, build_integer; common/json-schema-to-grammar.cpp: visit).
_READ: Dict[str, FrozenSet[str]] = {
    "$ref": frozenset({"$ref"}),
    "oneOf": frozenset({"oneOf"}),  # as anyOf
    "anyOf": frozenset({"anyOf"}),
    "allOf": frozenset({"allOf"}),
    "const": frozenset({"const"}),
    "enum": frozenset({"enum"}),
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "tuple": frozenset({"items", "prefixItems", "additionalItems", "unevaluatedItems"}),
    "string": frozenset({"pattern", "format", "minLength", "maxLength"}),
    "integer": _BOUNDS,
    "number": frozenset(),
    "boolean": frozenset(),
    "null": frozenset(),
    "any": frozenset(),
}

# The types that a keyword constrains (JSON Schema, draft 2020-12 and the names of older drafts);
# those of _ALL_TYPES constrain a value of any type. Everything else is an annotation.
_TYPES: Dict[str, Tuple[str, ...]] = {
    **dict.fromkeys((*_BOUNDS, "multipleOf"), ("integer", "number")),
    **dict.fromkeys(("minLength", "maxLength", "pattern", "format"), ("string",)),
    **dict.fromkeys(
        (
            *("items", "prefixItems", "additionalItems", "unevaluatedItems", "contains"),
            *("minContains", "maxContains", "minItems", "maxItems", "uniqueItems"),
        ),
        ("array", "tuple"),
    ),
    **dict.fromkeys(
        (
            *("properties", "patternProperties", "additionalProperties", "unevaluatedProperties"),
            *("propertyNames", "required", "minProperties", "maxProperties"),
            *("dependentRequired", "dependentSchemas", "dependencies"),
        ),
        ("object",),
    ),
}
_ALL_TYPES = frozenset(
    {
        *("$ref", "$dynamicRef", "$recursiveRef", "type", "const", "enum"),
        *("oneOf", "anyOf", "allOf", "not", "if"),
    }
)

# Keywords with values that admit everything.
_VACUOUS: Dict[str, Any] = {
    "uniqueItems": False,
    **dict.fromkeys(("minLength", "minItems", "minProperties"), 0),
    **dict.fromkeys(
        ("additionalItems", "unevaluatedItems", "unevaluatedProperties", "propertyNames"), True
    ),
}

# Formats of the specification. Other names, such as OpenAPI's "int64", are annotations.
_READ_FORMATS = frozenset({"date", "time", "date-time", "uuid", *(f"uuid{n}" for n in range(1, 6))})
_FORMATS = _READ_FORMATS | frozenset(
    {
        *("duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6"),
        *("uri", "uri-reference", "iri", "iri-reference", "uri-template"),
        *("json-pointer", "relative-json-pointer", "regex"),
    }
)

_MOST_REPETITIONS = 2000  # llama.cpp's grammars take more for no limit
_MOST_NODES = 100_000
_DEEPEST = 200
_LONGEST_NAME = 1000
_MOST_PATH_CHARACTERS = 1 << 26  # of all nodes: the converter names its rules after them
_MOST_ALTERNATIVES = 10_000
_MOST_VALUES = 50_000  # of all enums: each is a parse state from the first character on


class Node(NamedTuple):
    path: str
    schema: Any
    depth: int


class Prepared(NamedTuple):
    """A schema as the converter may have it, and (path, keyword) of all that it drops."""

    schema: Any
    dropped: List[Tuple[str, str]]


def prepare(schema: Any) -> Prepared:
    """Examines a schema. GrammarError for one that llama.cpp's converter can't take."""
    try:
        copy = json.loads(json.dumps(schema))
    except RecursionError:
        raise GrammarError("The JSON schema nests too deep, or contains itself") from None
    except (TypeError, ValueError) as error:
        raise GrammarError(f"The JSON schema cannot be written as JSON: {error}") from error
    walk = _Walk(copy)
    try:
        walk.run()
    except RecursionError:
        raise GrammarError("The JSON schema nests too deep") from None
    return Prepared(copy, list(walk.dropped))


def warn_dropped(prepared: Prepared, where: str) -> None:
    """Issues one warning that names the keywords which are dropped, if any are."""
    if prepared.dropped:
        keywords = ", ".join(f"{keyword} (at {path})" for path, keyword in prepared.dropped[:20])
        more = len(prepared.dropped) - 20
        if more > 0:
            keywords += f" and {more} more"
        warn(
            f"{where}: llama.cpp's grammars do not enforce {keywords}."
            "\nCheck the answer against the schema where this matters."
        )


def warn(message: str) -> None:
    """Issues a UserWarning at the line that called into this package."""
    level = 2
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("llama_cpp."):
        level += 1
        frame = frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)


class _Walk:
    """Visits the nodes of a schema in the converter's order."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._refs: Dict[str, None] = {}  # in the order of the visits, which bounds recursion
        self._n_alternatives: Dict[str, int] = {}
        self._n_values = 0
        self.dropped: Dict[Tuple[str, str], None] = {}  # an ordered set

    def run(self) -> None:
        todo = [Node("#", self._root, 0)]
        n_nodes = n_characters = 0
        while todo:
            node = todo.pop()
            if not isinstance(node.schema, dict):
                continue  # the converter says why it is wrong
            n_nodes += 1
            n_characters += len(node.path)
            if n_nodes > _MOST_NODES or n_characters > _MOST_PATH_CHARACTERS:
                raise GrammarError(f"The JSON schema is too large at {_short(node.path)}")
            if node.depth > _DEEPEST:
                raise GrammarError(
                    f"The JSON schema nests deeper than {_DEEPEST} levels at {_short(node.path)}"
                )
            children = [
                child for kind in node_kinds(node.schema) for child in self._visit(node, kind)
            ]
            todo.extend(reversed(children))
        for ref in ["", *self._refs]:
            schema = self._resolve(ref) if ref else self._root
            if self._alternatives(schema) > _MOST_ALTERNATIVES:
                raise GrammarError(f"The JSON schema has too many alternatives at {ref or '#'}")

    def _drop(self, node: Node, keyword: str) -> None:
        self.dropped[node.path, keyword] = None

    def _visit(self, node: Node, kind: str) -> Iterator[Node]:
        for keyword in node.schema:
            constrains = keyword in _ALL_TYPES or kind in _TYPES.get(keyword, ())
            if kind in ("any", "$ref", "oneOf", "anyOf", "allOf", "const", "enum"):
                constrains = constrains or keyword in _TYPES
            if constrains and not self._is_kept(node.schema, keyword, kind):
                self._drop(node, keyword)
        check = getattr(self, f"_visit_{kind.lstrip('$')}", None)
        return iter(()) if check is None else check(node)

    def _is_kept(self, schema: Schema, keyword: str, kind: str) -> bool:
        if keyword in _READ[kind] or _is_vacuous(keyword, schema[keyword]):
            return True
        if keyword == "type":
            if kind == "any":  # a type that the converter refuses
                return True
            return kind in _SCALARS_AND_CONTAINERS or self._implies_type(schema, kind)
        if keyword == "unevaluatedProperties" and schema[keyword] is False:
            return kind == "object" and schema.get("additionalProperties", False) is False
        return False

    # ---- one method per kind of node; each yields the nodes below

    def _visit_ref(self, node: Node) -> Iterator[Node]:
        ref = node.schema["$ref"]
        if not isinstance(ref, str) or ref in self._refs:
            return
        self._refs[ref] = None
        self._check_leads_somewhere(ref)
        yield Node(ref, self._resolve(ref), node.depth + 1)

    def _visit_oneOf(self, node: Node) -> Iterator[Node]:
        return _each(node, "oneOf")

    def _visit_anyOf(self, node: Node) -> Iterator[Node]:
        return _each(node, "anyOf")

    def _visit_allOf(self, node: Node) -> Iterator[Node]:
        """Handles the parts of a whole: objects whose properties are put together, or enums."""
        parts = list(_each(node, "allOf"))
        kinds = [node_kinds(self._followed(part.schema)) for part in parts]
        for part, kind in zip(parts, kinds):
            if kind not in (["object"], ["enum"], ["anyOf"], ["oneOf"]) or (
                kind == ["enum"] and kinds.count(kind) < len(kinds)
            ):
                self._drop(node, f"allOf/{part.path.rsplit('/', 1)[1]}")
            if kind in (["anyOf"], ["oneOf"]):
                self._drop_alternatives(part)
            yield part

    def _drop_alternatives(self, part: Node) -> None:
        """Reports the `required` of alternatives inside of allOf, whose properties are optional."""
        schema = self._followed(part.schema)
        for child in _each(Node(part.path, schema, part.depth), node_kinds(schema)[0]):
            if isinstance(child.schema, dict) and child.schema.get("required"):
                self._drop(child, "required")

    def _visit_enum(self, node: Node) -> Iterator[Node]:
        values = node.schema["enum"]
        self._n_values += len(values) if isinstance(values, list) else 0
        if self._n_values > _MOST_VALUES:
            raise GrammarError(
                f"The JSON schema has more than {_MOST_VALUES} enum values at {_short(node.path)}"
                "\nAsk for a string, and look its value up afterwards."
            )
        return iter(())

    def _visit_object(self, node: Node) -> Iterator[Node]:
        properties = node.schema.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        required = node.schema.get("required")
        if isinstance(required, list) and not set(map(str, required)) <= properties.keys():
            self._drop(node, "required")
        for name, child in properties.items():
            if len(name) > _LONGEST_NAME:
                raise GrammarError(
                    f"A property name at {_short(node.path)} is longer than {_LONGEST_NAME}"
                    f" characters: {name[:40]!r}..."
                )
            yield Node(f"{node.path}/properties/{name}", child, node.depth + 1)
        if isinstance(node.schema.get("additionalProperties"), dict):
            yield _child(node, "additionalProperties")

    def _visit_array(self, node: Node) -> Iterator[Node]:
        self._check_counts(node, "minItems", "maxItems", _MOST_REPETITIONS + 1)
        if "items" in node.schema:
            yield _child(node, "items")
        elif "prefixItems" in node.schema:  # no list
            yield _child(node, "prefixItems")

    def _visit_tuple(self, node: Node) -> Iterator[Node]:
        key = "items" if "items" in node.schema else "prefixItems"
        n_items = len(node.schema[key])  # such an array has neither more nor less
        least, most = node.schema.get("minItems", 0), node.schema.get("maxItems", n_items)
        if _is_count(least) and least <= n_items:
            self.dropped.pop((node.path, "minItems"), None)
        if _is_count(most) and most >= n_items:
            self.dropped.pop((node.path, "maxItems"), None)
        return _each(node, key)

    def _visit_string(self, node: Node) -> Iterator[Node]:
        schema = node.schema
        self._check_counts(node, "minLength", "maxLength", _MOST_REPETITIONS)
        format = schema.get("format")
        has_pattern = bool(schema.get("pattern")) and isinstance(schema["pattern"], str)
        if has_pattern and not _is_read_pattern(schema["pattern"]):
            self._drop(node, "pattern")
        if isinstance(format, str) and format in _FORMATS:
            if has_pattern or format not in _READ_FORMATS:
                self._drop(node, "format")
        if has_pattern or (isinstance(format, str) and format in _READ_FORMATS):
            for keyword in ("minLength", "maxLength"):
                if keyword in schema and not _is_vacuous(keyword, schema[keyword]):
                    self._drop(node, keyword)
        return iter(())

    def _visit_integer(self, node: Node) -> Iterator[Node]:
        schema = node.schema
        for keyword in _BOUNDS & schema.keys():
            value = schema[keyword]
            if not _is_number(value):
                continue  # the converter complains
            if abs(value) >= 1 << 62:
                upper = "aximum" in keyword
                if (value > 0) != upper:
                    raise GrammarError(f"{keyword} of {_short(node.path)} is out of range: {value}")
                del schema[keyword]  # beyond any number that a grammar lets through
        for keyword, other in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if keyword in schema and other in schema:
                self._drop(node, keyword)
        self._check_range(node)
        return iter(())

    # ---- checks

    def _check_range(self, node: Node) -> None:
        least = node.schema.get("minimum", node.schema.get("exclusiveMinimum"))
        most = node.schema.get("maximum", node.schema.get("exclusiveMaximum"))
        if _is_number(least) and _is_number(most) and least > most:
            raise GrammarError(
                f"No number fits the bounds at {_short(node.path)}: {least} is greater than {most}"
            )

    def _check_counts(self, node: Node, least: str, most: str, limit: int) -> None:
        schema = node.schema
        for keyword in (least, most):
            if not _is_count(schema.get(keyword, 0)):
                raise GrammarError(
                    f"{keyword} at {_short(node.path)} has to be a number of 0 or more, not"
                    f" {_short(repr(schema[keyword]))}"
                )
        if schema.get(least, 0) > limit:
            raise GrammarError(
                f"{least} at {_short(node.path)} is {schema[least]}: grammars can't count beyond"
                f" {limit}"
            )
        if schema.get(most, limit) < schema.get(least, 0):
            raise GrammarError(
                f"{least} at {_short(node.path)} is greater than {most}:"
                f" {schema[least]} and {schema[most]}"
            )
        if schema.get(most, 0) > limit:
            self._drop(node, most)
            del schema[most]

    def _check_leads_somewhere(self, ref: str) -> None:
        met: Set[str] = set()
        while ref not in met:
            met.add(ref)
            target = self._resolve(ref)
            ref = target.get("$ref", "") if isinstance(target, dict) else ""
            if not isinstance(ref, str) or not ref or len(met) > _DEEPEST:
                return  # a longer chain is too deep for the walk
        raise GrammarError(f"The reference {_short(ref)} of the JSON schema leads back to itself")

    # ---- looking around

    def _resolve(self, ref: str) -> Any:
        """Returns the target of a reference, None without one."""
        target = self._root
        if not ref.startswith("#/"):
            return None
        for name in ref[2:].split("/"):
            if isinstance(target, dict):
                target = target.get(name)
            elif isinstance(target, list) and name.isdigit() and len(name) < 9:
                target = target[int(name)] if int(name) < len(target) else None
            else:
                return None
        return target

    def _followed(self, schema: Any) -> Any:
        """Returns the schema at the end of a chain of references."""
        met: Set[str] = set()
        while isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
            if schema["$ref"] in met or len(met) > _DEEPEST:
                return None
            met.add(schema["$ref"])
            schema = self._resolve(schema["$ref"])
        return schema

    def _implies_type(self, schema: Schema, kind: str) -> bool:
        """Tells whether the values that the keyword of `kind` admits have the schema's type."""
        wanted = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if kind == "const":
            return _has_type(schema["const"], wanted)
        if kind == "enum" and isinstance(schema["enum"], list):
            return all(_has_type(value, wanted) for value in schema["enum"])
        if kind == "allOf" and wanted == ["object"]:
            return True
        parts = [schema] if kind == "$ref" else schema.get(kind)
        return isinstance(parts, list) and all(
            self._admits_only(self._followed(part), wanted) for part in parts
        )

    def _admits_only(self, schema: Any, wanted: List[Any]) -> bool:
        kinds = node_kinds(schema) if isinstance(schema, dict) else []
        if kinds in (["const"], ["enum"]):
            values = [schema["const"]] if kinds == ["const"] else schema["enum"]
            return isinstance(values, list) and all(_has_type(value, wanted) for value in values)
        names = {"array" if kind == "tuple" else kind for kind in kinds}
        return bool(names) and names <= set(map(str, wanted))

    def _alternatives(self, schema: Any) -> int:
        """Counts the ways through the alternatives of a node, all references followed."""
        if not isinstance(schema, dict):
            return 1
        kinds = node_kinds(schema)
        if kinds == ["$ref"]:
            ref = schema["$ref"]
            if not isinstance(ref, str):
                return 1
            if ref not in self._n_alternatives:
                self._n_alternatives[ref] = 0  # while a cycle is followed
                self._n_alternatives[ref] = self._alternatives(self._resolve(ref))
            return self._n_alternatives[ref]
        for kind in ("oneOf", "anyOf", "allOf"):
            if kinds == [kind] and isinstance(schema[kind], list):
                return sum(map(self._alternatives, schema[kind]))
        return 1


_SCALARS_AND_CONTAINERS = frozenset(
    {"object", "array", "tuple", "string", "integer", "number", "boolean", "null"}
)


def node_kinds(schema: Any) -> List[str]:
    """Returns the converter's kinds of a node: one, or one for each of several types."""
    if not isinstance(schema, dict):
        return ["any"]
    for keyword in ("$ref", "oneOf", "anyOf"):
        if keyword in schema:
            return [keyword]
    type = schema.get("type")
    if isinstance(type, list):
        return [kind for each in type for kind in node_kinds({**schema, "type": each})]
    for keyword in ("const", "enum"):
        if keyword in schema:
            return [keyword]
    has_properties = "properties" in schema or schema.get("additionalProperties", True) is not True
    array = "array"
    for keyword in ("items", "prefixItems"):
        if keyword in schema:
            array = "tuple" if isinstance(schema[keyword], list) else "array"
            break
    if type is None:
        if has_properties:
            return ["object"]
        if "allOf" in schema:
            return ["allOf"]
        if "items" in schema or "prefixItems" in schema:
            return [array]
        is_string = {"pattern", "minLength", "maxLength"} & schema.keys()
        is_string = is_string or str(schema.get("format")) in _READ_FORMATS
        return ["string" if is_string else "any"]
    if "allOf" in schema and (type == "string" or (type == "object" and not has_properties)):
        return ["allOf"]
    if type == "array":
        return [array]
    return [type if isinstance(type, str) and type in _READ else "any"]


def _child(node: Node, keyword: str) -> Node:
    return Node(f"{node.path}/{keyword}", node.schema[keyword], node.depth + 1)


def _each(node: Node, keyword: str) -> Iterator[Node]:
    children = node.schema[keyword]
    for index, child in enumerate(children if isinstance(children, list) else ()):
        yield Node(f"{node.path}/{keyword}/{index}", child, node.depth + 1)


def _is_vacuous(keyword: str, value: Any) -> bool:
    # Not ==, to which False is 0.
    return keyword in _VACUOUS and repr(_VACUOUS[keyword]) == repr(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _has_type(value: Any, types: List[Any]) -> bool:
    if isinstance(value, float):
        return "number" in types or ("integer" in types and value.is_integer())
    names = {
        bool: ("boolean",),
        int: ("integer", "number"),
        str: ("string",),
        list: ("array",),
        dict: ("object",),
        type(None): ("null",),
    }[type(value)]
    return any(name in types for name in names)


def _is_read_pattern(pattern: str) -> bool:
    """Tells whether the converter makes a rule of a pattern; else it takes any string."""
    try:
        grammar = _core.json_schema_to_grammar(json.dumps({"type": "string", "pattern": pattern}))
    except GrammarError:
        return True  # no regular expression: the conversion says so
    return "root ::= string\n" not in grammar


def _short(text: Optional[str]) -> str:
    text = text or ""
    return text if len(text) <= 120 else f"{text[:60]}...{text[-40:]}"
