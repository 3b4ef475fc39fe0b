"""Functions as TypeScript declarations, as functionary's models were shown them in training.

The form is that of functionary/schema.py (MeetKai/functionary): a namespace with a type for each
function, remarks as comments, JSON Schema's numbers as "number".
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Tuple

_HEAD = "// Supported function definitions that should be called when necessary.\n"
_REMARKS = {
    "default": "Default",
    "format": "Format",
    "maximum": "Maximum",
    "minimum": "Minimum",
    "maxLength": "Maximum length",
    "minLength": "Minimum length",
}
_NAMES = {"integer": "number", "float": "number"}


def namespace(tools: List[Dict[str, Any]], indent: str = "") -> str:
    """Returns the declarations of OpenAI's tools; `indent` is before each, and before its members.

    Without it, only members of members are indented.
    """
    declarations = [_declaration(tool["function"], indent) for tool in tools]
    lines = "\n\n".join(declarations).split("\n") if declarations else []
    body = "\n".join(indent + line if line else "" for line in lines)
    return (
        f"{_HEAD}namespace functions {{\n\n{body and body + chr(10) * 2}}} // namespace functions"
    )


def _declaration(function: Dict[str, Any], indent: str) -> str:
    schema = function.get("parameters") or {}
    head = f"// {_one_line(function.get('description') or '')}\ntype {function['name']} = "
    if not schema.get("properties"):
        return head + "() => any;"
    members = _Types(schema, indent or "    ").members(schema, 1 if indent else 0, ())
    return f"{head}(_: {{\n{members}\n}}) => any;"


class _Types:
    """Writes the types of one function; `root` is the schema that references start from."""

    def __init__(self, root: Dict[str, Any], indent: str) -> None:
        self._root = root
        self._indent = indent

    def members(self, schema: Dict[str, Any], depth: int, refs: Tuple[str, ...]) -> str:
        """Returns the properties of an object, one a line, with comments before them."""
        lines = []
        for name, each in schema["properties"].items():
            each = each if isinstance(each, dict) else {}
            optional = "" if name in (schema.get("required") or ()) else "?"
            remark = _remark(each)
            lines += [remark] if remark else []
            lines.append(f"{name}{optional}: {self._type(each, depth, refs)},")
        return "\n".join(self._indent * depth + line for line in lines)

    def _type(self, schema: Any, depth: int, refs: Tuple[str, ...]) -> str:
        if not isinstance(schema, dict):
            return "any"
        if "$ref" in schema:
            ref = str(schema["$ref"])  # one that leads back to itself ends in "any"
            return "any" if ref in refs else self._type(self._target(ref), depth, (*refs, ref))
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return " | ".join(self._type(each, depth, refs) for each in schema[keyword])
        if "const" in schema or "enum" in schema:
            values = schema["enum"] if "enum" in schema else [schema["const"]]
            return " | ".join(json.dumps(value, ensure_ascii=False) for value in values)
        if schema.get("properties"):
            return f"{{\n{self.members(schema, depth + 1, refs)}\n{self._indent * depth}}}"
        return self._simple(schema, depth, refs)

    def _simple(self, schema: Dict[str, Any], depth: int, refs: Tuple[str, ...]) -> str:
        kind = schema.get("type", "any")
        if kind == "array":
            item = self._type(schema["items"], depth, refs) if schema.get("items") else ""
            return f"({item})[]" if " | " in item else f"{item}[]"
        return " | ".join(_NAMES.get(k, str(k)) for k in (kind if type(kind) is list else [kind]))

    def _target(self, ref: str) -> Any:
        target: Any = self._root
        for name in ref.lstrip("#").strip("/").split("/"):
            target = target.get(name) if isinstance(target, dict) else None
        return target


def _remark(schema: Dict[str, Any]) -> str:
    parts = []
    if schema.get("description"):
        parts.append(str(schema["description"]).rstrip(".") + ".")
    for keyword, name in _REMARKS.items():
        if keyword in schema:
            value = json.dumps(schema[keyword], ensure_ascii=False)
            dot = "." if keyword == "default" else ""
            parts.append(f"{name}={value if keyword != 'format' else schema[keyword]}{dot}")
    return "// " + _one_line(" ".join(parts)) if parts else ""


def _one_line(text: str) -> str:
    return " ".join(text.split("\n"))
