"""The chat formats of MeetKai's functionary models: "functionary", "-v1" and "-v2".

The prompts are those of the models' training (functionary/prompt_template of MeetKai/functionary;
"functionary", of the first model, as llama-cpp-python 0.3.36 has it). An answer is generated under
one grammar: a text, calls, or both, told apart by marks. llama.cpp itself knows functionary from
v3 on.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Tuple

from .._engine import gbnf
from .._engine.grammar import schema_to_gbnf
from .._engine.session import Session
from .._errors import ChatTemplateError
from .answer import answer
from .constraint import Constraint, constrain
from .handler import ChatModel
from .messages import joined, prefill_text
from .readers import MarkedReader, Markers, TextReader, TrimmedTextReader
from .request import ChatRequest
from .schemas import parameters
from .thoughts import Thoughts
from .typescript import namespace

_SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives"
    " helpful, detailed, and polite answers to the user's questions. The assistant calls functions"
    " with appropriate input when necessary"
)
_MARK = re.compile(r"(<\|\w+\|>)")
_NEVER = re.compile("(?!)")  # fits no text

Calls = List[Tuple[str, str]]  # (name, arguments)
Message = Dict[str, Any]


class Dialect(NamedTuple):
    """How one version writes an answer down.

    Attributes:
        prompt: the messages and the functions, up to the answer.
        text: before a text at the beginning of an answer.
        call: before the name in a call there.
        next_call: before the name in a call after a text or another call.
        arguments: between the name and the arguments of a call.
        ends: texts that end an answer, the one that ends a call first.
        has_many: whether an answer may have several calls.
    """

    prompt: Callable[[ChatRequest], str]
    text: str
    call: str
    next_call: str
    arguments: str
    ends: Tuple[str, ...]
    has_many: bool


# ---- prompts


def _ordered(messages: List[Message]) -> Iterator[Message]:
    """Yields messages with the results of calls in the order of the calls.

    A prompt names the function of a result, not the call, which may be one of several.
    """
    ids: List[str] = []  # of the calls in the last message of the assistant
    results: List[Message] = []
    for message in messages:
        if message["role"] == "tool":
            results.append(message)
            continue
        yield from _sorted(results, ids)
        results = []
        ids = [call.get("id", "") for call in message.get("tool_calls", ())]
        yield message
    yield from _sorted(results, ids)


def _sorted(results: List[Message], ids: List[str]) -> List[Message]:
    def place(result: Message) -> int:
        id = result.get("tool_call_id")
        return ids.index(id) if id in ids else len(ids)

    return sorted(results, key=place)


def _first_prompt(request: ChatRequest) -> str:
    """Returns the prompt of "functionary". Only texts of the user and calls end with EOS."""
    systems = [namespace(request.tools, "  ") + "\n"] if request.may_call else []
    parts = [f"system:\n{text}\n" for text in [*systems, _SYSTEM]]
    for message in _ordered(request.messages):
        role, text = _role(message), joined(message["content"])
        if role == "user":
            text = f"</s>{_named(message, text)}</s>"
        if role == "tool":
            parts.append(f"function name=functions.{message.get('name', '')}:\n{text}\n")
            continue
        calls = [f" to=functions.{name}:\n{given}</s>\n" for name, given in _calls(message)]
        texts = [f":\n{text}\n"] if text or not calls else []
        parts += [role + part for part in [*texts, *calls]]
    return "".join(parts) + "assistant"


def _v1_prompt(request: ChatRequest) -> str:
    """Returns the prompt of v1: a mark at the end of each message."""
    tools = request.tools if request.may_call else []
    parts = [f"system:\n{text}<|END_OF_SYSTEM|>\n" for text in (namespace(tools), _SYSTEM)]
    for message in _ordered(request.messages):
        role, text = _role(message), joined(message["content"])
        if role == "tool":
            name = message.get("name", "")
            parts.append(f"function name={name}:\n{text}<|END_OF_FUNCTION_RESULT|>\n")
            continue
        calls = [
            f"<|START_OF_FUNCTION_CALL|>{name}:\n{given}<|END_OF_FUNCTION_CALL|>\n"
            for name, given in _calls(message)
        ]
        text = _named(message, text) if role == "user" else text
        if calls:
            text = "".join([f"{text}\n" if text else "", *calls])
        else:
            text += f"<|END_OF_{role.upper()}|>\n"
        parts.append(f"{role}:\n{text}")
    return "".join(parts) + "assistant:\n"


def _v2_prompt(request: ChatRequest) -> str:
    """Returns the prompt of v2: sender and recipient of each message."""
    tools = request.tools if request.may_call else []
    parts = [_v2_message("system", "all", text) for text in (namespace(tools), _SYSTEM)]
    for message in _ordered(request.messages):
        role, text, calls = _role(message), joined(message["content"]), _calls(message)
        sender = message.get("name", role) if role == "tool" else role
        text = _named(message, text) if role == "user" else text
        texts = [_v2_message(sender, "all", text)] if text or not calls else []
        sent = [*texts, *(_v2_message(sender, name, given) for name, given in calls)]
        parts.append("".join(sent) + ("<|stop|>" if role == "assistant" else ""))
    return "".join(parts).lstrip("\n") + "\n<|from|>assistant\n<|recipient|>"


def _v2_message(sender: str, recipient: str, text: str) -> str:
    return f"\n<|from|>{sender}\n<|recipient|>{recipient}\n<|content|>{text}"


def _role(message: Message) -> str:
    role = {"developer": "system"}.get(message["role"], message["role"])
    if role not in ("system", "user", "assistant", "tool"):
        raise ChatTemplateError(
            f"The chat format 'functionary' does not have the role {role!r}: use 'system', 'user',"
            " 'assistant' or 'tool'"
        )
    return role


def _named(message: Message, text: str) -> str:
    return f"{message['name']}: {text}" if "name" in message else text


def _calls(message: Message) -> Calls:
    functions = [call["function"] for call in message.get("tool_calls", ())]
    return [(function["name"], function["arguments"]) for function in functions]


FIRST = Dialect(
    _first_prompt,
    text=":\n",
    call=" to=functions.",
    next_call="\nassistant to=functions.",
    arguments=":\n",
    ends=("</s>", "\nuser:"),
    has_many=False,
)
V1 = Dialect(
    _v1_prompt,
    text="",
    call="<|START_OF_FUNCTION_CALL|>",
    next_call="<|START_OF_FUNCTION_CALL|>",
    arguments=":\n",
    ends=("<|END_OF_FUNCTION_CALL|>", "<|END_OF_ASSISTANT|>"),
    has_many=False,
)
V2 = Dialect(
    _v2_prompt,
    text="all\n<|content|>",
    call="",
    next_call="<|from|>assistant\n<|recipient|>",
    arguments="\n<|content|>",
    ends=("<|stop|>",),
    has_many=True,
)


# ---- answers


class _Calling:
    """The answers to one request that may have calls; a NativeFormat."""

    has_grammar = True

    def __init__(self, dialect: Dialect, request: ChatRequest, given: str) -> None:
        self._dialect = dialect
        self._request = request
        self._given = given  # the beginning of a text

    def opening(self, request: ChatRequest) -> str:
        """Returns the beginning of a call of the forced tool."""
        assert request.forced is not None
        name = request.forced["function"]["name"]
        return f"{self._before_call()}{name}{self._dialect.arguments}"

    def _before_call(self) -> str:
        dialect = self._dialect
        if not self._given:
            return dialect.call
        line_break = "" if dialect.next_call.startswith("\n") else "\n"
        return f"{dialect.text}{self._given}{line_break}{dialect.next_call}"

    def constraint(self, must_call: bool, parsed: bool) -> Constraint:
        """Returns the constraint of an answer with calls of the request's tools."""
        markers, opening = _markers(self._dialect), ""
        if self._given and must_call:
            opening = self._before_call()
            markers = markers._replace(text=_NEVER, call=_name(self._dialect))
        elif self._given:
            opening = self._dialect.text + self._given
        make_reader = partial(MarkedReader, markers, bool(self._given) and not must_call)
        is_covered = self._request.schema is not None and not must_call
        return Constraint(
            gbnf.text_of(self._rules(must_call)),
            make_reader,
            opening,
            given=self._given if is_covered else "",
        )

    def _rules(self, must_call: bool) -> gbnf.Rules:
        dialect, request = self._dialect, self._request
        # SentencePiece writes a space before a word after a mark.
        space = '" "? ' if _MARK.search(dialect.arguments) else ""
        has_many = dialect.has_many and request.parallel_tool_calls is not False
        more = "more*" if has_many else ""
        end = gbnf.literal(dialect.ends[0]) + "?"
        call_mark = space if self._given else space + _literals(dialect.call)
        text_mark = "" if self._given else space + _literals(dialect.text)
        calls = f"{call_mark} call {more} {end}"
        text = f"{text_mark} text ( more {more} {end} )?"
        return {
            "root": calls if must_call else text if self._given else f"{calls} | {text}",
            "more": rf'"\n"? {_literals(dialect.next_call)} call',
            **self._call_rules(),
            **({} if must_call else self._text_rules()),
        }

    def _call_rules(self) -> gbnf.Rules:
        """Returns the rules of a call from its name on, of any of the tools."""
        calls, rules = [], {}
        for index, tool in enumerate(self._request.tools):
            prefix = f"tool-{index}-"
            rules.update(_schema_rules(prefix, parameters(tool)))
            name = gbnf.literal(tool["function"]["name"])
            calls.append(f"{name} {_literals(self._dialect.arguments)} {prefix}root")
        return {"call": " | ".join(calls), **rules}

    def _text_rules(self) -> gbnf.Rules:
        if self._request.schema is not None:
            return {"text": "answer-root", **_schema_rules("answer-", self._request.schema)}
        return gbnf.excluding("text", _markers(self._dialect).mark)


