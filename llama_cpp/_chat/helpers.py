"""The pieces of llama-cpp-python's handlers and formatters that other programs' own are made of.

Their names are that package's, which begin with an underscore.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Dict, Iterator, List, Optional, Union

from .._engine.grammar import JSON_GBNF, LlamaGrammar
from .._errors import GrammarError
from . import named_formats
from .messages import joined, normalized
from .named_formats import Turns
from .readers import ForcedCallReader, TextReader
from .response import chat_chunks, chat_completion, chat_logprobs, respond
from .schemas import response_schema, schema_grammar

Completion = Dict[str, Any]
Run = Union[Completion, Iterator[Completion]]


# ---- from completions to chat completions

_convert_text_completion_logprobs_to_chat = chat_logprobs


def _convert_text_completion_to_chat(completion: Completion) -> Completion:
    """Returns the chat completion whose answer is the text of a completion."""
    return chat_completion(completion, TextReader())


def _convert_text_completion_chunks_to_chat(chunks: Iterator[Completion]) -> Iterator[Completion]:
    """Returns the chat chunks of a streamed completion."""
    return chat_chunks(chunks, TextReader)


def _convert_completion_to_chat(completion_or_chunks: Run, stream: bool = False) -> Run:
    """Returns the chat form of a completion, or of its chunks; `stream` has no effect."""
    return respond(completion_or_chunks, TextReader)


def _convert_completion_to_chat_function(
    tool_name: str, completion_or_chunks: Run, stream: bool
) -> Run:
    """Returns a call of `tool_name` whose arguments are the text; `stream` has no effect."""
    return respond(completion_or_chunks, partial(ForcedCallReader, tool_name))


# ---- grammars


def _grammar_for_json(verbose: bool = False) -> LlamaGrammar:
    """Returns the grammar of any JSON object."""
    return LlamaGrammar.from_string(JSON_GBNF, verbose=verbose)


def _grammar_for_json_schema(
    schema: str, verbose: bool = False, fallback_to_json: bool = True
) -> LlamaGrammar:
    """Returns the grammar of a JSON schema (JSON text), or of any object for an unusable one.

    With fallback_to_json=False that is a GrammarError.
    """
    try:
        return LlamaGrammar.from_json_schema(schema, verbose=verbose)
    except GrammarError:
        if not fallback_to_json:
            raise
        return _grammar_for_json(verbose)


def _grammar_for_response_format(
    response_format: Dict[str, Any], verbose: bool = False
) -> Optional[LlamaGrammar]:
    """Returns the grammar of a response_format, None for free text."""
    schema = response_schema(response_format)
    if schema is None:
        return None
    if "schema" not in response_format and response_format["type"] == "json_object":
        return _grammar_for_json(verbose)
    return schema_grammar(schema)


# ---- prompts


def _get_system_message(messages: List[Any]) -> str:
    """Returns the text of the first system message, "" without one."""
    texts = (joined(m["content"]) for m in normalized(messages) if m["role"] == "system")
    return next(texts, "")


def _map_roles(messages: List[Any], role_map: Dict[str, str]) -> Turns:
    """Returns (role as written, text) of the messages whose role has an entry in `role_map`."""
    return [
        (role_map[message["role"]], joined(message["content"]))
        for message in normalized(messages)
        if message["role"] in role_map
    ]


def _format_llama2(system_message: str, messages: Turns, sep: str, sep2: str) -> str:
    """Returns a prompt whose first text follows the system message without a role."""
    parts = [system_message + sep]
    for index, (role, text) in enumerate(messages):
        end = (sep, sep2)[index % 2]
        if system_message and index == 0:
            parts.append((text or "") + end)
        else:
            parts.append(f"{role}{text} {end}" if text else f"{role} ")
    return "".join(parts)


def _format_add_colon_single(system_message: str, messages: Turns, sep: str) -> str:
    """Returns a prompt of "role: text" with `sep` behind each."""
    return named_formats.colon(system_message, messages, sep, "")


def _format_add_colon_two(system_message: str, messages: Turns, sep: str, sep2: str) -> str:
    """Returns a prompt of "role: text" with `sep` and `sep2` by turns behind them."""
    return named_formats.colon_alternating(system_message, messages, sep, sep2)


def _format_no_colon_single(system_message: str, messages: Turns, sep: str) -> str:
    """Returns a prompt of roles and texts with `sep` behind each."""
    return named_formats.bare(system_message, messages, sep, "")


def _format_add_colon_space_single(system_message: str, messages: Turns, sep: str) -> str:
    """Returns a prompt as _format_add_colon_single() does, with a space before the answer."""
    return named_formats.colon_space(system_message, messages, sep, "")


def _format_chatml(system_message: str, messages: Turns, sep: str) -> str:
    """Returns a prompt with role and text on lines of their own."""
    return named_formats.lines(system_message, messages, sep, "")


def _format_chatglm3(system_message: str, messages: Turns, sep: str) -> str:
    """Returns a prompt with texts on lines of their own, each after a space; `sep` is not used."""
    return named_formats.indented(system_message, messages, sep, "")
