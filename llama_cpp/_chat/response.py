"""From completions to OpenAI's chat completions, whole or in chunks."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Optional, Union

from .._engine.token_text import token_bytes
from ..llama_types import CompletionUsage
from .readers import Reader


def chat_logprobs(logprobs: Optional[Dict[str, Any]]) -> Optional[Dict[str, Any]]:
    """Turns a completion's log probabilities into the chat form."""
    if logprobs is None:
        return None
    return {
        "content": [
            {
                **_chat_logprob(token, value),
                "top_logprobs": [_chat_logprob(other, p) for other, p in best.items()],
            }
            for token, value, best in zip(
                logprobs["tokens"], logprobs["token_logprobs"], logprobs["top_logprobs"]
            )
        ],
        "refusal": None,
    }


def _chat_logprob(token: str, logprob: float) -> Dict[str, Any]:
    return {"token": token, "bytes": list(token_bytes(token)), "logprob": logprob}


def _join_logprobs(
    first: Optional[Dict[str, Any]], second: Optional[Dict[str, Any]]
) -> Optional[Dict[str, Any]]:
    if first is None or second is None:
        return first or second
    return {**first, "content": first["content"] + second["content"]}


def respond(
    run: Union[Dict[str, Any], Iterator[Dict[str, Any]]], make_reader: Callable[[str], Reader]
) -> Union[Dict[str, Any], Iterator[Dict[str, Any]]]:
    """Returns the chat form of a completion or its chunks."""
    if isinstance(run, dict):
        return chat_completion(run, make_reader(run["id"]))
    return chat_chunks(run, make_reader)


def chat_completion(completion: Dict[str, Any], reader: Reader) -> Dict[str, Any]:
    """Turns a whole completion into a chat completion."""
    choice = completion["choices"][0]
    finish_reason = choice["finish_reason"]
    message = reader.whole(choice["text"], finish_reason == "length")
    return {
        "id": "chat" + completion["id"],
        "object": "chat.completion",
        "created": completion["created"],
        "model": completion["model"],
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": chat_logprobs(choice["logprobs"]),
                "finish_reason": _finish_reason(finish_reason, reader),
            }
        ],
        "usage": completion["usage"],
    }


def chat_chunks(
    chunks: Iterator[Dict[str, Any]], make_reader: Callable[[str], Reader]
) -> Iterator[Dict[str, Any]]:
    """Turns the chunks of a completion into chat chunks, the role first."""
    reader = None
    logprobs: Optional[Dict[str, Any]] = None  # not sent yet
    for chunk in chunks:
        if not chunk["choices"]:
            yield usage_chunk(chunk, chunk["usage"])
            continue
        choice = chunk["choices"][0]
        text, finish_reason = choice["text"], choice["finish_reason"]
        if reader is None:
            reader = make_reader(chunk["id"])
            yield chat_chunk(chunk, {"role": "assistant"})
        deltas: List[Dict[str, Any]] = reader.push(text) if text else []
        if finish_reason is not None:
            deltas = [*deltas, *reader.finish(finish_reason == "length")]
        logprobs = _join_logprobs(logprobs, chat_logprobs(choice["logprobs"]))
        for delta in deltas:
            yield chat_chunk(chunk, delta, logprobs=logprobs)
            logprobs = None
        if finish_reason is not None:
            yield chat_chunk(chunk, {}, _finish_reason(finish_reason, reader), logprobs)


def chat_chunk(
    chunk: Dict[str, Any],
    delta: Dict[str, Any],
    finish_reason: Optional[str] = None,
    logprobs: Optional[Dict[str, Any]] = None,
) -> Dict[str, Any]:
    """Returns the chat chunk with `delta` that a chunk of a completion leads to."""
    choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}
    chat = {
        "id": "chat" + chunk["id"],
        "object": "chat.completion.chunk",
        "created": chunk["created"],
        "model": chunk["model"],
        "choices": [choice],
    }
    if "usage" in chunk:
        chat["usage"] = None
    return chat


def usage_chunk(chunk: Dict[str, Any], usage: CompletionUsage) -> Dict[str, Any]:
    """Returns the last chat chunk of a stream with usage, which has no choices."""
    return {**chat_chunk(chunk, {}), "choices": [], "usage": usage}


def _finish_reason(reason: str, reader: Reader) -> str:
    """Says "tool_calls" for whole calls only; one that was cut off gives the reason."""
    if reader.calls and reader.arguments_end and reason == "stop":
        return "tool_calls"
    return reason
