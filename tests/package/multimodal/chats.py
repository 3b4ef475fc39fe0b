"""Messages with images and sounds, and their answers."""

from __future__ import annotations

from typing import Any

from llama_cpp import Llama


def user(*parts: Any) -> dict[str, Any]:
    """Returns a message of texts, images (arrays of three dimensions) and sounds (of one)."""
    return {"role": "user", "content": [_part(part) for part in parts]}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def _part(part: Any) -> dict[str, Any]:
    if isinstance(part, (str, dict)):
        return {"type": "text", "text": part} if isinstance(part, str) else part
    kind = "image" if part.ndim == 3 else "audio"
    return {"type": kind, kind: part}


def answer(llm: Llama, messages: list[Any], **arguments: Any) -> str:
    """Returns the text of a greedy answer."""
    arguments = {"max_tokens": 8, "temperature": 0, **arguments}
    completion = llm.create_chat_completion(messages=messages, **arguments)
    return completion["choices"][0]["message"]["content"]


def n_encoded(llm: Llama) -> int:
    """Returns how many chunks the projector has encoded."""
    return llm._session.projector.n_encoded
