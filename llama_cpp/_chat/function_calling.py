"""The chat format "chatml-function-calling": tools for any model that speaks ChatML.

The assistant writes ``message:`` and a text, or one or more calls, each ``functions.<name>:`` and
a JSON object. Which of these comes next is a choice that the model makes under a small grammar;
text and arguments are then generated on their own, arguments under the tool's schema.
"""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator, List, Optional, Tuple

from .._engine import completion
from .._engine.choices import added, usage_of
from .._engine.sampling import Sampling
from .._engine.session import Session
from .._errors import ChatTemplateError
from ..llama_types import CompletionUsage
from .answer import Run, answer, generate
from .constraint import Constraint, constrain
from .handler import ChatModel
from .messages import is_object, joined, prefill_text
from .named_formats import split_system
from .readers import TextReader, call_id, calls_message
from .request import ChatRequest
from .response import chat_chunk, chat_chunks, chat_completion, usage_chunk
from .schemas import arguments_grammar, schema_grammar
from .thoughts import Thoughts

_END = "<|im_end|>"
_MOST_CALLS = 16  # a model that cannot stop calling is stopped


def chatml_function_calling(*, llama: ChatModel, messages: List[Any], **arguments: Any) -> Any:
    """Answers a chat; see the module."""
    session = llama._session
    request = ChatRequest(messages, arguments)
    request.adapters(session)  # now, not when a stream is first read
    request.stop.append(_END)
    given = "" if request.prefill is None else prefill_text(request.prefill)
    prompt = _prompt(request)
    if request.may_call and request.forced is None:
        parts = _parts(session, request, prompt, given)
        return _stream(parts) if request.stream else _collect(parts)
    if request.forced is not None:
        prompt += _told(given) + _head(request.forced) + "\n"
        given = ""
    return answer(session, request, prompt + given, constrain(request, Thoughts(given=given)))


def _told(text: str) -> str:
    """Returns a text of the assistant that calls follow."""
    return f"message:\n{text}\n" if text else ""


def _head(tool: Dict[str, Any]) -> str:
    """Returns the beginning of a call."""
    return f"functions.{tool['function']['name']}:"


# ---- prompt


def _prompt(request: ChatRequest) -> str:
    names = {"developer": "system"}
    texts = [(names.get(m["role"], m["role"]), _text(m)) for m in request.messages]
    system, rest = split_system(texts)
    if request.may_call:
        system = (system + "\n\n" if system else "") + _tools_text(request.tools)
    parts = [_turn("system", system)] if system else []
    for message, (role, text) in zip(request.messages[len(texts) - len(rest) :], rest):
        if role not in ("system", "user", "assistant", "tool"):
            raise ChatTemplateError(
                f"The chat format 'chatml-function-calling' does not have the role {role!r}: use"
                " 'system', 'user', 'assistant' or 'tool'"
            )
        if role == "assistant":
            text = _assistant_text(message, text, request.may_call)
        parts.append(_turn(role, text))
    return "".join(parts) + "<|im_start|>assistant\n"


def _text(message: Dict[str, Any]) -> str:
    text = joined(message["content"])
    return f"{message['name']}: {text}" if "name" in message else text


def _turn(role: str, text: str) -> str:
    return f"<|im_start|>{role}\n{text}{_END}\n"


def _tools_text(tools: List[Dict[str, Any]]) -> str:
    lines = ["These functions can be called:"]
    for tool in tools:
        function = tool["function"]
        lines.append(f"\nfunctions.{function['name']}:")
        if function.get("description"):
            lines.append(function["description"])
        lines.append(json.dumps(function.get("parameters") or {}))
    lines += [
        "\nTo answer with a text, write",
        "message:\n<text>",
        "\nTo call functions, write for each call its name and its arguments as JSON:",
        'functions.<name>:\n{"<argument>": <value>}',
    ]
    return "\n".join(lines)


def _assistant_text(message: Dict[str, Any], text: str, with_tools: bool) -> str:
    if text and with_tools:
        text = _told(text) if message.get("tool_calls") else f"message:\n{text}"
    for call in message.get("tool_calls") or ():
        text += f"functions.{call['function']['name']}:\n{call['function']['arguments']}\n"
    return text


# ---- generating