def _schema_rules(prefix: str, schema: Any) -> gbnf.Rules:
    return gbnf.prefixed(prefix, gbnf.rules_of(schema_to_gbnf(schema)))


def _literals(text: str) -> str:
    """Returns the GBNF of `text`, with room for SentencePiece's space after each mark."""
    return " ".join(
        gbnf.literal(part) + (' " "?' if _MARK.match(part) else "") for part in _parts(text)
    )


def _pattern(text: str) -> str:
    """Returns the regular expression of the same texts."""
    return "".join(re.escape(part) + (" ?" if _MARK.match(part) else "") for part in _parts(text))


def _parts(text: str) -> List[str]:
    return [part for part in _MARK.split(text) if part]


def _name(dialect: Dialect) -> re.Pattern[str]:
    """Returns the pattern of a call's name and all up to its arguments."""
    return re.compile(" ?(.+?)" + _pattern(dialect.arguments))


def _markers(dialect: Dialect) -> Markers:
    name = _name(dialect).pattern
    return Markers(
        text=re.compile(" ?" + _pattern(dialect.text)) if dialect.text else None,
        call=re.compile(" ?" + _pattern(dialect.call) + name),
        next_call=re.compile(r"\n?" + _pattern(dialect.next_call) + name),
        mark=_parts(dialect.next_call)[0],
    )


