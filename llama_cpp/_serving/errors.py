"""Errors that an engine answers with, as exceptions."""

from __future__ import annotations

import json
from typing import Any

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


def error_of(status: int, body: bytes) -> RequestError:
    """Returns the exception for the body of an answer with an error's status."""
    try:
        error = json.loads(body)["error"]
        assert isinstance(error, dict)
    except (ValueError, KeyError, TypeError, AssertionError):
        error = {"message": body.decode("utf-8", "replace")[:500], "type": "server_error"}
    kind = ContextFullError if error.get("type") == _OVERFLOW else RequestError
    return kind(status, error)


__all__ = ["ContextFullError", "RequestError"]
