"""Members of requests that llama-cpp-python's server has and llama-server does not."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

from .errors import ServerError

_DEFAULT_MAX_TOKENS = 16  # OpenAI's, for completions

# Members that llama-server does not have -> the values with which they say nothing, and the next
# thing to do about others.
_MISSING = {
    "best_of": (1, "ask for n answers"),
    "echo": (False, "put the prompt before the answer"),
    "min_tokens": (0, "leave it out"),
    "suffix": ("", "POST /infill fills in a gap"),
}


def completion(request: Dict[str, Any]) -> Dict[str, Any]:
    """Returns a completion request as llama-server takes it."""
    if not request.keys() & {"max_tokens", "n_predict", "max_completion_tokens"}:
        request = {**request, "max_tokens": _DEFAULT_MAX_TOKENS}
    return common(request)


def chat(request: Dict[str, Any]) -> Dict[str, Any]:
    """Returns a chat request as llama-server takes it: functions are tools."""
    request = common(request)
    functions = request.pop("functions", None)
    choice = request.pop("function_call", None)
    if isinstance(functions, list) and "tools" not in request:
        request["tools"] = [{"type": "function", "function": each} for each in functions]
    if choice is not None and "tool_choice" not in request:
        is_name = isinstance(choice, dict)
        request["tool_choice"] = {"type": "function", "function": choice} if is_name else choice
    choice = request.get("tool_choice")
    if not isinstance(choice, dict):
        return request
    return _forced(request, _function_name(choice), "required", _function_name)


def response(request: Dict[str, Any]) -> Dict[str, Any]:
    """Returns a request for OpenAI's responses as llama-server takes it."""
    request = common(request)
    choice = request.get("tool_choice")
    if not isinstance(choice, dict):
        return request
    return _forced(request, choice.get("name"), "required", _own_name)


def message(request: Dict[str, Any]) -> Dict[str, Any]:
    """Returns a request for Anthropic's messages as llama-server takes it."""
    request = common(request)
    choice = request.get("tool_choice")
    if not isinstance(choice, dict):
        return request
    if choice.get("type") == "tool":
        return _forced(request, choice.get("name"), {"type": "any"}, _own_name)
    if choice.get("type") == "none":  # llama-server takes it for "auto"
        return {name: value for name, value in request.items() if name != "tools"}
    return request


def _forced(
    request: Dict[str, Any], name: Any, required: Any, name_of: Callable[[Any], Any]
) -> Dict[str, Any]:
    """Returns a request in which the only tool is the one that has to be called.

    llama-server reads a `tool_choice` that is an object as "auto", or as any of the tools.

    Args:
        request: the request.
        name: of the tool.
        required: the `tool_choice` with which one of the tools has to be called.
        name_of: returns the name of a tool.
    """
    tools = [tool for tool in request.get("tools") or () if name_of(tool) == name]
    if name is None or not tools:
        raise ServerError(
            400, "tool_choice names none of the tools of the request", param="tool_choice"
        )
    return {**request, "tools": tools[:1], "tool_choice": required}


def _function_name(tool: Any) -> Any:
    return _own_name(tool.get("function")) if isinstance(tool, dict) else None


def _own_name(tool: Any) -> Any:
    return tool.get("name") if isinstance(tool, dict) else None


def common(request: Dict[str, Any]) -> Dict[str, Any]:
    """Returns a request with llama-server's names, without members that are null or say nothing."""
    request = {key: value for key, value in request.items() if value is not None}
    for name, (empty, instead) in _MISSING.items():
        if request.pop(name, empty) != empty:
            raise ServerError(400, f"{name} is not supported: {instead}", param=name)
    if "mirostat_mode" in request:
        request["mirostat"] = request.pop("mirostat_mode")
    kind = request.pop("logit_bias_type", None)
    if kind == "tokens" and isinstance(request.get("logit_bias"), dict):
        request["logit_bias"] = _pairs(request["logit_bias"])
    return request


def _pairs(bias: Dict[str, Any]) -> List[List[Any]]:
    """Returns texts and their biases. As members of an object, digits would be a token's number."""
    return [[text, value] for text, value in bias.items()]
