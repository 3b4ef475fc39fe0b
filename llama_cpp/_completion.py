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
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Optional, Sequence, Union

from . import _core
from ._errors import ContextOverflowError, TokenizeError
from ._kinds import in_vocabulary

if TYPE_CHECKING:
    from .llama import Llama, LogitsProcessorList, StoppingCriteriaList
    from .llama_types import CreateCompletionResponse

# A character whose tokens do not merge with what follows, for tokenizing text without the space
# that SentencePiece puts before the first word.
_SENTINEL = "☺"


class Job:
    """One completion: what goes in, and how to run it."""

    __slots__ = (
        "created",
        "criteria",
        "echo",
        "id",
        "logprobs",
        "max_tokens",
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
    params: _core.SamplingParams
    seed: Optional[int]
    max_tokens: int
    stops: List[str]
    preserved: Sequence[int]  # control tokens that are shown as text (tool-call markers)
    logprobs: Optional[int]
    echo: bool
    suffix: str  # appended to the text: the model has no tokens to fill in the middle
    strip_space: bool
    processors: Optional[LogitsProcessorList]
    criteria: Optional[StoppingCriteriaList]


def prepare(
    llama: Llama,
    prompt: Union[str, List[int]],
    params: _core.SamplingParams,
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
) -> Job:
    """Check a request. Raises ValueError (or a subclass) for what cannot be done."""
    if logprobs is not None and not llama._logits_all:
        raise ValueError(
            "logprobs is not supported for models created with logits_all=False;"
            " create the model with Llama(..., logits_all=True)"
        )
    job = Job()
    job.id = f"cmpl-{uuid.uuid4()}"
    job.created = int(time.time())
    job.model = model if model is not None else llama.model_path
    job.params = params
    job.seed = seed
    job.preserved = preserved
    job.logprobs = logprobs
    job.echo = echo
    job.processors = processors
    job.criteria = criteria
    job.strip_space = len(prompt) == 0
    job.suffix = ""
    if suffix is not None and not _can_infill(llama):
        job.suffix, suffix = suffix, None
    job.prompt_tokens = _prompt_tokens(llama, prompt, suffix)
    job.prompt_text = ""
    if echo or logprobs is not None:
        job.prompt_text = prompt if isinstance(prompt, str) else _text(llama, prompt)
    job.max_tokens = _limit(llama, len(job.prompt_tokens), max_tokens)
    stops = [stop] if isinstance(stop, str) else stop or ()
    job.stops = [encode(text, "A stop string").decode() for text in stops if text]
    return job


def encode(text: str, what: str) -> bytes:
    """Return `text` as UTF-8. TokenizeError for surrogates, which no UTF-8 text contains."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise TokenizeError(
            f"{what} cannot be encoded as UTF-8: it contains the lone surrogate"
            f" U+{ord(text[error.start]):04X} at position {error.start}. It probably comes from"
            " bytes that were decoded wrongly; decode them with errors='replace'."
        ) from None


def _text(llama: Llama, tokens: Sequence[int]) -> str:
    return llama.detokenize(list(tokens)).decode("utf-8", "replace")


def _limit(llama: Llama, n_prompt: int, max_tokens: Optional[int]) -> int:
    room = llama._n_ctx - n_prompt
    if room <= 0:
        raise ContextOverflowError(
            f"Requested tokens ({n_prompt}) exceed context window of {llama._n_ctx}\n"
            "Shorten the prompt, or create the model with a larger n_ctx (0 = as trained)."
        )
    if max_tokens is None or max_tokens <= 0:
        return room
    return min(max_tokens, room)


# ---- prompt


def _can_infill(llama: Llama) -> bool:
    model = llama._model
    return min(model.token_fim_pre, model.token_fim_suf, model.token_fim_mid) >= 0


def _prompt_tokens(llama: Llama, prompt: Union[str, List[int]], suffix: Optional[str]) -> List[int]:
    """Tokens of a prompt, with what the model wants around it unless the caller gave tokens."""
    model = llama._model
    if suffix is not None:
        tokens = _infill_tokens(llama, prompt, suffix)
    elif not isinstance(prompt, str):
        return _checked_tokens(llama, prompt)
    elif prompt:
        tokens = llama.tokenize(encode(prompt, "The prompt"), add_bos=False, special=True)
    else:
        tokens = []
    bos = model.token_bos
    if bos >= 0 and (model.add_bos or not tokens):
        tokens = [bos, *tokens]
    if model.add_sep and model.token_sep >= 0:
        tokens = [*tokens, model.token_sep]
    elif model.add_eos and model.token_eos >= 0:
        tokens = [*tokens, model.token_eos]
    if not tokens:
        raise ValueError("The prompt is empty and this model has no BOS token to start from")
    _warn_about_double_bos(llama, tokens)
    return tokens


def _checked_tokens(llama: Llama, prompt: Sequence[int]) -> List[int]:
    tokens = [int(token) for token in prompt]
    if not tokens:
        return _prompt_tokens(llama, "", None)
    in_vocabulary("prompt", tokens, llama._n_vocab)
    _warn_about_double_bos(llama, tokens)
    return tokens


def _warn_about_double_bos(llama: Llama, tokens: List[int]) -> None:
    bos = llama._model.token_bos
    if bos >= 0 and tokens[:2] == [bos, bos]:
        warnings.warn(
            f"The prompt begins with two {llama._model.token_text(bos)!r} tokens, which makes"
            " answers worse: leave it out of the prompt, it is added for you",
            RuntimeWarning,
            stacklevel=6,
        )


def _infill_tokens(llama: Llama, prompt: Union[str, List[int]], suffix: str) -> List[int]:
    """Prefix, suffix and the order to fill in what is between, in the model's own markers."""
    model = llama._model
    if isinstance(prompt, str):
        before = llama.tokenize(encode(prompt, "The prompt"), False, False) if prompt else []
    else:
        before = list(prompt)
        in_vocabulary("prompt", before, llama._n_vocab)
    prefix_part = [model.token_fim_pre, *before]
    suffix_part = [model.token_fim_suf, *_tokens_without_space(llama, suffix)]
    if llama.spm_infill:
        return [*suffix_part, *prefix_part, model.token_fim_mid]
    return [*prefix_part, *suffix_part, model.token_fim_mid]


def _tokens_without_space(llama: Llama, text: str) -> List[int]:
    if not text:
        return []
    head = llama.tokenize(_SENTINEL.encode(), False, False)
    whole = llama.tokenize(encode(_SENTINEL + text, "The suffix"), False, False)
    if whole[: len(head)] == head:
        return whole[len(head) :]
    return llama.tokenize(text.encode(), False, False)


# ---- running


def complete(llama: Llama, job: Job) -> CreateCompletionResponse:
    """Run a job to its end. Other threads wait until it is done."""
    with llama._lock:
        run = _Run(llama, job)
        text = "".join(run.pieces())
        _finish(llama, job, run.tokens)
    completion: Any = _chunk(job, text, run.take_logprobs(), run.finish_reason)
    if job.echo:
        completion["choices"][0]["text"] = job.prompt_text + text
    completion["usage"] = {
        "prompt_tokens": len(job.prompt_tokens),
        "completion_tokens": len(run.tokens),
        "total_tokens": len(job.prompt_tokens) + len(run.tokens),
    }
    return completion


def stream(llama: Llama, job: Job) -> Iterator[Any]:
    """Run a job step by step, yielding a chunk whenever there is new text.

    The last chunk has no text and the finish reason. Closing the iterator ends the generation. A
    newer generation on the same Llama ends it too: the next step then raises OvertakenError.
    """
    run = _Run(llama, job)
    if job.echo and job.prompt_text:
        yield _chunk(job, job.prompt_text, None, None)
    for text in run.pieces():
        yield _chunk(job, text, run.take_logprobs(), None)
    with llama._lock:
        _finish(llama, job, run.tokens)
    yield _chunk(job, "", None, run.finish_reason)


class _Run:
    """One run of a job: the tokens so far, and why it ended."""

    def __init__(self, llama: Llama, job: Job) -> None:
        self._llama = llama
        self._job = job
        self._logprobs = None if job.logprobs is None else _Logprobs(llama, job)
        self.tokens: List[int] = []
        self.finish_reason = "length"

    def pieces(self) -> Iterator[str]:
        """Generate, and yield the text as soon as it is known to belong to the answer."""
        pieces = self._raw_pieces()
        if self._job.strip_space:
            # After an empty prompt, without the space that SentencePiece puts before a first word.
            for first in pieces:
                yield first[1:] if first.startswith(" ") else first
                break
        yield from pieces

    def _raw_pieces(self) -> Iterator[str]:
        job, tokens, logprobs = self._job, self.tokens, self._logprobs
        model = self._llama._model
        text = _core.TextStream(model, job.stops, False, job.preserved)
        is_eog, push, max_tokens = model.is_eog, text.push, job.max_tokens
        generated = _start(self._llama, job)
        if logprobs is not None:
            generated = logprobs.record(generated, is_eog)
        for token in generated:
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

    def take_logprobs(self) -> Optional[Dict[str, Any]]:
        """Return the log probabilities of the tokens since the last call, None if not wanted."""
        return None if self._logprobs is None else self._logprobs.take()


def _chunk(
    job: Job, text: str, logprobs: Optional[Dict[str, Any]], finish_reason: Optional[str]
) -> Dict[str, Any]:
    choice = {"text": text, "index": 0, "logprobs": logprobs, "finish_reason": finish_reason}
    return {
        "id": job.id,
        "object": "text_completion",
        "created": job.created,
        "model": job.model,
        "choices": [choice],
    }


def _start(llama: Llama, job: Job) -> Iterator[int]:
    """Set the seed, look into the cache, and return the generator of tokens."""
    with llama._lock:
        if llama.cache is not None:
            _load_from_cache(llama, job.prompt_tokens)
        if job.seed is not None:
            llama.set_seed(job.seed)
        else:
            llama.set_seed(random.Random(llama._seed).randint(0, 2**32))
        job.params.seed = llama._seed & 0xFFFFFFFF
        if llama.verbose:
            llama._ctx.perf_reset()
    return llama._generate(job.prompt_tokens, job.params, True, job.processors, job.criteria)


def _load_from_cache(llama: Llama, prompt: List[int]) -> None:
    assert llama.cache is not None
    try:
        state = llama.cache[prompt]
    except KeyError:
        return
    cached = llama.longest_token_prefix(state.input_ids[: state.n_tokens].tolist(), prompt)
    if cached > llama.longest_token_prefix(llama._input_ids.tolist(), prompt):
        llama.load_state(state)


def _finish(llama: Llama, job: Job, tokens: List[int]) -> None:
    if llama.cache is not None:
        llama.cache[job.prompt_tokens + tokens] = llama.save_state()
    if llama.verbose:
        perf = llama._ctx.perf()
        print(
            f"llama.cpp: {perf['n_p_eval']:.0f} prompt tokens in {perf['t_p_eval_ms']:.1f} ms,"
            f" {perf['n_eval']:.0f} tokens one by one in {perf['t_eval_ms']:.1f} ms",
            file=sys.stderr,
        )


# ---- log probabilities


class _Logprobs:
    """Collects OpenAI's `logprobs` of a completion, token by token."""

    def __init__(self, llama: Llama, job: Job) -> None:
        self._llama = llama
        self._k = job.logprobs or 0
        self._position = len(job.prompt_tokens)  # of the next token
        self._offset = 0 if job.echo else len(job.prompt_text)
        self._prompt = job.prompt_tokens if job.echo else []  # not added yet: not evaluated yet
        self._clear()

    def _clear(self) -> None:
        self._tokens: List[str] = []
        self._offsets: List[int] = []
        self._values: List[Optional[float]] = []
        self._best: List[Optional[Dict[str, float]]] = []

    def take(self) -> Dict[str, Any]:
        """Return what was added since the last call."""
        self._add_prompt()
        taken = {
            "tokens": self._tokens,
            "text_offset": self._offsets,
            "token_logprobs": self._values,
            "top_logprobs": self._best,
        }
        self._clear()
        return taken

    def record(self, tokens: Iterator[int], is_eog: Callable[[int], bool]) -> Iterator[int]:
        """Pass generated tokens through, and add them."""
        while True:
            with self._llama._lock:  # nobody overwrites the logits in between
                token = next(tokens, None)
                if token is None:
                    return
                if not is_eog(token):
                    self._add_prompt()
                    self._add(token, self._position - 1)
                    self._position += 1
            yield token

    def _add_prompt(self) -> None:
        prompt, self._prompt = self._prompt, []
        bos = self._llama._model.token_bos
        for position, token in enumerate(prompt):
            if token != bos:
                # OpenAI gives no values for the first token, and there are none without BOS.
                self._add(token, position - 1 if self._tokens else -1)

    def _add(self, token: int, row: int) -> None:
        """Add a token whose probabilities are in score row `row`; -1: it has none."""
        text = self._piece(token)
        self._tokens.append(text)
        self._offsets.append(self._offset)
        self._offset += len(text)
        if row < 0:
            self._values.append(None)
            self._best.append(None)
            return
        value, best = _core.top_logprobs_row(self._llama.scores[row], token, self._k)
        self._values.append(value)
        self._best.append({**{self._piece(other): p for other, p in best}, text: value})

    def _piece(self, token: int) -> str:
        return self._llama.detokenize([token]).decode("utf-8", errors="ignore")
