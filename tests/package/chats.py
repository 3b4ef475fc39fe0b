"""Chat requests that several suites make, and what they do with the answers."""

from __future__ import annotations

import json

MESSAGES = [
    {"role": "system", "content": "You are terse."},
    {"role": "user", "content": "Who made the heaven?"},
]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"enum": ["Rome", "Cairo"]}, "days": {"enum": [1, 2]}},
            "required": ["city", "days"],
        },
    },
}
CLOCK = {
    "type": "function",
    "function": {
        "name": "get_time",
        "parameters": {
            "type": "object",
            "properties": {"zone": {"enum": ["UTC", "CET"]}},
            "required": ["zone"],
        },
    },
}
FORCE_CLOCK = {"type": "function", "function": {"name": "get_time"}}


def counts(usage):
    """Returns a usage without the prompt's tokens that needed no evaluation."""
    return {name: count for name, count in usage.items() if name != "prompt_tokens_details"}


def join(chunks):
    """Puts a stream of chat chunks together as a client does."""
    chunks = list(chunks)
    message = {"role": None, "content": "", "tool_calls": {}}
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant"}
    for chunk in chunks:
        assert chunk["object"] == "chat.completion.chunk"
        assert chunk["id"] == chunks[0]["id"]
        delta = chunk["choices"][0]["delta"]
        message["role"] = delta.get("role") or message["role"]
        message["content"] += delta.get("content") or ""
        for call in delta.get("tool_calls") or ():
            known = message["tool_calls"].setdefault(
                call["index"], {"id": "", "name": "", "arguments": ""}
            )
            known["id"] += call.get("id") or ""
            known["name"] += call["function"]["name"] or ""
            known["arguments"] += call["function"]["arguments"]
    message["finish_reason"] = chunks[-1]["choices"][0]["finish_reason"]
    assert chunks[-1]["choices"][0]["delta"] == {}
    return message


def check_call(call, names=("get_weather", "get_time")):
    assert call["type"] == "function"
    assert call["function"]["name"] in names
    arguments = json.loads(call["function"]["arguments"])
    if call["function"]["name"] == "get_time":
        assert arguments in ({"zone": "UTC"}, {"zone": "CET"})
    else:
        assert arguments["city"] in ("Rome", "Cairo") and arguments["days"] in (1, 2)
