"""Readers turn the text that a model generates into an OpenAI message, at once or as it comes."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from .. import _core
from .._engine.gbnf import held_back
from .._errors import LlamaError
from .messages import is_object

Delta = Dict[str, Any]


class Reader:
    """Reads one answer. `calls` says whether it contains tool calls."""

    calls = False
    arguments_end = True  # whether the last call has all of its arguments

    def push(self, text: str) -> List[Delta]:
        """Takes the next piece of text; returns the deltas to send in a stream."""
        raise NotImplementedError

    def finish(self, truncated: bool) -> List[Delta]:
        """Ends the text, which was cut off if `truncated`; returns the rest to send."""
        return []

    def message(self) -> Dict[str, Any]:
        """Returns the message that was read."""
        raise NotImplementedError

    def whole(self, text: str, truncated: bool) -> Dict[str, Any]:
        """Reads a complete text; returns the message."""
        self.push(text)
        self.finish(truncated)
        return self.message()


def call_id(index: int, name: str, completion_id: str) -> str:
    return f"call__{index}_{name}_{completion_id}"


def _call_delta(index: int, arguments: str, name: str = "", id: str = "") -> Delta:
    call: Dict[str, Any] = {"index": index}
    if id:
        call["id"] = id
    call["type"] = "function"
    call["function"] = {"name": name or None, "arguments": arguments}
    return {"tool_calls": [call]}


def calls_message(calls: List[Dict[str, str]], content: str = "") -> Dict[str, Any]:
    """Returns the message with tool calls; a single one also in OpenAI's old form."""
    message: Dict[str, Any] = {"role": "assistant", "content": content or None}
    if len(calls) == 1:
        message["function_call"] = {
            "name": calls[0]["name"],
            "arguments": calls[0]["arguments"],
        }
    message["tool_calls"] = [
        {
            "id": call["id"],
            "type": "function",
            "function": {"name": call["name"], "arguments": call["arguments"]},
        }
        for call in calls
    ]
    return message


class TextReader(Reader):
    """The text is the answer."""

    def __init__(self, completion_id: str = "") -> None:
        self._text: List[str] = []

    def push(self, text: str) -> List[Delta]:
        self._text.append(text)
        return [{"content": text}]

    def message(self) -> Dict[str, Any]:
        return {"role": "assistant", "content": "".join(self._text)}


class TrimmedTextReader(TextReader):
    """The text is the answer, but for spaces at its beginning."""

    def push(self, text: str) -> List[Delta]:
        text = text if self._text else text.lstrip(" ")
        return super().push(text) if text else []


class ForcedCallReader(Reader):
    """The text is the arguments of one known tool."""

    calls = True

    def __init__(self, name: str, completion_id: str) -> None:
        self._name = name
        self._id = call_id(0, name, completion_id)
        self._text: List[str] = []

    def push(self, text: str) -> List[Delta]:
        first = not self._text
        self._text.append(text)
        delta = _call_delta(0, text, self._name if first else "", self._id if first else "")
        delta["function_call"] = {"name": self._name, "arguments": text}
        return [delta]

    def finish(self, truncated: bool) -> List[Delta]:
        self.arguments_end = is_object("".join(self._text))
        return []

    def message(self) -> Dict[str, Any]:
        call = {"id": self._id, "name": self._name, "arguments": "".join(self._text)}
        return calls_message([call])


class AnyCallReader(Reader):
    """The text is ``{"name": ..., "arguments": {...}}``; see schemas.any_call_schema()."""

    calls = True
    _HEAD = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*')

    def __init__(self, completion_id: str) -> None:
        self._completion_id = completion_id
        self._pending = ""  # before the name is known: everything; then a possible outer "}"
        self._name = ""
        self._arguments: List[str] = []

    def push(self, text: str) -> List[Delta]:
        self._pending += text
        if self._name:
            return self._more()
        head = self._HEAD.match(self._pending)
        if not head:
            return []
        self._name = json.loads(head[1])
        self._pending = self._pending[head.end() :]
        id = call_id(0, self._name, self._completion_id)
        return [_call_delta(0, "", self._name, id), *self._more()]

    def _more(self) -> List[Delta]:
        end = self._pending.rfind("}")
        shown = self._pending if end < 0 else self._pending[:end]
        self._pending = self._pending[len(shown) :]
        if not shown:
            return []
        self._arguments.append(shown)
        return [_call_delta(0, shown)]

    def finish(self, truncated: bool) -> List[Delta]:
        self.arguments_end = is_object("".join(self._arguments))
        if self.arguments_end or not self._name or not self._pending:
            return []
        self._arguments.append(self._pending)
        self.arguments_end = is_object("".join(self._arguments))
        return [_call_delta(0, self._pending)]

    def message(self) -> Dict[str, Any]:
        if not self._name:
            return {"role": "assistant", "content": self._pending}
        id = call_id(0, self._name, self._completion_id)
        arguments = "".join(self._arguments).strip()
        return calls_message([{"id": id, "name": self._name, "arguments": arguments}])


