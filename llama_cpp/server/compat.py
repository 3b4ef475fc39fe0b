"""Members of requests that llama-cpp-python's server has and llama-server does not."""

from __future__ import annotations

from typing import Any, Dict, List

from .errors import ServerError

_DEFAULT_MAX_TOKENS = 16  # OpenAI's, for completions

# Members of completions that say nothing with these values.
_EMPTY = {"best_of": 1, "echo": False, "min_tokens": 0, "suffix": ""}


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
    return request


def common(request: Dict[str, Any]) -> Dict[str, Any]:
    """Returns a request with llama-server's names, without members that are null or say nothing."""
    request = {key: value for key, value in request.items() if value is not None}
    for name, empty in _EMPTY.items():
        if name in request and request[name] == empty:
            del request[name]
    if "min_tokens" in request:
        raise ServerError(400, "min_tokens is not supported: leave it out", param="min_tokens")
    if "suffix" in request:
        raise ServerError(
            400, "suffix is not supported: POST /infill fills in a gap", param="suffix"
        )
    if "mirostat_mode" in request:
        request["mirostat"] = request.pop("mirostat_mode")
    kind = request.pop("logit_bias_type", None)
    if kind == "tokens" and isinstance(request.get("logit_bias"), dict):
        request["logit_bias"] = _pairs(request["logit_bias"])
    return request


def _pairs(bias: Dict[str, Any]) -> List[List[Any]]:
    """Returns texts and their biases. As members of an object, digits would be a token's number."""
    return [[text, value] for text, value in bias.items()]
