"""Text completion: from a request to OpenAI-shaped results, whole or in chunks.

:func:`prepare` checks a request and turns it into a :class:`Job`; :func:`complete` runs a job to
its end, :func:`stream` step by step. Both do the same work per token: one step of the model, one
push into a TextStream, which holds back incomplete characters and possible stop strings.
"""

from __future__ import annotations

import random
import sys
import time
import uuid
import warnings
from typing import Any, Dict, Iterator, List, Optional, Sequence, Union

from .. import _core
from .._errors import StateError
from ..llama_types import CompletionUsage, CreateCompletionResponse
from .adapters import Choice
from .caches import BaseLlamaCache, longest_token_prefix
from .choices import usage_of
from .generation import generate
from .logprobs import Logprobs
from .media import Chunk, MediaPrompt
from .processors import LogitsProcessorList, StoppingCriteriaList
from .prompt import can_infill, encode, prompt_tokens, text_of, token_limit
from .session import Session
from .state import state_problem


class Job:
    """One completion: its input, and how to run it."""

    __slots__ = (
        "adapters",
        "begun",
        "created",
        "criteria",
        "echo",
        "id",
        "include_usage",
        "logprobs",
        "max_tokens",
        "media",
        "model",
        "params",
        "preserved",
        "processors",
        "prompt_text",
        "prompt_tokens",
        "seed",
        "stops",
        "strip_space",
        "suffix",
    )

    id: str
    created: int
    model: str
    prompt_tokens: List[int]
    prompt_text: str
    begun: bytes  # of a character that the prompt's last token leaves incomplete
    params: _core.SamplingParams
    adapters: Choice
    seed: Optional[int]
    max_tokens: int
    media: Sequence[Chunk]  # images and sounds of the prompt, which the job keeps
    stops: List[str]
    preserved: Sequence[int]  # control tokens that are shown as text (tool-call markers)
    logprobs: Optional[int]
    include_usage: bool  # as the last chunk of a stream
    echo: bool
    suffix: str  # appended to the text: the model has no tokens to fill in the middle
    strip_space: bool
    processors: Optional[LogitsProcessorList]
    criteria: Optional[StoppingCriteriaList]


def prepare(
    session: Session,
    prompt: Union[str, List[int], MediaPrompt],
    params: _core.SamplingParams,
    adapters: Choice,
    *,
    suffix: Optional[str] = None,
    max_tokens: Optional[int] = None,
    logprobs: Optional[int] = None,
    echo: bool = False,
    stop: Optional[Union[str, Sequence[str]]] = None,
    seed: Optional[int] = None,
    model: Optional[str] = None,
    processors: Optional[LogitsProcessorList] = None,
    criteria: Optional[StoppingCriteriaList] = None,
    preserved: Sequence[int] = (),
    include_usage: bool = False,
) -> Job:
    """Checks a request. ValueError (or a subclass) for an impossible one."""
    session.context()
    job = Job()
    job.id = f"cmpl-{uuid.uuid4()}"
    job.created = int(time.time())
    job.model = model if model is not None else session.name
    job.params = params
    job.adapters = adapters
    job.seed = seed
    job.preserved = preserved
    job.logprobs = logprobs
    job.include_usage = include_usage
    job.echo = echo
    job.processors = processors
    job.criteria = criteria
    job.strip_space = len(prompt) == 0
    job.suffix = ""
    if suffix is not None and not can_infill(session):
        job.suffix, suffix = suffix, None
    _set_prompt(session, job, prompt, suffix)
    job.max_tokens = token_limit(session, len(job.prompt_tokens), max_tokens)
    stops = [stop] if isinstance(stop, str) else stop or ()
    job.stops = [encode(text, "A stop string").decode() for text in stops if text]
    return job


def _set_prompt(
    session: Session, job: Job, prompt: Union[str, List[int], MediaPrompt], suffix: Optional[str]
) -> None:
    job.media, job.begun = (), b""
    if isinstance(prompt, MediaPrompt):
        job.prompt_tokens, job.media, job.prompt_text = prompt
        return
    job.prompt_tokens = prompt_tokens(session, prompt, suffix)
    if isinstance(prompt, str):
        job.prompt_text = prompt
    else:
        is_shown = job.echo or job.logprobs is not None
        job.prompt_text, job.begun = text_of(session, prompt if is_shown else prompt[-8:])


# ---- running


def complete(session: Session, job: Job) -> CreateCompletionResponse:
    """Runs a job to its end. Other threads wait until it is done."""
    with session.lock:
        run = _Run(session, job)
        text = "".join(run.pieces())
        _finish(session, job, run.tokens)
    completion: Any = _chunk(job, text, run.take_logprobs(), run.finish_reason)
    if job.echo:
        completion["choices"][0]["text"] = job.prompt_text + text
    completion["usage"] = run.usage()
    return completion


def stream(session: Session, job: Job) -> Iterator[Any]:
    """Runs a job step by step, yielding a chunk whenever there is new text.

    The last chunk has no text and the finish reason; with include_usage one more has the usage and
    no choices. Closing the iterator ends the generation. A newer generation on the same Llama ends
    it too: the next step then raises OvertakenError.
    """
    run = _Run(session, job)
    if job.echo and job.prompt_text:
        yield _chunk(job, job.prompt_text, None, None)
    for text in run.pieces():
        yield _chunk(job, text, run.take_logprobs(), None)
    with session.lock:
        _finish(session, job, run.tokens)
    yield _chunk(job, "", run.take_last_logprobs(), run.finish_reason)
    if job.include_usage:
        yield {**_chunk(job, "", None, None), "choices": [], "usage": run.usage()}


