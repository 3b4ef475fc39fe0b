"""References of JSON schemas: where they are, and what they lead to."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterable
from urllib.parse import unquote

from .._errors import GrammarError

_SECONDS = 30
_MOST_BYTES = 1 << 24


def nodes(schema: Any) -> Iterable[Dict[str, Any]]:
    """Yields all objects in a schema, the outer ones first."""
    todo = [schema]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            yield node
            todo.extend(reversed(list(node.values())))
        elif isinstance(node, list):
            todo.extend(reversed(node))


def target_of(schema: Any, ref: str) -> Any:
    """Returns the part of a schema that a reference's fragment names (RFC 6901)."""
    target = schema
    for part in filter(None, unquote(ref.partition("#")[2]).split("/")):
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(target, list) and part.isdecimal() and int(part) < len(target):
            target = target[int(part)]
        elif isinstance(target, dict) and part in target:
            target = target[part]
        else:
            raise GrammarError(f"The reference {ref!r} of the JSON schema leads nowhere")
    return target


def fetch(url: str) -> Any:
    """Returns the JSON at an address."""
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=_SECONDS) as response:
            return json.loads(response.read(_MOST_BYTES))
    except (OSError, ValueError) as error:
        raise GrammarError(f"The JSON schema {url} could not be fetched: {error}") from error
