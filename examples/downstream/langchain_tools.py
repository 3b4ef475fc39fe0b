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


def load(path: str) -> ChatLlamaCpp:
    """Returns the chat model; with 0 n_ctx and the RoPE are the model's, not the adapter's."""
    return ChatLlamaCpp(
        model_path=path, n_ctx=0, rope_freq_base=0.0, rope_freq_scale=0.0, temperature=0.0
    )


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
    print(answer(load(sys.argv[1]), sys.argv[2]))
