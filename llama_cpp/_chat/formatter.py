"""Chat handlers made of formatters, which only turn messages into a prompt."""

from __future__ import annotations

from typing import Any, List

from .._engine.prompt import encode
from .answer import answer
from .constraint import constrain
from .handler import ChatFormatter, ChatModel, LlamaChatCompletionHandler
from .registry import LlamaChatCompletionHandlerRegistry
from .request import ChatRequest


def chat_formatter_to_chat_completion_handler(
    chat_formatter: ChatFormatter,
) -> LlamaChatCompletionHandler:
    """Returns a handler that completes the formatter's prompt.

    It knows response_format and calls tools with tool_choice "required" or a named tool, by leaving
    the model nothing but such a call. With "auto" only the formatter sees the tools.
    """

    def chat_completion_handler(*, llama: ChatModel, messages: List[Any], **arguments: Any) -> Any:
        request = ChatRequest(messages, arguments)
        formatted = chat_formatter(messages=request.messages, **request.original, **request.extra)
        stop = [formatted.stop] if isinstance(formatted.stop, str) else formatted.stop or []
        tokens = llama._session.tokenizer.tokenize(
            encode(formatted.prompt, "The prompt"), not formatted.added_special, True
        )
        return answer(
            llama._session,
            request,
            tokens,
            constrain(request),
            [text for text in stop if text],  # a model may have no EOS
            formatted.stopping_criteria,
        )

    return chat_completion_handler


def register_chat_format(name: str):
    """Decorator: registers a formatter under `name`."""

    def decorator(formatter: ChatFormatter):
        handler = chat_formatter_to_chat_completion_handler(formatter)
        LlamaChatCompletionHandlerRegistry().register_chat_completion_handler(name, handler)
        return formatter

    return decorator
