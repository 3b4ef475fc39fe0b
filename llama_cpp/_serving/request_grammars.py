"""Grammars and JSON schemas of requests, checked before llama.cpp's parsers see them.

Those recurse, and end the process on some.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from .. import _core
from .._engine import json_schema

# Members of a tool that are a JSON schema: of OpenAI's chats and responses, and Anthropic's.
_OF_TOOLS = ("parameters", "input_schema")


def with_checked_grammars(request: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns a request whose grammar and schemas llama.cpp can take.

    Raises:
        GrammarError: one of them is invalid, or asks for something that cannot be expressed.
    """
    checked = dict(request)
    grammar = checked.get("grammar")
    if isinstance(grammar, str) and grammar:
        _core.check_grammar(grammar, "root")
    if checked.get("json_schema") is not None:
        checked["json_schema"] = _schema(checked["json_schema"])
    if isinstance(checked.get("response_format"), dict):
        checked["response_format"] = _format(checked["response_format"])
    text = checked.get("text")
    if isinstance(text, dict) and isinstance(text.get("format"), dict):
        checked["text"] = {**text, "format": _format(text["format"])}
    if isinstance(checked.get("tools"), list):
        checked["tools"] = _tools(checked["tools"])
    return checked


def _format(form: Dict[str, Any]) -> Dict[str, Any]:
    """Returns a response format: OpenAI's, whose schema is a level deeper, or llama-server's."""
    if isinstance(form.get("json_schema"), dict):
        return {**form, "json_schema": _format(form["json_schema"])}
    if form.get("schema") is not None:
        return {**form, "schema": _schema(form["schema"])}
    return form


def _tools(tools: List[Any]) -> List[Any]:
    return [_tool(tool) if isinstance(tool, dict) else tool for tool in tools]


def _tool(tool: Dict[str, Any]) -> Dict[str, Any]:
    if isinstance(tool.get("function"), dict):
        tool = {**tool, "function": _tool(tool["function"])}
    for name in _OF_TOOLS:
        if isinstance(tool.get(name), dict):
            tool = {**tool, name: _schema(tool[name])}
    return tool


def _schema(schema: Any) -> Any:
    return json_schema.prepare(schema).schema