class ParsedReader(Reader):
    """The text is in the model's own format, which llama.cpp parses.

    llama.cpp reads it together with the beginning of the answer that the prompt has. If that is
    more than the template's own (`prefilled`), its message is not shown again.
    """

    def __init__(self, prompt: _core.ChatPrompt, prefilled: bool, completion_id: str) -> None:
        self._prompt = prompt
        self._completion_id = completion_id
        self._text = ""
        self._shown: Optional[_core.ChatMessage] = None
        self._given = prompt.parse("", True) if prefilled else None

    def push(self, text: str) -> List[Delta]:
        self._text += text
        try:
            return self._show(self._prompt.parse(self._text, True))
        except LlamaError:  # not decidable yet
            return []

    def finish(self, truncated: bool) -> List[Delta]:
        try:
            return self._show(self._prompt.parse(self._text, truncated))
        except LlamaError:
            # The model did not keep to its format: show its text, unless something was shown.
            shown = self._shown is not None and (self.calls or self._shown.content)
            return [{"content": self._text}] if self._text and not shown else []

    def _show(self, message: _core.ChatMessage) -> List[Delta]:
        before, self._shown = self._shown, message
        self.calls = bool(message.tool_calls)
        self.arguments_end = not self.calls or is_object(message.tool_calls[-1][1])
        before = before or self._given
        diffs = _first_diffs(message) if before is None else _core.chat_diffs(before, message)
        return [self._delta(diff) for diff in diffs]

    def _delta(self, diff: Dict[str, Any]) -> Delta:
        delta: Delta = {}
        for key in ("reasoning_content", "content"):
            if key in diff:
                delta[key] = diff[key]
        if "tool_call" in diff:
            index = diff["tool_call_index"]
            name, arguments, id = diff["tool_call"]
            if name and not id:
                id = call_id(index, name, self._completion_id)
            delta.update(_call_delta(index, arguments, name, id))
        return delta

    def whole(self, text: str, truncated: bool) -> Dict[str, Any]:
        self._text = text
        try:
            self._shown = self._prompt.parse(text, truncated)
        except LlamaError:
            self._shown = None
        return self.message()

    def message(self) -> Dict[str, Any]:
        if self._shown is None:  # the model did not keep to its format: show its text
            return {"role": "assistant", "content": self._text}
        self.calls = bool(self._shown.tool_calls)
        self.arguments_end = not self.calls or is_object(self._shown.tool_calls[-1][1])
        calls = [
            {"id": id or call_id(index, name, self._completion_id), "name": name, "arguments": args}
            for index, (name, args, id) in enumerate(self._shown.tool_calls)
        ]
        thought, content = self._new_texts(self._shown)
        message = calls_message(calls, content) if calls else {"role": "assistant"}
        if not calls:
            message["content"] = content
        if thought:
            message["reasoning_content"] = thought
        return message

    def _new_texts(self, message: _core.ChatMessage) -> Tuple[str, str]:
        """Returns thought and content of a message without those that the prompt has."""
        texts = message.reasoning_content, message.content
        if self._given is None:
            return texts
        given = self._given.reasoning_content, self._given.content
        thought, content = (
            text[len(old) :] if text.startswith(old) else text for text, old in zip(texts, given)
        )
        return thought, content


def _first_diffs(message: _core.ChatMessage) -> List[Dict[str, Any]]:
    """Returns the differences of `message` from an empty one, in the form of _core.chat_diffs()."""
    texts = {"reasoning_content": message.reasoning_content, "content": message.content}
    diffs: List[Dict[str, Any]] = [{key: text} for key, text in texts.items() if text]
    for index, call in enumerate(message.tool_calls):
        diffs.append({"tool_call_index": index, "tool_call": call})
    return diffs


