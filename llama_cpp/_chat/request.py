"""A chat request, split into its parts."""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, List, Optional

from .._engine.adapters import Choice
from .._engine.arguments import check_chat, includes_usage
from .._engine.grammar import LlamaGrammar
from .._engine.processors import LogitsProcessorList
from .._engine.sampling import Sampling, is_more
from .._engine.session import Session
from .media import MediaParts
from .messages import joined, normalized, split_prefill
from .schemas import response_schema, usable

_TEMPERATURE = 0.2  # llama-cpp-python's default for chats
# Without an effect: llama.cpp no longer has them.
_IGNORED = ("tfs_z",)


class ChatRequest:
    """The keyword arguments of a chat handler, sorted by their purpose.

    Attributes:
        messages: in one form; see messages.py.
        media: the images and sounds of the messages.
        tools: the functions that may be called, as OpenAI's tools, each with a schema that a
            grammar can be made of; [] when there are none.
        tool_choice: "none", "auto" or "required".
        forced: the tool that has to be called, or None.
        sampling: the sampling arguments but for the grammar.
        stream, stop (a list), grammar, logprobs (a number or None), max_tokens, seed, model,
            logits_processor: see Llama.
        schema: the JSON schema that the answer has to follow, or None.
        prefill: the beginning of the answer: the last message if it is the assistant's, which
            `messages` then does not have; or None.
        include_usage: whether a stream ends with the usage.
        reasoning_format: "none" leaves thoughts in the content.
        reasoning_budget: the most tokens of a thought; None for no bound.
        parallel_tool_calls: whether the answer may have several calls; None as the format does.
        extra: everything else; it goes to the chat template.
        original: functions, function_call, tools and tool_choice as given, for formatters.
    """

    def __init__(self, messages: List[Any], arguments: Dict[str, Any]) -> None:
        arguments = check_chat(arguments)
        self.media = MediaParts()
        self.messages, self.prefill = split_prefill(normalized(messages, self.media))
        self.stream: bool = arguments.pop("stream", False) or False
        stop = arguments.pop("stop", None)
        self.stop: List[str] = [stop] if isinstance(stop, str) else list(stop or ())
        with_logprobs = arguments.pop("logprobs", None)
        top_logprobs = arguments.pop("top_logprobs", None)
        self.logprobs: Optional[int] = (top_logprobs or 0) if with_logprobs else None
        self.grammar: Optional[LlamaGrammar] = arguments.pop("grammar", None)
        self.schema = response_schema(arguments.pop("response_format", None))
        self.max_tokens: Optional[int] = arguments.pop("max_tokens", None)
        self.include_usage: bool = includes_usage(arguments.pop("stream_options", None))
        self.seed: Optional[int] = arguments.pop("seed", None)
        self.model: Optional[str] = arguments.pop("model", None)
        self._loras: Optional[Dict[str, float]] = arguments.pop("loras", None)
        self._adapters: Optional[Choice] = None
        self.logits_processor: Optional[LogitsProcessorList] = arguments.pop(
            "logits_processor", None
        )
        self.original = {
            name: arguments.pop(name, None)
            for name in ("functions", "function_call", "tools", "tool_choice")
        }
        self.tools = _tools(self.original)
        if self.original["tool_choice"] != "none" and self.original["function_call"] != "none":
            self.tools = [usable(tool) for tool in self.tools]
        self.tool_choice, self.forced = _choice(self.original, self.tools)
        self.sampling = _sampling(arguments)
        self.parallel_tool_calls: Optional[bool] = arguments.pop("parallel_tool_calls", None)
        self._take_reasoning(arguments)
        self.extra = arguments

    def _take_reasoning(self, arguments: Dict[str, Any]) -> None:
        """Takes out of `arguments` those about thoughts; templates read `enable_thinking`."""
        self.reasoning_format: str = arguments.pop("reasoning_format", None) or "none"
        budget = arguments.pop("reasoning_budget", None)
        self.reasoning_budget: Optional[int] = None if budget == -1 else budget
        if arguments.get("reasoning_effort") == "none":  # OpenAI's; other efforts are a template's
            del arguments["reasoning_effort"]
            self.reasoning_budget = 0
        if self.reasoning_budget == 0:
            arguments.setdefault("enable_thinking", False)

    @property
    def given(self) -> str:
        """The text that the answer begins with, without thoughts."""
        return "" if self.prefill is None else joined(self.prefill["content"])

    @property
    def may_call(self) -> bool:
        """Whether the answer may be a tool call."""
        return bool(self.tools) and self.tool_choice != "none"

    def adapters(self, session: Session) -> Choice:
        """Returns the LoRA adapters of the answer: one choice, even if it is made in parts."""
        if self._adapters is None:
            self._adapters = session.choose(self._loras)
        return self._adapters


def _sampling(arguments: Dict[str, Any]) -> Sampling:
    """Takes the sampling arguments out of `arguments`; None stands for the default."""
    given = {}
    for field in dataclasses.fields(Sampling):
        value = arguments.pop(field.name, None)
        if value is not None:
            given[field.name] = value
    for name in _IGNORED:
        arguments.pop(name, None)
    more = {name: arguments.pop(name) for name in [*arguments] if is_more(name)}
    return Sampling(**{"temperature": _TEMPERATURE, **given, "more": more})


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
