"""The chat handlers by name."""

from __future__ import annotations

from typing import Dict

from .._utils import Singleton
from .handler import LlamaChatCompletionHandler


class LlamaChatCompletionHandlerNotFoundException(Exception):
    """There is no chat format of this name."""


class LlamaChatCompletionHandlerRegistry(Singleton):
    """The handlers by name; there is one registry."""

    _chat_handlers: Dict[str, LlamaChatCompletionHandler] = {}

    def register_chat_completion_handler(
        self, name: str, chat_handler: LlamaChatCompletionHandler, overwrite: bool = False
    ):
        """Adds a handler. ValueError if the name is taken and `overwrite` is False."""
        if name in self._chat_handlers and not overwrite:
            raise ValueError(
                f"Formatter with name '{name}' is already registered."
                " Use `overwrite=True` to overwrite it."
            )
        self._chat_handlers[name] = chat_handler

    def unregister_chat_handler(self, name: str):
        """Removes a handler. ValueError if there is none of this name."""
        if name not in self._chat_handlers:
            raise ValueError(f"No formatter registered under the name '{name}'.")
        del self._chat_handlers[name]

    def get_chat_completion_handler_by_name(self, name: str) -> LlamaChatCompletionHandler:
        """Returns a handler, or raise LlamaChatCompletionHandlerNotFoundException."""
        try:
            return self._chat_handlers[name]
        except KeyError:
            raise LlamaChatCompletionHandlerNotFoundException(
                f"Invalid chat handler: {name} (valid formats: {sorted(self._chat_handlers)})"
            ) from None


def get_chat_completion_handler(name: str) -> LlamaChatCompletionHandler:
    """Returns the registered handler of this name."""
    return LlamaChatCompletionHandlerRegistry().get_chat_completion_handler_by_name(name)


def register_chat_completion_handler(name: str):
    """Decorator: register a handler under `name`."""

    def decorator(handler: LlamaChatCompletionHandler):
        LlamaChatCompletionHandlerRegistry().register_chat_completion_handler(name, handler)
        return handler

    return decorator