class _ObjectEnd:
    """Finds the end of a JSON object or array whose text comes in pieces."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = self._escaped = False

    def find(self, text: str) -> int:
        """Takes the next piece; returns the position behind the end, -1 before it has come."""
        for position, character in enumerate(text):
            if self._in_string:
                self._in_string = self._escaped or character != '"'
                self._escaped = character == "\\" and not self._escaped
            elif character == '"':
                self._in_string = True
            elif character in "{[":
                self._depth += 1
            elif character in "}]":
                self._depth -= 1
                if self._depth <= 0:
                    return position + 1
        return -1


class Markers(NamedTuple):
    """How a format marks texts and calls in an answer.

    Attributes:
        text: before a text at the beginning; None where that has no mark.
        call: a call at the beginning, up to its arguments; its group is the name.
        next_call: a call after a text or another call, in the same way.
        mark: how the text of each `next_call` begins, but for a line break.
    """

    text: Optional[re.Pattern[str]]
    call: re.Pattern[str]
    next_call: re.Pattern[str]
    mark: str


class MarkedReader(Reader):
    """The answer is a text, calls, or both one after the other, told apart by marks."""

    def __init__(self, markers: Markers, in_text: bool, completion_id: str) -> None:
        """Makes a reader; with `in_text` the prompt has begun a text, which goes on."""
        self._in_text = in_text
        self._markers = markers
        self._completion_id = completion_id
        self._pending = ""
        self._content = ""
        self._calls: List[Dict[str, str]] = []
        self._end = _ObjectEnd()
        self._read = self._text if in_text or markers.text is None else self._beginning

    def push(self, text: str) -> List[Delta]:
        self._pending += text
        deltas: List[Delta] = []
        before = None
        while self._read != before:
            before = self._read
            deltas += self._read()
        return deltas

    def _beginning(self) -> List[Delta]:
        markers = self._markers
        if markers.text is not None and (found := markers.text.match(self._pending)):
            self._pending = self._pending[found.end() :]
            self._read = self._text
            return []
        found = markers.call.match(self._pending)
        return self._begin_call(found) if found else []

    def _text(self) -> List[Delta]:
        if found := self._markers.next_call.search(self._pending):
            shown = self._show(self._pending[: found.start()])
            return [*shown, *self._begin_call(found)]
        mark = self._markers.mark
        end = self._pending.find(mark)
        if end < 0:
            end = len(self._pending) - held_back(self._pending, [mark, "\n" + mark])
        elif self._pending[:end].endswith("\n"):
            end -= 1
        text, self._pending = self._pending[:end], self._pending[end:]
        return self._show(text)

    def _show(self, text: str) -> List[Delta]:
        # SentencePiece puts a space before the first word.
        text = text if self._content or self._in_text else text.lstrip(" ")
        self._content += text
        return [{"content": text}] if text else []

    def _begin_call(self, found: re.Match[str]) -> List[Delta]:
        name, index = found[1], len(self._calls)
        id = call_id(index, name, self._completion_id)
        self._calls.append({"id": id, "name": name, "arguments": ""})
        self.calls, self.arguments_end = True, False
        self._pending = self._pending[found.end() :]
        self._end = _ObjectEnd()
        self._read = self._arguments
        return [_call_delta(index, "", name, id)]

    def _arguments(self) -> List[Delta]:
        end = self._end.find(self._pending)
        text, self._pending = self._pending, ""
        if end >= 0:
            text, self._pending = text[:end], text[end:]
            self.arguments_end = True
            self._read = self._after_call
        call = self._calls[-1]
        text = text if call["arguments"] else text.lstrip()
        call["arguments"] += text
        return [_call_delta(len(self._calls) - 1, text)] if text else []

    def _after_call(self) -> List[Delta]:
        found = self._markers.next_call.match(self._pending)
        return self._begin_call(found) if found else []

    def finish(self, truncated: bool) -> List[Delta]:
        self.arguments_end = not self._calls or is_object(self._calls[-1]["arguments"])
        if self._calls:
            return []
        text, self._pending = self._pending.partition(self._markers.mark)[0], ""
        return self._show(text)

    def message(self) -> Dict[str, Any]:
        if self._calls:
            return calls_message(self._calls, self._content)
        return {"role": "assistant", "content": self._content}
