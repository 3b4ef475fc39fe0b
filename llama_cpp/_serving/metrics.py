"""Prometheus' text format, as far as llama.cpp writes it."""

from __future__ import annotations

from typing import Dict

_PREFIX = "llamacpp:"


def parsed(text: str) -> Dict[str, float]:
    """Returns the numbers by name, without llama.cpp's prefix."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name[len(_PREFIX) :] if name.startswith(_PREFIX) else name] = float(value)
    return found