class _Run:
    """One run of a job: the tokens so far, and why it ended."""

    def __init__(self, session: Session, job: Job) -> None:
        self._session = session
        self._job = job
        self._logprobs = None if job.logprobs is None else _logprobs(session, job, job.logprobs)
        self._n_reused = 0  # tokens of the prompt
        self.tokens: List[int] = []
        self.finish_reason = "length"

    def pieces(self) -> Iterator[str]:
        """Generates, and yields the text as soon as it is known to belong to the answer."""
        pieces = self._raw_pieces()
        if self._job.strip_space:
            # After an empty prompt, without the space that SentencePiece puts before a first word.
            for first in pieces:
                yield first[1:] if first.startswith(" ") else first
                break
        yield from pieces

    def _raw_pieces(self) -> Iterator[str]:
        job, tokens, logprobs = self._job, self.tokens, self._logprobs
        model = self._session.model
        text = _core.TextStream(model, job.stops, False, job.preserved, job.begun)
        is_eog, push, max_tokens = model.is_eog, text.push, job.max_tokens
        generated = _start(self._session, job, logprobs)
        if logprobs is not None:
            generated = logprobs.record(generated, is_eog)
        for token in generated:
            if not tokens:
                self._n_reused = self._session.reused(job.prompt_tokens)
            if is_eog(token):
                self.finish_reason = "stop"
                break
            tokens.append(token)
            new = push(token)
            if new:
                yield new
            if text.stopped:
                self.finish_reason = "stop"
                break
            if len(tokens) >= max_tokens:
                break
        else:  # the stopping criteria ended it
            self.finish_reason = "stop"
        rest = text.flush() + job.suffix
        if rest:
            yield rest

    def usage(self) -> CompletionUsage:
        """Returns the numbers of tokens, after the last piece."""
        return usage_of(len(self._job.prompt_tokens), len(self.tokens), self._n_reused)

    def take_logprobs(self) -> Optional[Dict[str, Any]]:
        """Returns the log probabilities of the tokens since the last call, None if not wanted."""
        return None if self._logprobs is None else self._logprobs.take()

    def take_last_logprobs(self) -> Optional[Dict[str, Any]]:
        """Returns those of tokens that have brought no text, None if there are none."""
        logprobs = self.take_logprobs()
        return logprobs if logprobs and logprobs["tokens"] else None


def _chunk(
    job: Job, text: str, logprobs: Optional[Dict[str, Any]], finish_reason: Optional[str]
) -> Dict[str, Any]:
    choice = {"text": text, "index": 0, "logprobs": logprobs, "finish_reason": finish_reason}
    chunk = {
        "id": job.id,
        "object": "text_completion",
        "created": job.created,
        "model": job.model,
        "choices": [choice],
    }
    if job.include_usage:
        chunk["usage"] = None  # as OpenAI's: only the last one has it
    return chunk


def _logprobs(session: Session, job: Job, k: int) -> Logprobs:
    return Logprobs(
        session,
        k,
        job.prompt_tokens,
        job.prompt_text,
        job.begun,
        job.strip_space,
        job.preserved,
    )


def _start(session: Session, job: Job, logprobs: Optional[Logprobs]) -> Iterator[int]:
    """Sets the seed, looks into the cache, and returns the generator of tokens."""
    with session.lock:
        session.use(job.adapters)
        if session.cache is not None:
            _load_from_cache(session, session.cache, job)
        if job.seed is not None:
            session.seed = job.seed
        else:
            session.seed = random.Random(session.seed).randint(0, 2**32)
        job.params.seed = session.seed & 0xFFFFFFFF
        if session.verbose:
            session.ctx.perf_reset()
        if logprobs is not None and job.echo:
            logprobs.add_prompt()
    return generate(
        session, job.prompt_tokens, job.params, True, job.processors, job.criteria, job.adapters
    )


def _load_from_cache(session: Session, cache: BaseLlamaCache, job: Job) -> None:
    prompt = job.prompt_tokens
    try:
        state = cache[job.adapters.key_prefix + prompt]
    except KeyError:
        return
    if state_problem(state, session.n_vocab):
        return
    if getattr(state, "adapters", ()) != job.adapters.identity:
        return
    cached = longest_token_prefix(state.input_ids[: state.n_tokens].tolist(), prompt)
    present = longest_token_prefix(session.evaluated.tolist(), prompt)
    checkpoints = session.checkpoints
    saved = getattr(state, "checkpoints", ())
    here = checkpoints.reach(checkpoints.saved(), session.n_tokens, present)
    if checkpoints.reach(saved, state.n_tokens, cached) <= here:
        return
    try:
        session.load_as_owner(state)
    except StateError as error:
        message = f"A cached prompt is evaluated again: {error}"
        warnings.warn(message, RuntimeWarning, stacklevel=2)


def _finish(session: Session, job: Job, tokens: List[int]) -> None:
    if session.cache is not None:
        key = job.adapters.key_prefix + job.prompt_tokens + tokens
        session.cache[key] = session.save_as_owner()
    if session.verbose:
        perf = session.ctx.perf()
        print(
            f"llama.cpp: {perf['n_p_eval']:.0f} prompt tokens in {perf['t_p_eval_ms']:.1f} ms,"
            f" {perf['n_eval']:.0f} tokens one by one in {perf['t_eval_ms']:.1f} ms",
            file=sys.stderr,
        )
