"""Answers a question with the help of functions: the model calls them, and reads their results.

python tools_loop.py MODEL.gguf "What is the weather in Oslo?"
"""

from __future__ import annotations

import json
import sys
from typing import Any, Dict, List

from llama_cpp import Llama


def get_weather(city: str) -> str:
    return f"sunny and 21 degrees in {city}"


FUNCTIONS = {"get_weather": get_weather}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Returns the weather in a city.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string", "maxLength": 20}},
                "required": ["city"],
            },
        },
    }
]


def run(call: Dict[str, Any]) -> Dict[str, Any]:
    """Runs a tool call; returns the message with its result."""
    function = FUNCTIONS[call["function"]["name"]]
    result = function(**json.loads(call["function"]["arguments"]))
    print(f"{call['function']['name']}({call['function']['arguments']}) -> {result}")
    return {"role": "tool", "tool_call_id": call["id"], "content": result}


def answer(llm: Llama, question: str) -> str:
    """Returns the answer; the model must call a function first, and then may no longer."""
    messages: List[Any] = [{"role": "user", "content": question}]
    for choice in ("required", "none"):
        chat: Any = llm.create_chat_completion(
            messages, tools=TOOLS, tool_choice=choice, max_tokens=100, temperature=0.0
        )
        message = chat["choices"][0]["message"]
        messages.append(message)
        messages += [run(call) for call in message.get("tool_calls") or []]
    return message["content"]


if __name__ == "__main__":
    print(answer(Llama(sys.argv[1], n_ctx=0, verbose=False), sys.argv[2]))