def _choose(
    session: Session, request: ChatRequest, prompt: str, choices: List[str], may_end: bool
) -> str:
    """Lets the model pick one of `choices`; "" when it ends instead."""
    alternatives = " | ".join(json.dumps(choice) for choice in choices)
    grammar = f"root ::= ( {alternatives} ){'?' if may_end else ''}"
    sampling = Sampling(temperature=0.0, grammar=grammar)
    job = completion.prepare(
        session,
        prompt,
        session.native_sampling(sampling),
        request.adapters(session),
        max_tokens=256,
        model=request.model,
    )
    text = completion.complete(session, job)["choices"][0]["text"]
    return text if text in choices else ""


Part = Tuple[Optional[str], Any]  # name of the function that is called, completion or its chunks


def _parts(session: Session, request: ChatRequest, prompt: str, given: str) -> Iterator[Part]:
    """Yields the answer's parts: one text, or calls. Chunks have to be used up before the next.

    An answer that begins with a given text is a text, unless a call is required.
    """
    tools = {_head(tool): tool for tool in request.tools}
    head = "message:"
    if request.tool_choice == "required":
        prompt += _told(given)
        head = _choose(session, request, prompt, [*tools], may_end=False)
    elif not given:
        head = _choose(session, request, prompt, [head, *tools], may_end=False)
    if head not in tools:
        if request.grammar is None and request.schema is not None:
            constraint = Constraint(schema_grammar(request.schema), given=given)
        else:
            constraint = Constraint(request.grammar)
        yield None, generate(session, request, f"{prompt}message:\n{given}", constraint)
        return
    for _ in range(1 if request.parallel_tool_calls is False else _MOST_CALLS):
        prompt += head + "\n"
        run = generate(session, request, prompt, Constraint(arguments_grammar(tools[head])))
        arguments: List[str] = []
        yield tools[head]["function"]["name"], _recorded(run, arguments)
        if not is_object("".join(arguments)):
            return  # cut off
        prompt += "".join(arguments) + "\n"
        head = _choose(session, request, prompt, [*tools], may_end=True)
        if not head:
            return


def _recorded(run: Run, texts: List[str]) -> Run:
    """Returns a completion or its chunks, and writes the text that comes by into `texts`."""
    if isinstance(run, dict):
        texts.append(run["choices"][0]["text"])
        return run
    return _recorded_chunks(run, texts)


def _recorded_chunks(chunks: Any, texts: List[str]) -> Iterator[Dict[str, Any]]:
    for chunk in chunks:
        texts.extend(choice["text"] for choice in chunk["choices"])
        yield chunk


def _collect(parts: Iterator[Part]) -> Dict[str, Any]:
    calls: List[Dict[str, str]] = []
    usage = usage_of(0, 0, 0)
    completion: Dict[str, Any] = {}
    for name, completion in parts:
        if name is None:
            return chat_completion(completion, TextReader())
        id = call_id(len(calls), name, completion["id"])
        text = completion["choices"][0]["text"]
        calls.append({"id": id, "name": name, "arguments": text})
        usage = added(usage, completion["usage"])
    answer = chat_completion({**completion, "usage": usage}, TextReader())
    answer["choices"][0]["message"] = calls_message(calls)
    if is_object(calls[-1]["arguments"]):
        answer["choices"][0]["finish_reason"] = "tool_calls"
    return answer


def _stream(parts: Iterator[Part]) -> Iterator[Dict[str, Any]]:
    base: Dict[str, Any] = {}  # the first chunk, which all share id and time with
    arguments, reason = "", "stop"
    usage: Optional[CompletionUsage] = None
    for index, (name, chunks) in enumerate(parts):
        if name is None:
            yield from chat_chunks(chunks, TextReader)
            return
        call: Dict[str, Any] = {"index": index, "id": "", "type": "function"}
        arguments = ""
        for chunk in chunks:
            if not base:
                base = chunk
                yield chat_chunk(base, {"role": "assistant"})
            if not chunk["choices"]:
                usage = added(usage or usage_of(0, 0, 0), chunk["usage"])
                continue
            text = chunk["choices"][0]["text"]
            arguments += text
            reason = chunk["choices"][0]["finish_reason"] or reason
            call["function"] = {"name": None, "arguments": text}
            if "id" in call:
                call["id"] = call_id(index, name, chunk["id"])
                call["function"]["name"] = name
            yield chat_chunk(base, {"tool_calls": [call]})
            call = {"index": index, "type": "function"}
    if base:
        yield chat_chunk(base, {}, "tool_calls" if is_object(arguments) else reason)
    if usage:
        yield usage_chunk(base, usage)
