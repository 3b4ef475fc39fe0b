"""Messages of `starlark_doc_extract`, as protobuf's text format."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

# Field name -> its values in their order: text, bool, int, or a Message.
Message = dict[str, list[Any]]


def parse(text: str) -> Message:
    """Reads a message as protobuf's printer writes it: one field or brace per line."""
    return _message(iter(text.splitlines()))


def _message(lines: Iterator[str]) -> Message:
    message: Message = {}
    for line in map(str.strip, lines):
        if line == "}":
            break
        name, separator, value = line.partition(": ")
        if separator:
            message.setdefault(name, []).append(_value(value))
        else:
            message.setdefault(line.removesuffix(" {"), []).append(_message(lines))
    return message


def _value(text: str) -> Any:
    if text.startswith('"'):
        # The escapes of C, which are those of Python's bytes.
        return ast.literal_eval("b" + text).decode()
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.lstrip("-").isdigit() else text