def _answer(dialect: Dialect, llama: ChatModel, messages: List[Any], arguments: Any) -> Any:
    session = llama._session
    request = ChatRequest(messages, arguments)
    prompt, ends = dialect.prompt(request), dialect.ends
    given = "" if request.prefill is None else prefill_text(request.prefill)
    if request.may_call and request.grammar is None:
        constraint = constrain(request, Thoughts(given=given), _Calling(dialect, request, given))
        prompt += constraint.opening
    else:
        constraint = constrain(request, Thoughts(given=given))
        if constraint.make_reader is TextReader and not given:
            constraint.make_reader = TrimmedTextReader
        prompt, ends = prompt + dialect.text + given, (*ends, _parts(dialect.next_call)[0])
    constraint.preserved = _control_tokens(session, dialect)
    return answer(session, request, prompt, constraint, ends)


def _control_tokens(session: Session, dialect: Dialect) -> List[int]:
    """Returns the marks that are tokens of the model, so that they are shown as text."""
    texts = (dialect.next_call, dialect.arguments, *dialect.ends)
    marks = sorted({mark for text in texts for mark in _MARK.findall(text)})
    found = (session.model.tokenize(mark.encode(), False, True) for mark in marks)
    return [tokens[0] for tokens in found if len(tokens) == 1]


# ---- handlers


def functionary_chat_handler(*, llama: ChatModel, messages: List[Any], **arguments: Any) -> Any:
    """Answers a chat in the format of the first functionary models."""
    return _answer(FIRST, llama, messages, arguments)


def functionary_v1_v2_chat_handler(
    *, llama: ChatModel, messages: List[Any], **arguments: Any
) -> Any:
    """Answers a chat in the format of functionary v1 or v2, as the model's vocabulary tells.

    v2 is meant where neither's marks are tokens. ``Llama(tokenizer=...)`` is not needed.
    """
    return _answer(_version(llama._session, V2), llama, messages, arguments)


def functionary_v1(*, llama: ChatModel, messages: List[Any], **arguments: Any) -> Any:
    """Answers a chat in the format of functionary v1, or of v2 if the vocabulary has its marks."""
    return _answer(_version(llama._session, V1), llama, messages, arguments)


def _version(session: Session, default: Dialect) -> Dialect:
    """Returns the version whose marks are tokens: of the model, or of a tokenizer in its place."""
    own = getattr(getattr(session.tokenizer, "hf_tokenizer", None), "additional_special_tokens", ())
    for dialect in (V1, V2):
        mark = _parts(dialect.next_call)[0]
        if mark in own or len(session.model.tokenize(mark.encode(), False, True)) == 1:
            return dialect
    return default
