"""What the chat modules share: a request split into its parts, and what formatters return."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Union

from ._arguments import check_chat
from ._chat_messages import normalized
from ._completion import encode
from ._errors import GrammarError
from ._json_schema import prepare, warn
from .llama_grammar import LlamaGrammar, schema_to_gbnf

if TYPE_CHECKING:
    from .llama import StoppingCriteriaList

# Arguments of a chat handler that go to the completion as they are, with their defaults.
COMPLETION_DEFAULTS: Dict[str, Any] = {
    "temperature": 0.2,
    "top_p": 0.95,
    "top_k": 40,
    "min_p": 0.05,
    "typical_p": 1.0,
    "seed": None,
    "max_tokens": None,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "repeat_penalty": 1.0,
    "tfs_z": 1.0,
    "mirostat_mode": 0,
    "mirostat_tau": 5.0,
    "mirostat_eta": 0.1,
    "model": None,
    "logits_processor": None,
    "logit_bias": None,
}


@dataclasses.dataclass
class ChatFormatterResponse:
    """What a chat formatter makes of messages.

    `added_special` says that the prompt contains BOS already; `stop` and `stopping_criteria` end
    the answer.
    """

    prompt: str
    stop: Optional[Union[str, List[str]]] = None
    stopping_criteria: Optional[StoppingCriteriaList] = None
    added_special: bool = False


class ChatRequest:
    """The keyword arguments of a chat handler, sorted by what they are for.

    Attributes:
        messages: in one form; see _chat_messages.
        tools: the functions that may be called, as OpenAI's tools, each with a schema that a
            grammar can be made of; [] when there are none.
        tool_choice: "none", "auto" or "required".
        forced: the tool that has to be called, or None.
        completion: arguments for the completion.
        stream, stop (a list), grammar, logprobs (a number or None): see Llama.
        schema: the JSON schema that the answer has to follow, or None.
        extra: everything else; it goes to the chat template.
        original: functions, function_call, tools and tool_choice as given, for formatters.
    """

    def __init__(self, messages: List[Any], arguments: Dict[str, Any]) -> None:
        arguments = check_chat(arguments)
        self.messages = normalized(messages)
        self.stream: bool = arguments.pop("stream", False) or False
        stop = arguments.pop("stop", None)
        self.stop: List[str] = [stop] if isinstance(stop, str) else list(stop or ())
        with_logprobs = arguments.pop("logprobs", None)
        top_logprobs = arguments.pop("top_logprobs", None)
        self.logprobs: Optional[int] = (top_logprobs or 0) if with_logprobs else None
        self.grammar: Optional[LlamaGrammar] = arguments.pop("grammar", None)
        self.schema = response_schema(arguments.pop("response_format", None))
        self.original = {
            name: arguments.pop(name, None)
            for name in ("functions", "function_call", "tools", "tool_choice")
        }
        self.tools = _tools(self.original)
        if self.original["tool_choice"] != "none" and self.original["function_call"] != "none":
            self.tools = [_usable(tool) for tool in self.tools]
        self.tool_choice, self.forced = _choice(self.original, self.tools)
        self.completion = {
            name: default if arguments.get(name) is None else arguments[name]
            for name, default in COMPLETION_DEFAULTS.items()
        }
        for name in COMPLETION_DEFAULTS:
            arguments.pop(name, None)
        self.extra = arguments

    @property
    def may_call(self) -> bool:
        """Whether the answer may be a tool call."""
        return bool(self.tools) and self.tool_choice != "none"


def _tools(original: Dict[str, Any]) -> List[Dict[str, Any]]:
    if original["functions"] is not None:
        functions = original["functions"]
        return [
            {"type": "function", "function": _checked_function(f"functions[{i}]", each)}
            for i, each in enumerate(functions)
        ]
    return [_checked_tool(f"tools[{i}]", each) for i, each in enumerate(original["tools"] or ())]


def _checked_tool(where: str, tool: Dict[str, Any]) -> Dict[str, Any]:
    if tool.get("type", "function") != "function" or not isinstance(tool.get("function"), dict):
        raise ValueError(f'{where} has to be {{"type": "function", "function": {{"name": ...}}}}')
    _checked_function(f"{where}['function']", tool["function"])
    return tool if "type" in tool else {"type": "function", **tool}


def _checked_function(where: str, function: Dict[str, Any]) -> Dict[str, Any]:
    if not isinstance(function.get("name"), str) or not function["name"]:
        raise ValueError(f'{where} has no "name" that is a string')
    if not isinstance(function.get("parameters") or {}, dict):
        raise ValueError(f'{where}["parameters"] has to be a JSON schema as a dict')
    if not isinstance(function.get("description") or "", str):
        raise ValueError(f'{where}["description"] has to be a string')
    return function


def _choice(
    original: Dict[str, Any], tools: List[Dict[str, Any]]
) -> tuple[str, Optional[Dict[str, Any]]]:
    name, choice = "tool_choice", original["tool_choice"]
    if original["function_call"] is not None:
        name, choice = "function_call", original["function_call"]
    if isinstance(choice, dict):
        return "required", _named_tool(name, _chosen_name(name, choice), tools)
    known = [tool["function"]["name"] for tool in tools]
    if choice not in (None, "none", "auto", "required") and choice in known:
        return "required", _named_tool(name, choice, tools)
    if choice == "any":  # other providers' word
        choice = "required"
    if choice not in (None, "none", "auto", "required"):
        raise ValueError(
            f"{name} is {choice!r}; it has to be 'none', 'auto', 'required', the name of a tool or"
            f" {_CHOICE_FORM[name]}. Tools: {', '.join(known) or 'none are given'}"
        )
    if choice == "required" and not tools:
        raise ValueError(f"{name} is 'required', but there are no tools")
    return choice or "auto", None


_CHOICE_FORM = {
    "tool_choice": "{'type': 'function', 'function': {'name': ...}}",
    "function_call": "{'name': ...}",
}


def _chosen_name(name: str, choice: Dict[str, Any]) -> str:
    function = choice if name == "function_call" else choice.get("function")
    if isinstance(function, dict) and isinstance(function.get("name"), str):
        return function["name"]
    raise ValueError(
        f"{name} is {choice!r}; as a dict it has to be {_CHOICE_FORM[name]}, else 'none', 'auto' or"
        " 'required'"
    )


def _named_tool(name: str, chosen: str, tools: List[Dict[str, Any]]) -> Dict[str, Any]:
    for tool in tools:
        if tool["function"]["name"] == chosen:
            return tool
    names = ", ".join(tool["function"]["name"] for tool in tools) or "none are given"
    raise ValueError(f"Tool choice '{chosen}' not found in tools ({name}). Tools: {names}")


def response_schema(response_format: Optional[Dict[str, Any]]) -> Optional[Dict[str, Any]]:
    """Return the JSON schema that an answer has to follow, or None for free text.

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
    """Return the grammar of a JSON schema. GrammarError when it cannot be expressed.

    `where` names the schema in the warning about keywords that are not enforced; "": no warning.
    """
    if not isinstance(schema, dict):
        raise GrammarError(f"A JSON schema has to be an object, not {schema!r}")
    return LlamaGrammar.from_string(schema_to_gbnf(schema, where))


def _checked(schema: Any, where: str) -> Dict[str, Any]:
    """Return a schema as llama.cpp may have it. GrammarError when it cannot be expressed."""
    schema_grammar(schema, where)
    return prepare(schema).schema


def _usable(tool: Dict[str, Any]) -> Dict[str, Any]:
    """Return a tool with a schema that a grammar can be made of.

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
    """Return the grammar of a tool's arguments."""
    return schema_grammar(parameters(tool))


def parameters(tool: Dict[str, Any]) -> Dict[str, Any]:
    """Return the JSON schema of a tool's arguments; a tool without one takes none."""
    return tool["function"].get("parameters") or {"type": "object", "properties": {}}


def to_json(value: Any, what: str) -> str:
    """Return `value` as JSON text. ValueError for what JSON cannot hold."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} cannot be written as JSON: {error}") from error
    encode(text, what)
    return text
