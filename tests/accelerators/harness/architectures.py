"""Facts about a checker that compares a library's GPU architectures with those requested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """A library, and the result of the check.

    Attributes:
        name: Of the case.
        content: The library's code. `arguments(folder, content)` of architecture_facts.py makes the
            checker's inputs out of it and returns its arguments up to the library.
        requested: The architectures.
        complaint: A part of the message; "" for a library that passes.
        report: The lines of the report on one that passes.
    """

    name: str
    content: Any
    requested: list[str]
    complaint: str = ""
    report: tuple[str, ...] = ()
