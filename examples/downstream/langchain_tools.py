"""LangChain: the model calls a function of Python, and answers with its result.

pip install llama-cpp-python langchain-community
python langchain_tools.py MODEL.gguf "What is the weather in Paris?"
"""

from __future__ import annotations

import sys

from langchain_community.chat_models import ChatLlamaCpp
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.tools import tool


@tool
def get_weather(city: str) -> str:
    """The weather in a city"""
    return {"Oslo": "snow"}.get(city, "rain")


def answer(chat: ChatLlamaCpp, question: str) -> str:
    """Returns the answer, after the calls that the model asks for."""
    bound = chat.bind_tools([get_weather])
    messages: list[BaseMessage] = [HumanMessage(question)]
    reply = bound.invoke(messages)
    for call in reply.tool_calls:
        print(f"{call['name']}({call['args']})")
        messages += [reply, get_weather.invoke(call)]
    return bound.invoke(messages).text if reply.tool_calls else reply.text


if __name__ == "__main__":
    # n_ctx=0: the model's own.
    print(answer(ChatLlamaCpp(model_path=sys.argv[1], n_ctx=0, temperature=0.0), sys.argv[2]))
