"""A conversation with a model on the console: ``python -m llama_cpp chat``."""

from __future__ import annotations

import sys
from typing import Any, Dict, Iterator, List, Optional

from ._errors import ContextOverflowError
from .llama import Llama

_PROMPT = "> "


def converse(llama: Llama, system: Optional[str], **sampling: Any) -> int:
    """Answers the lines of the standard input until it ends; returns the exit status.

    Args:
        llama: the model.
        system: a system message; None: none.
        sampling: arguments of create_chat_completion().
    """
    first = [] if system is None else [{"role": "system", "content": system}]
    messages: List[Dict[str, Any]] = list(first)
    for line in _lines():
        if line == "/exit":
            break
        if line == "/clear":
            messages = list(first)
            continue
        asked = [*messages, {"role": "user", "content": line}]
        try:
            text = _answer(llama, asked, sampling)
        except ContextOverflowError:
            print("The conversation does not fit into the context: /clear begins a new one.")
            continue
        messages = [*asked, {"role": "assistant", "content": text}]
    return 0


def _lines() -> Iterator[str]:
    """Yields the messages. The prompt is shown where somebody types them."""
    is_terminal = sys.stdin.isatty()
    if is_terminal:
        _edit_lines()
    while True:
        try:
            line = input(_PROMPT if is_terminal else "").strip()
        except EOFError:
            if is_terminal:
                print()
            return
        if line:
            yield line


def _edit_lines() -> None:
    """Has input() edit lines and remember them, where Python has readline."""
    try:
        import readline  # noqa: F401
    except ImportError:
        pass


def _answer(llama: Llama, messages: List[Dict[str, Any]], sampling: Dict[str, Any]) -> str:
    """Prints an answer as it comes, and returns it. Ctrl-C ends it."""
    chunks: Any = llama.create_chat_completion(
        messages,  # type: ignore[arg-type]
        stream=True,
        **sampling,
    )
    texts: List[str] = []
    try:
        for chunk in chunks:
            text = chunk["choices"][0]["delta"].get("content")
            if text:
                texts.append(str(text))
                print(text, end="", flush=True)
    except KeyboardInterrupt:
        pass
    print()
    return "".join(texts)
