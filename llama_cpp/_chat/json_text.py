"""Values of a request as JSON text, for llama.cpp's chat code."""

from __future__ import annotations

import json
from typing import Any

from .._engine.prompt import encode


def to_json(value: Any, name: str) -> str:
    """Returns `value` as JSON text. ValueError if JSON cannot hold it."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} cannot be written as JSON: {error}") from error
    encode(text, name)
    return text
