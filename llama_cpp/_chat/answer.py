"""The way from a chat request and its prompt to the answer."""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, Iterator, List, Optional, Sequence, Union

from .._engine import completion
from .._engine.media import MediaPrompt
from .._engine.processors import StoppingCriteriaList
from .._engine.prompt import encode
from .._engine.session import Session
from .constraint import Constraint
from .request import ChatRequest
from .response import respond

Run = Union[Dict[str, Any], Iterator[Dict[str, Any]]]


def answer(
    session: Session,
    request: ChatRequest,
    prompt: Union[str, List[int], MediaPrompt],
    constraint: Constraint,
    stop: Sequence[str] = (),
    criteria: Optional[StoppingCriteriaList] = None,
) -> Run:
    """Returns OpenAI's chat completion as a dict, or with request.stream its chunks.

    Args:
        session: generates.
        request: the request, without its prompt.
        prompt: text, or tokens that are used as they are.
        constraint: decides on grammar and reader.
        stop: strings that end the answer, beside those of the request.
        criteria: end the answer, too.
    """
    return respond(
        generate(session, request, prompt, constraint, stop, criteria), constraint.make_reader
    )


def tokens_of(
    session: Session, request: ChatRequest, text: str, add_special: bool
) -> Union[List[int], MediaPrompt]:
    """Returns the tokens of a rendered prompt, with BOS if `add_special` and the model has one."""
    if request.media:
        return request.media.prompt(session, text, add_special)
    return session.tokenizer.tokenize(encode(text, "The prompt"), add_special, True)


def generate(
    session: Session,
    request: ChatRequest,
    prompt: Union[str, List[int], MediaPrompt],
    constraint: Constraint,
    stop: Sequence[str] = (),
    criteria: Optional[StoppingCriteriaList] = None,
) -> Run:
    """Returns the completion that answer() makes its answer of, or its chunks."""
    if request.media and isinstance(prompt, str):
        prompt = request.media.prompt(session, prompt, True)
    sampling = dataclasses.replace(request.sampling, grammar=constraint.grammar)
    params = session.native_sampling(sampling)
    constraint.complete(params)
    if request.reasoning_budget is not None and constraint.thoughts is not None:
        constraint.thoughts.limit(params, session.model, request.reasoning_budget)
    job = completion.prepare(
        session,
        prompt,
        params,
        request.adapters(session),
        max_tokens=request.max_tokens,
        logprobs=request.logprobs,
        stop=[*request.stop, *stop],
        seed=request.seed,
        model=request.model,
        processors=request.logits_processor,
        criteria=criteria,
        preserved=constraint.preserved,
        include_usage=request.include_usage,
    )
    run: Any = completion.stream if request.stream else completion.complete
    return run(session, job)
