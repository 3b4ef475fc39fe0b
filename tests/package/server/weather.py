"""A question with tools that the trained model answers as it has learnt."""

from __future__ import annotations

from typing import Any


def _tool(name: str, description: str) -> Any:
    """Returns a tool of tests/models/conversations.py, with which the model was trained."""
    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    function = {"name": name, "description": description, "parameters": city}
    return {"type": "function", "function": function}


TOOLS: Any = [
    _tool("get_weather", "The weather in a city"),
    _tool("get_time", "The time in a city"),
]
WEATHER_IN_ROME: Any = [{"role": "user", "content": "What is the weather in Rome?"}]
