"""The bodies of requests, examined before llama.cpp sees them."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, Literal, Mapping

from .._errors import GrammarError, MediaError
from .._serving.request_grammars import with_checked_grammars
from .._serving.request_media import MEDIA_TYPES, with_files_everywhere
from .errors import ServerError
from .settings import ServerSettings

_Kind = Literal["text", "media", "schema"]

# Levels of lists and objects. JSON schemas of tools have about 20; llama.cpp's parsers recurse.
_DEEPEST = 100

# Members with JSON schemas, whose types are no parts of messages.
_SCHEMAS = frozenset({"functions", "json_schema", "response_format", "tools"})

# Members by which one part of llama.cpp tells another how to read the answer. They hold programs of
# its parser, and regular expressions for std::regex, which recurses.
_INTERNAL = frozenset(
    {
        *("chat_format", "chat_parser", "generation_prompt", "grammar_lazy", "grammar_triggers"),
        *("grammar_type", "message_delimiters", "parse_tool_calls", "preserved_tokens"),
    }
)

# Downloads wait in threads of their own, where they hold up nobody else.
_threads = ThreadPoolExecutor(8, thread_name_prefix="llama-server-media")


async def prepared(request: Mapping[str, Any], settings: ServerSettings) -> bytes:
    """Returns a request as JSON for the engine: checked, with images and sounds loaded.

    Raises:
        ServerError: it is too large or nests too deep, an image or sound is refused, or a grammar
            or JSON schema is invalid.
    """
    for name in _INTERNAL & request.keys():
        raise ServerError(400, f"{name} is llama.cpp's own: leave it out", param=name)
    count = _Counts(settings)
    count.walk(list(request), 1, "text")
    for name, value in request.items():
        count.walk(value, 2, "schema" if name in _SCHEMAS else "text")
    checked = await _with_grammars(request)
    if count.media:
        checked = await _with_media(checked, settings)
    try:
        return json.dumps(checked, allow_nan=False, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ServerError(400, "A text has half a surrogate pair: it is no Unicode") from None
    except ValueError:
        raise ServerError(400, "A number is NaN or infinite, which JSON does not have") from None


async def _with_grammars(request: Mapping[str, Any]) -> Dict[str, Any]:
    """Checks grammars in another thread: a large schema takes seconds."""
    try:
        return await asyncio.get_running_loop().run_in_executor(
            None, with_checked_grammars, request
        )
    except (GrammarError, TypeError) as error:
        raise ServerError(400, str(error), code="invalid_grammar") from None


async def _with_media(request: Mapping[str, Any], settings: ServerSettings) -> Dict[str, Any]:
    loop = asyncio.get_running_loop()
    try:
        # All other members may have media, wherever llama.cpp looks for them.
        members = {name: value for name, value in request.items() if name not in _SCHEMAS}
        walked = await loop.run_in_executor(
            _threads, with_files_everywhere, members, settings.media_policy
        )
    except (MediaError, TypeError, ValueError) as error:
        raise ServerError(400, str(error), code="invalid_media") from None
    return {**request, **walked}


class _Counts:
    """Counts the characters and tokens of a request, and its images and sounds."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._chars = 0
        self.media = 0

    def walk(self, value: Any, depth: int, kind: _Kind) -> None:
        """Counts a value.

        Args:
            value: a value, which may be a list or an object.
            depth: its level.
            kind: "text", in which parts may be media; "media", whose texts are files; or "schema".
        """
        if depth > _DEEPEST:
            raise ServerError(400, f"The body nests deeper than {_DEEPEST} levels")
        if isinstance(value, str):
            self._add(0 if kind == "media" else len(value))
        elif isinstance(value, list):
            self._add(len(value))
            for each in value:
                self.walk(each, depth + 1, kind)
        elif isinstance(value, dict):
            self._object(value, depth, kind)

    def _object(self, value: Dict[str, Any], depth: int, kind: _Kind) -> None:
        part = value.get("type")
        if kind != "schema" and isinstance(part, str) and part in MEDIA_TYPES:
            self._add_media(1)
            _check_part(value)
            kind = "media"
        for key, each in value.items():
            self._add(len(key))
            is_data = kind == "text" and key == "multimodal_data" and isinstance(each, list)
            if is_data:
                self._add_media(len(each))
            self.walk(each, depth + 1, "media" if is_data else kind)

    def _add(self, count: int) -> None:
        self._chars += count
        most = self._settings.max_prompt_chars
        if self._chars > most:
            raise ServerError(
                400,
                f"The request has more than {most} characters and tokens",
                code="string_above_max_length",
            )

    def _add_media(self, count: int) -> None:
        self.media += count
        most = self._settings.max_media
        if self.media > most:
            raise ServerError(400, f"The request has more than {most} images and sounds")


def _check_part(part: Mapping[str, Any]) -> None:
    """Refuses parts in which a program names a file of its own: here a stranger would."""
    kind = part["type"]
    if kind in ("image", "audio") and isinstance(part.get(kind), str):
        raise ServerError(
            400,
            f"A part of the type {kind!r} has a path, which only programs may give;"
            " send the file as a data: URL",
            code="invalid_media",
        )
