"""Several choices for one request (``n``): runs of it that differ in their seed, put together."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Optional, Union

from .._capi.constants import LLAMA_DEFAULT_SEED
from ..llama_types import CompletionUsage

Run = Union[Dict[str, Any], Iterator[Dict[str, Any]]]  # OpenAI's response, or its chunks


def several(start: Callable[[Optional[int]], Run], n: int, seed: Optional[int]) -> Run:
    """Returns the response with `n` choices, or its chunks: those of choice 0, then of choice 1...

    Each run begins with the prompt that the one before has evaluated. Chunks have the index of
    their choice; the one with the usage comes last and counts the prompt once.

    Args:
        start: starts a run with a seed. Chunks must not be generated before they are asked for.
        n: number of choices, at least 1.
        seed: of choice 0; see seeds().
    """
    runs = [start(each) for each in seeds(seed, n)]
    if n == 1:
        return runs[0]
    if isinstance(runs[0], dict):
        return _together(runs)
    return _in_turn(runs)


def seeds(seed: Optional[int], n: int) -> List[Optional[int]]:
    """Returns the seeds of `n` choices: `seed`, seed + 1, ... as llama-server counts them.

    Without a seed each choice takes the next of its Llama. LLAMA_DEFAULT_SEED, which draws a random
    one, stays and is never met by counting.
    """
    if seed is None or seed & 0xFFFFFFFF == LLAMA_DEFAULT_SEED:
        return [seed] * n
    return [seed, *(((seed & 0xFFFFFFFF) + i) % LLAMA_DEFAULT_SEED for i in range(1, n))]


def _together(runs: List[Any]) -> Dict[str, Any]:
    choices = [
        {**choice, "index": index} for index, run in enumerate(runs) for choice in run["choices"]
    ]
    together = {**runs[0], "choices": choices}
    if "usage" in together:  # a handler of the caller may leave it out
        together["usage"] = _sum([run["usage"] for run in runs])
    return together


def _in_turn(runs: List[Any]) -> Iterator[Dict[str, Any]]:
    same: Dict[str, Any] = {}
    usages: List[CompletionUsage] = []
    last: Dict[str, Any] = {}
    for index, run in enumerate(runs):
        for chunk in run:
            same = same or {"id": chunk["id"], "created": chunk["created"]}
            if not chunk["choices"]:  # the run's usage, its last chunk
                usages.append(chunk["usage"])
                last = {**chunk, **same}
                continue
            choices = [{**choice, "index": index} for choice in chunk["choices"]]
            yield {**chunk, **same, "choices": choices}
    if usages:
        yield {**last, "usage": _sum(usages)}


def _sum(usages: List[CompletionUsage]) -> CompletionUsage:
    """Returns the usage of all choices; they share the prompt."""
    generated = sum(usage["completion_tokens"] for usage in usages)
    prompt = usages[0]["prompt_tokens"]
    return {**usages[0], "completion_tokens": generated, "total_tokens": prompt + generated}


def added(first: CompletionUsage, second: CompletionUsage) -> CompletionUsage:
    """Returns the usage of two parts of an answer, each of which has its prompt."""
    return usage_of(
        first["prompt_tokens"] + second["prompt_tokens"],
        first["completion_tokens"] + second["completion_tokens"],
        sum(usage["prompt_tokens_details"]["cached_tokens"] for usage in (first, second)),
    )


def usage_of(prompt: int, generated: int, reused: int) -> CompletionUsage:
    """Returns OpenAI's usage from the numbers of tokens; `reused` are those of the prompt that an
    earlier call has evaluated."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": generated,
        "total_tokens": prompt + generated,
        "prompt_tokens_details": {"cached_tokens": reused},
    }
