"""The ready-made rules of llama.cpp's converter of JSON schemas, and characters that it escapes."""

from __future__ import annotations

import json
import re
from typing import Dict, List, Optional

from .. import _core
from . import gbnf

_PRIMITIVES = (
    *("boolean", "decimal-part", "integral-part", "number", "integer", "value", "object"),
    *("array", "uuid", "char", "string", "null"),
)
_FORMATS = ("date", "time", "date-time", "date-string", "time-string", "date-time-string")


class BuiltinRule:
    """A ready-made rule: its text in GBNF, and the names of the rules that it refers to."""

    def __init__(self, content: str, deps: Optional[list] = None):
        self.content = content
        self.deps: List[str] = deps or []


def _converted() -> gbnf.Rules:
    """Returns the rules of a schema that needs all of them."""
    formats = ("uuid", "date", "time", "date-time")
    parts = [
        *({"type": name} for name in ("boolean", "number", "integer", "object")),
        *({"type": "string", "format": name} for name in formats),
        {"type": "string", "pattern": "^.$"},
    ]
    schema = {"type": "array", "prefixItems": parts}
    return gbnf.rules_of(_core.json_schema_to_grammar(json.dumps(schema)))


def _builtin(name: str) -> BuiltinRule:
    deps = [each for each in dict.fromkeys(gbnf.names_in(_RULES[name])) if each != "space"]
    return BuiltinRule(_RULES[name], deps)


_RULES = _converted()
SPACE_RULE = _RULES["space"]
PRIMITIVE_RULES: Dict[str, BuiltinRule] = {name: _builtin(name) for name in _PRIMITIVES}
STRING_FORMAT_RULES: Dict[str, BuiltinRule] = {name: _builtin(name) for name in _FORMATS}
DOT = _RULES["dot"]  # in a pattern: no line break
DOTALL = r"[\U00000000-\U0010FFFF]"
RESERVED_NAMES = {"root", "dot", *PRIMITIVE_RULES, *STRING_FORMAT_RULES}

INVALID_RULE_CHARS_RE = re.compile("[^a-zA-Z0-9-]+")
GRAMMAR_LITERAL_ESCAPES = gbnf.ESCAPES
GRAMMAR_LITERAL_ESCAPE_RE = re.compile("[" + re.escape("".join(gbnf.ESCAPES)) + "]")
# Of regular expressions: what ends a literal part, and of that what a backslash makes literal.
NON_LITERAL_SET = frozenset("|.()[]{}*+?")
ESCAPED_IN_REGEXPS_BUT_NOT_IN_LITERALS = NON_LITERAL_SET - {"."}
