"""The events of a streamed response, completed: llama.cpp leaves out their numbers and places.

Source: OpenAI's API reference, the streaming events of responses.
"""

from __future__ import annotations

import json
from typing import Any, Dict

_DATA = b"data: "

# Events of a part of an item. llama.cpp's items have one part each.
_OF_PARTS = ("response.content_part.", "response.output_text.", "response.reasoning_text.")


class ResponseEvents:
    """Completes the events of one stream, piece by piece. A piece has whole lines."""

    def __init__(self) -> None:
        self._n_events = 0
        self._places: Dict[str, int] = {}  # id of an item -> its place in the output

    def __call__(self, piece: bytes) -> bytes:
        """Returns the piece with what its events lack."""
        return b"\n".join(self._line(line) for line in piece.split(b"\n"))

    def _line(self, line: bytes) -> bytes:
        if not line.startswith(_DATA):
            return line
        try:
            event = json.loads(line[len(_DATA) :])
        except ValueError:  # [DONE]
            return line
        if isinstance(event, dict) and str(event.get("type")).startswith("response."):
            self._complete(event)
        return _DATA + json.dumps(event, ensure_ascii=False).encode()

    def _complete(self, event: Dict[str, Any]) -> None:
        event["sequence_number"] = self._n_events
        self._n_events += 1
        item = event.get("item_id") or event.get("item", {}).get("id")
        if item is not None:
            event["output_index"] = self._places.setdefault(item, len(self._places))
        if event["type"].startswith(_OF_PARTS):
            event["content_index"] = 0
        if event["type"].startswith("response.output_text."):
            event.setdefault("logprobs", [])
        if isinstance(event.get("response"), dict):
            event["response"].setdefault("output", [])
