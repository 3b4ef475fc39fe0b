"""Chat handlers made of formatters, which only turn messages into a prompt."""

from __future__ import annotations

import dataclasses
from typing import Any, List

from .._engine.session import Session
from .answer import Run, answer, tokens_of
from .constraint import constrain
from .formatted import ChatFormatterResponse
from .handler import ChatFormatter, ChatModel, LlamaChatCompletionHandler
from .messages import prefill_text
from .registry import LlamaChatCompletionHandlerRegistry
from .request import ChatRequest
from .thoughts import Thoughts


def chat_formatter_to_chat_completion_handler(
    chat_formatter: ChatFormatter,
) -> LlamaChatCompletionHandler:
    """Returns a handler that completes the formatter's prompt.

    It knows response_format and calls tools with tool_choice "required" or a named tool, by leaving
    the model nothing but such a call. With "auto" only the formatter sees the tools.
    """

    def chat_completion_handler(*, llama: ChatModel, messages: List[Any], **arguments: Any) -> Any:
        return answer_formatted(chat_formatter, llama._session, ChatRequest(messages, arguments))

    return chat_completion_handler


def answer_formatted(formatter: ChatFormatter, session: Session, request: ChatRequest) -> Run:
    """Returns the answer to a request by a formatter, or with request.stream its chunks."""
    given = "" if request.prefill is None else prefill_text(request.prefill)
    formatted = _format(formatter, request, given)
    stop = [formatted.stop] if isinstance(formatted.stop, str) else formatted.stop or []
    return answer(
        session,
        request,
        tokens_of(session, request, formatted.prompt, not formatted.added_special),
        constrain(request, Thoughts(given=given)),
        [text for text in stop if text],  # a model may have no EOS
        formatted.stopping_criteria,
    )


def _format(formatter: ChatFormatter, request: ChatRequest, given: str) -> ChatFormatterResponse:
    """Returns the formatter's prompt, which ends with the beginning `given` of the answer.

    Between the head of the assistant's turn and its text a format may have space. It is seen in a
    chat that has the text as a whole turn.
    """

    def write(messages: List[Any]) -> ChatFormatterResponse:
        return formatter(messages=messages, **request.original, **request.extra)

    formatted = write(request.messages)
    if not given:
        return formatted
    whole = write([*request.messages, request.prefill]).prompt
    space, found, _ = whole[len(formatted.prompt) :].partition(given)
    if not (whole.startswith(formatted.prompt) and found and (space.isspace() or not space)):
        space = ""
    return dataclasses.replace(formatted, prompt=formatted.prompt + space + given)


def register_chat_format(name: str):
    """Decorator: registers a formatter under `name`."""

    def decorator(formatter: ChatFormatter):
        handler = chat_formatter_to_chat_completion_handler(formatter)
        LlamaChatCompletionHandlerRegistry().register_chat_completion_handler(name, handler)
        return formatter

    return decorator
