"""Errors that an engine answers with, as exceptions."""

from __future__ import annotations

import json
from typing import Any, Optional

from .._errors import ContextOverflowError, LlamaError

# The type that llama.cpp gives to a prompt that does not fit (format_error_response in its
# tools/server/server-common.cpp).
_OVERFLOW = "exceed_context_size_error"


class RequestError(LlamaError, ValueError):
    """An engine refuses a request, or fails.

    Attributes:
        status: HTTP's status for it.
        error: OpenAI's object: its code, type and message.
    """

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        super().__init__(str(error.get("message", f"the request failed with status {status}")))
        self.status = status
        self.error = error


class ContextFullError(RequestError, ContextOverflowError):
    """A prompt does not fit into a slot's context."""


def error_object(body: bytes) -> Optional[dict[str, Any]]:
    """Returns OpenAI's object in the body of an error; None if there is none."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return None
    return error if isinstance(error, dict) else None


def text_of(body: bytes) -> str:
    """Returns the beginning of a body that is no error's object, as a message."""
    return body.decode("utf-8", "replace")[:500]


def error_of(status: int, body: bytes) -> RequestError:
    """Returns the exception for the body of an answer with an error's status."""
    error = error_object(body)
    if error is None:
        error = {"message": text_of(body), "type": "server_error"}
    kind = ContextFullError if error.get("type") == _OVERFLOW else RequestError
    return kind(status, error)


__all__ = ["ContextFullError", "RequestError"]
