"""From the arguments of Llama.create_chat_completion() to the calls of a chat handler."""

from __future__ import annotations

import functools
from typing import Any, Callable, Dict, Mapping, Optional

from .._engine.arguments import require_stream
from .._engine.choices import Run, several

# Arguments that never reach a handler, or under another name.
_OF_CALL = ("chat_template_kwargs", "max_completion_tokens", "messages", "n", "stream_options")


def call_handler(
    handler: Callable[..., Any],
    arguments: Dict[str, Any],
    *,
    n: int,
    max_completion_tokens: Optional[int],
    template_kwargs: Mapping[str, Any],
    optional: Mapping[str, Any],
) -> Run:
    """Returns the answer of any chat handler, with `n` choices.

    Args:
        handler: called once per choice, each time with another seed.
        arguments: those that llama-cpp-python passes to every handler, checked.
        n: number of choices.
        max_completion_tokens: another name of max_tokens.
        template_kwargs: keywords for the chat template.
        optional: further keywords, passed only if they are not None: a handler may be of a time
            before them.
    """
    require_stream(arguments["stream"], optional.get("stream_options"))
    for name in template_kwargs:
        if name in arguments or name in _OF_CALL:
            raise ValueError(
                f"chat_template_kwargs has {name!r}, which is an argument of the call itself\n"
                f"Pass it as {name}=..."
            )
    arguments["max_tokens"] = _limit(arguments["max_tokens"], max_completion_tokens)
    given = {name: value for name, value in optional.items() if value is not None}
    seed = arguments.pop("seed")
    run = functools.partial(handler, **{**arguments, **template_kwargs, **given})
    return several(lambda each: run(seed=each), n, seed)


def _limit(max_tokens: Optional[int], max_completion_tokens: Optional[int]) -> Optional[int]:
    if max_completion_tokens is None or max_completion_tokens == max_tokens:
        return max_tokens
    if max_tokens is not None:
        raise ValueError(
            f"max_tokens is {max_tokens} and max_completion_tokens is {max_completion_tokens}: they"
            " are two names of one limit\n"
            f"Pass max_completion_tokens={max_completion_tokens} alone."
        )
    return max_completion_tokens
