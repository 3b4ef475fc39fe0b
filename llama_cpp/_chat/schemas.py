"""The JSON schemas in a chat request: of tools' arguments, and of the answer."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from .._engine.grammar import LlamaGrammar, schema_to_gbnf
from .._engine.json_schema import prepare, warn
from .._errors import GrammarError


def response_schema(response_format: Optional[Dict[str, Any]]) -> Optional[Dict[str, Any]]:
    """Returns the JSON schema that an answer has to follow, or None for free text.

    An unusable schema raises GrammarError with json_schema. With json_object it costs a warning
    and means any object.
    """
    if response_format is None or response_format.get("type") == "text":
        return None
    if response_format.get("type") == "json_object":
        schema = response_format.get("schema")
        if schema is None:
            return {"type": "object"}
        try:
            return _checked(schema, _RESPONSE_SCHEMA)
        except GrammarError as error:
            warn(f"{_RESPONSE_SCHEMA} is not used, any JSON object is accepted: {error}")
            return {"type": "object"}
    if response_format.get("type") == "json_schema":
        try:
            schema = response_format["json_schema"]["schema"]
        except (KeyError, TypeError, IndexError):
            raise ValueError(
                "response_format of type json_schema needs {'json_schema': {'schema': {...}}}"
            ) from None
        return _checked(schema, _RESPONSE_SCHEMA)
    raise ValueError(
        f"response_format has the type {response_format.get('type')!r}; it has to be 'text',"
        " 'json_object' or 'json_schema'"
    )


_RESPONSE_SCHEMA = "The schema of response_format"


def schema_grammar(schema: Any, where: str = "") -> LlamaGrammar:
    """Returns the grammar of a JSON schema. GrammarError when it cannot be expressed.

    `where` names the schema in the warning about keywords that are not enforced; "": no warning.
    """
    if not isinstance(schema, dict):
        raise GrammarError(f"A JSON schema has to be an object, not {schema!r}")
    return LlamaGrammar.from_string(schema_to_gbnf(schema, where))


def _checked(schema: Any, where: str) -> Dict[str, Any]:
    """Returns a schema as llama.cpp may have it. GrammarError when it cannot be expressed."""
    schema_grammar(schema, where)
    return prepare(schema).schema


def usable(tool: Dict[str, Any]) -> Dict[str, Any]:
    """Returns a tool with a schema that a grammar can be made of.

    An unusable schema costs a warning and means any JSON object, for every tool_choice.
    """
    where = f"The schema of tool {tool['function']['name']!r}"
    try:
        schema = _checked(parameters(tool), where)
    except GrammarError as error:
        warn(f"{where} is not used, any JSON object is accepted as its arguments: {error}")
        schema = {"type": "object"}
    if not tool["function"].get("parameters"):
        return tool  # it takes none
    return {**tool, "function": {**tool["function"], "parameters": schema}}


def arguments_grammar(tool: Dict[str, Any]) -> LlamaGrammar:
    """Returns the grammar of a tool's arguments."""
    return schema_grammar(parameters(tool))


def parameters(tool: Dict[str, Any]) -> Dict[str, Any]:
    """Returns the JSON schema of a tool's arguments; a tool without one takes none."""
    return tool["function"].get("parameters") or {"type": "object", "properties": {}}


def any_call_schema(tools: List[Dict[str, Any]]) -> Dict[str, Any]:
    """Returns the JSON schema of a call of any of `tools`."""
    definitions: Dict[str, Any] = {}
    variants = []
    for tool in tools:
        schema = dict(parameters(tool))
        for keyword in ("$defs", "definitions"):  # their references start at the root
            if keyword in schema:
                definitions.setdefault(keyword, {}).update(schema.pop(keyword))
        variants.append(
            {
                "type": "object",
                "properties": {"name": {"const": tool["function"]["name"]}, "arguments": schema},
                "required": ["name", "arguments"],
            }
        )
    return {**definitions, "anyOf": variants}
