"""Brings messages into one form, so that templates and formats see all of their text.

Messages come from programs, other providers, and our own answers, whole or put together from a
stream. After :func:`normalized` a message has a role and its content as a string or as a list of
parts, which are texts and marks for images and sounds, calls in the form of `tool_calls`, and no
keys that are None. Parts that no prompt can have raise ChatTemplateError.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Dict, List, Optional, Tuple

from .._errors import ChatTemplateError
from .media import MARK_TYPE, MediaParts

# Keys of a part that say nothing to the model.
_PART_REMARKS = frozenset(
    ("annotations", "cache_control", "citations", "extras", "id", "index", "type")
)
_MEDIA_KEYS = ("audio", "images")
_MAY_BE_EMPTY = ("assistant", "tool", "function")


def normalized(messages: List[Any], media: Optional[MediaParts] = None) -> List[Dict[str, Any]]:
    """Returns the messages in one form; the given ones stay as they are.

    `media` gets the images and sounds; without it they raise ChatTemplateError.
    """
    if isinstance(messages, (str, bytes, Mapping)) or not hasattr(messages, "__iter__"):
        raise TypeError(
            f'messages has to be a list of dicts with "role" and "content", not {messages!r:.80}'
        )
    done: List[Dict[str, Any]] = []
    for index, message in enumerate(messages):
        done.append(_message(f"messages[{index}]", message, done, media))
    return done


def split_prefill(
    messages: List[Dict[str, Any]],
) -> Tuple[List[Dict[str, Any]], Optional[Dict[str, Any]]]:
    """Splits normalised messages into the chat and the beginning of the answer, or None.

    The rules are llama-server's (oaicompat_chat_params_parse): a last message of the assistant is
    continued; two of them, or one with tool calls, cannot be. An empty one begins nothing.
    """
    if not messages or messages[-1]["role"] != "assistant":
        return messages, None
    *chat, last = messages
    where = f"messages[{len(chat)}]"
    if last.get("tool_calls"):
        raise ChatTemplateError(
            f"{where} is the last message and has tool calls, which cannot be continued\n"
            "Append their results, as messages with the role 'tool'."
        )
    if chat and chat[-1]["role"] == "assistant":
        raise ChatTemplateError(
            f"{where} continues the assistant's message before it, so both cannot be the last ones"
            "\nJoin the two, or put a message of another role between or behind them."
        )
    return chat, last if last["content"] or last.get("reasoning_content") else None


def prefill_text(message: Dict[str, Any]) -> str:
    """Returns the text that an answer begins with, for formats that know no thoughts."""
    text = joined(message["content"])
    if not text:
        raise ChatTemplateError(
            "The last message begins the answer with reasoning_content alone, which only the chat"
            " template of a model can write\nPass the beginning of the answer as its content."
        )
    return text


def joined(content: Any) -> str:
    """Returns the text of a normalised content; parts are joined as llama.cpp joins them.

    That is with line breaks between texts, and none around images and sounds
    (common_chat_msg_content_part in llama.cpp's common/chat.cpp).
    """
    if isinstance(content, str):
        return content
    text = ""
    after_text = False
    for part in content:
        is_text = part["type"] != MARK_TYPE
        text += "\n" + part["text"] if is_text and after_text and text else part["text"]
        after_text = is_text
    return text


def _message(
    where: str, message: Any, before: List[Dict[str, Any]], media: Optional[MediaParts]
) -> Dict[str, Any]:
    if not isinstance(message, Mapping):
        raise TypeError(f'{where} has to be a dict with "role" and "content", not {message!r:.80}')
    result = {key: value for key, value in message.items() if value is not None}
    role = result.get("role")
    if not isinstance(role, str) or not role:
        raise ChatTemplateError(f'{where} has no "role" that is a string, such as "user"')
    for key in _MEDIA_KEYS:
        if key in result:
            raise ChatTemplateError(
                f"{where} has {key!r}, which no prompt has a place for\n"
                "Put images and sounds into its content: a list of parts, of the types 'image_url'"
                " and 'input_audio'."
            )
    for key in ("name", "tool_call_id", "reasoning_content"):
        if not isinstance(result.get(key, ""), str):
            raise ChatTemplateError(f"{where}[{key!r}] has to be a string: {result[key]!r:.80}")
    calls = _calls(where, result)
    result["content"] = _content(where, message, result, role, bool(calls), media)
    if calls:
        result["tool_calls"] = calls
    if role == "function":
        result["role"] = "tool"
        _link_result(result, before)
    elif role == "tool" and "name" not in result:
        _name_result(result, before)
    return result


# ---- content


def _content(
    where: str,
    given: Mapping[str, Any],
    result: Dict[str, Any],
    role: str,
    has_calls: bool,
    media: Optional[MediaParts],
) -> Any:
    content = result.get("content")
    refusal = result.pop("refusal", None)
    if refusal is not None and not isinstance(refusal, str):
        raise ChatTemplateError(f"{where}['refusal'] has to be a string: {refusal!r:.80}")
    if content is None:
        if "content" not in given and not (has_calls or refusal or "reasoning_content" in result):
            raise ChatTemplateError(f'{where} (role {role!r}) has no "content"')
        if role not in _MAY_BE_EMPTY:
            raise ChatTemplateError(f"{where}['content'] is None, and its role is {role!r}")
        return refusal or ""
    if isinstance(content, str):
        return f"{content}\n{refusal}" if content and refusal else content or refusal or ""
    if not isinstance(content, (list, tuple)):
        raise ChatTemplateError(
            f"{where}['content'] has to be a string or a list of parts, not"
            f" {content!r:.80} ({type(content).__name__})"
        )
    parts: List[Dict[str, Any]] = []
    for i, part in enumerate(content):
        parts += _parts(f"{where}['content'][{i}]", part, media)
    if refusal:
        parts.append({"type": "text", "text": refusal})
    return parts


def _parts(where: str, part: Any, media: Optional[MediaParts]) -> List[Dict[str, Any]]:
    if isinstance(part, str):
        return [{"type": "text", "text": part}]
    if not isinstance(part, Mapping):
        raise ChatTemplateError(f'{where} has to be a dict with a "type", not {part!r:.80}')
    if part.get("type") == MARK_TYPE and isinstance(part.get("text"), str):
        return [dict(part)]  # normalised before
    marks = None if media is None else media.take(where, part)
    return [_text(where, part)] if marks is None else marks


def _text(where: str, part: Mapping[str, Any]) -> Dict[str, str]:
    kind = part.get("type")
    if kind not in ("text", "refusal"):
        raise ChatTemplateError(f"{where} has the type {kind!r}. {_KNOWN_PARTS}")
    text = part.get(kind)
    if not isinstance(text, str):
        raise ChatTemplateError(f"{where} has no {kind!r} that is a string")
    for key, value in part.items():
        if key not in _PART_REMARKS and key != kind and value is not None:
            raise ChatTemplateError(
                f"{where} has {key!r} beside its {kind!r}; the prompt has no place for it"
            )
    return {"type": "text", "text": text}


_KNOWN_PARTS = (
    "Parts may be texts ('text', 'refusal'), images ('image_url', 'image'), sounds ('input_audio',"
    " 'audio_url', 'audio') and the frames of a video ('video').\nLeave this one out."
)


# ---- calls and their results


def _calls(where: str, result: Dict[str, Any]) -> List[Dict[str, Any]]:
    """Takes the calls out of a message; OpenAI's old `function_call` becomes one of them."""
    calls = result.pop("tool_calls", [])
    old = result.pop("function_call", None)
    if not isinstance(calls, (list, tuple)):
        raise ChatTemplateError(f"{where}['tool_calls'] has to be a list, not {calls!r:.80}")
    if old is not None and not calls:
        return [{"type": "function", "function": _function(f"{where}['function_call']", old)}]
    return [_call(f"{where}['tool_calls'][{i}]", call) for i, call in enumerate(calls)]


def _call(where: str, call: Any) -> Dict[str, Any]:
    if not isinstance(call, Mapping):
        raise ChatTemplateError(f'{where} has to be a dict with "function", not {call!r:.80}')
    kind = call.get("type") or "function"
    if kind != "function":
        raise ChatTemplateError(f"{where} has the type {kind!r}; only 'function' can be written")
    done = {"type": "function", "function": _function(f"{where}['function']", call.get("function"))}
    if call.get("id") is not None:
        done["id"] = str(call["id"])
    return done


def _function(where: str, function: Any) -> Dict[str, str]:
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise ChatTemplateError(f'{where} has to be a dict with "name" and "arguments"')
    arguments = function.get("arguments")
    if arguments is None:
        arguments = "{}"
    elif not isinstance(arguments, str):
        try:
            arguments = json.dumps(arguments, ensure_ascii=False)
        except (TypeError, ValueError) as error:
            raise ChatTemplateError(
                f"{where}['arguments'] cannot be written as JSON: {error}"
            ) from None
    return {"name": function["name"], "arguments": arguments}


def _made(before: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    return [call for message in reversed(before) for call in message.get("tool_calls", ())]


def _link_result(result: Dict[str, Any], before: List[Dict[str, Any]]) -> None:
    """Gives the result of an old `function` message the id of the last call of that function."""
    for call in _made(before):
        if call["function"]["name"] == result.get("name") and "id" in call:
            result.setdefault("tool_call_id", call["id"])
            return


def _name_result(result: Dict[str, Any], before: List[Dict[str, Any]]) -> None:
    """Gives a tool's result the name of the function whose call it answers."""
    for call in _made(before):
        if call.get("id") == result.get("tool_call_id") and "id" in call:
            result["name"] = call["function"]["name"]
            return


# ---- arguments that were cut off


def with_whole_arguments(messages: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Returns normalised messages whose calls all have a JSON object as arguments.

    Templates read the arguments as such. A call that max_tokens cut off has only its beginning: it
    is closed where it ends. Text that is no beginning of an object becomes {"arguments": text}.
    """
    return [
        {**message, "tool_calls": [_with_object(call) for call in message["tool_calls"]]}
        if "tool_calls" in message
        else message
        for message in messages
    ]


def _with_object(call: Dict[str, Any]) -> Dict[str, Any]:
    function = call["function"]
    return {**call, "function": {**function, "arguments": as_object(function["arguments"])}}


def as_object(arguments: str) -> str:
    """Returns `arguments` if it is a JSON object, else the object nearest to it."""
    if not arguments.strip():
        return "{}"
    if is_object(arguments):
        return arguments
    for text in _closed(arguments):
        if is_object(text):
            return text
    return json.dumps({"arguments": arguments}, ensure_ascii=False)


def is_object(text: str) -> bool:
    """Returns whether `text` is a complete JSON object."""
    try:
        return isinstance(json.loads(text, parse_constant=_no_constant), dict)
    except (ValueError, RecursionError):
        return False


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _closed(text: str) -> List[str]:
    """Returns ways to end JSON text that was cut off, the most faithful first."""
    in_string, brackets = _open(text)
    end = "".join(reversed(brackets))
    if in_string:
        whole = text[: _last_whole_character(text)] + '"'
        return [whole + end, whole + ":null" + end]
    text = text.rstrip()
    ways = [text + end, text + "null" + end, text + ":null" + end]
    if text.endswith(","):
        ways.append(text[:-1] + end)
    for word in ("true", "false", "null"):
        ways += [text + word[n:] + end for n in range(1, len(word)) if text.endswith(word[:n])]
    return [*ways, text + "0" + end]  # a number that ends in "-", "." or "e"


def _open(text: str) -> Tuple[bool, List[str]]:
    """Returns whether JSON text ends inside a string, and the brackets that close it."""
    brackets: List[str] = []
    in_string = escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif in_string:
            escaped = character == "\\"
            in_string = character != '"'
        elif character == '"':
            in_string = True
        elif character in "{[":
            brackets.append("}" if character == "{" else "]")
        elif character in "}]" and brackets:
            brackets.pop()
    return in_string, brackets


def _last_whole_character(text: str) -> int:
    r"""Returns the beginning of an escape that `text` ends within ("\", "\u00"), or its end."""
    for length in range(1, min(6, len(text)) + 1):
        tail = text[-length:]
        if tail[0] == "\\":
            backslashes = len(text) - length + 1 - len(text[: len(text) - length + 1].rstrip("\\"))
            begins = backslashes % 2 == 1
            whole = len(tail) >= 2 and (tail[1] != "u" or len(tail) == 6)
            return len(text) - length if begins and not whole else len(text)
    return len(text)


# ---- for formats that know only texts


def plain(
    messages: List[Any], format_name: str, roles: Tuple[str, ...] = ("user", "assistant", "system")
) -> List[Tuple[str, str]]:
    """Returns (role, text) of messages, for a format that has no more than these.

    Names, calls and their results become text: a result is told to the assistant by the user.
    ChatTemplateError for other roles.
    """
    return [
        _plain(f"messages[{i}]", m, format_name, roles) for i, m in enumerate(normalized(messages))
    ]


def _plain(
    where: str, message: Dict[str, Any], format_name: str, roles: Tuple[str, ...]
) -> Tuple[str, str]:
    role = {"developer": "system", "tool": "user"}.get(message["role"], message["role"])
    if role not in roles:
        raise ChatTemplateError(
            f"{where} has the role {message['role']!r}, which the chat format {format_name!r} does"
            " not have: use 'system', 'user', 'assistant' or 'tool'"
        )
    text = joined(message["content"])
    if "name" in message:
        text = f"{message['name']}: {text}"
    calls = [calls_text(call) for call in message.get("tool_calls", ())]
    return role, "\n".join([text, *calls] if text or not calls else calls)


def calls_text(call: Dict[str, Any]) -> str:
    """Returns a call as the model writes one under a grammar for any of its tools."""
    function = call["function"]
    name = json.dumps(function["name"], ensure_ascii=False)
    return f'{{"name": {name}, "arguments": {function["arguments"]}}}'
