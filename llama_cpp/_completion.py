"""Text completion: from a request to OpenAI-shaped results, whole or in chunks.

:func:`prepare` checks a request and turns it into a :class:`Job`; :func:`complete` runs a job to
its end, :func:`stream` step by step. Both do the same work per token: one step of the model, one
push into a TextStream, which holds back incomplete characters and possible stop strings.
"""

from __future__ import annotations

import codecs
import random
import sys
import time
import uuid
import warnings
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Iterator,
    List,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from . import _core
from ._errors import ContextOverflowError, TokenizeError
from ._kinds import in_vocabulary
from ._token_text import TextPosition, token_text

if TYPE_CHECKING:
    from .llama import Llama, LogitsProcessorList, StoppingCriteriaList
    from .llama_types import CreateCompletionResponse

# A character whose tokens do not merge with what follows, for tokenizing text without the space
# that SentencePiece puts before the first word.
_SENTINEL = "☺"

# Log probability of a token, and the best tokens with theirs.
_Found = Tuple[float, List[Tuple[int, float]]]


class Job:
    """One completion: what goes in, and how to run it."""

    __slots__ = (
        "begun",
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
    begun: bytes  # of a character that the prompt's last token leaves incomplete
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
    if isinstance(prompt, str):
        job.prompt_text, job.begun = prompt, b""
    else:
        is_shown = echo or logprobs is not None
        job.prompt_text, job.begun = _text(llama, prompt if is_shown else prompt[-8:])
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


def _text(llama: Llama, tokens: Sequence[int]) -> Tuple[str, bytes]:
    """Return the text of tokens, and the bytes of a character that is incomplete at its end."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return decoder.decode(llama.detokenize(list(tokens))), decoder.getstate()[0]


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
    yield _chunk(job, "", run.take_last_logprobs(), run.finish_reason)


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
        text = _core.TextStream(model, job.stops, False, job.preserved, job.begun)
        is_eog, push, max_tokens = model.is_eog, text.push, job.max_tokens
        generated = _start(self._llama, job, logprobs)
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

    def take_last_logprobs(self) -> Optional[Dict[str, Any]]:
        """Return those of tokens that have brought no text, None if there are none."""
        logprobs = self.take_logprobs()
        return logprobs if logprobs and logprobs["tokens"] else None


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


def _start(llama: Llama, job: Job, logprobs: Optional[_Logprobs]) -> Iterator[int]:
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
        if logprobs is not None and job.echo:
            logprobs.add_prompt()
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
        self._job = job
        self._k = job.logprobs or 0
        self._evaluated = len(job.prompt_tokens)  # when the next token is drawn
        self._position = TextPosition(len(job.prompt_text))
        self._position.add(job.begun)
        self._strip_space = job.strip_space
        self._clear()

    def _clear(self) -> None:
        self._tokens: List[str] = []
        self._offsets: List[int] = []
        self._values: List[Optional[float]] = []
        self._best: List[Optional[Dict[str, float]]] = []

    def take(self) -> Dict[str, Any]:
        """Return what was added since the last call."""
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
        llama = self._llama
        while True:
            with llama._lock:  # nobody overwrites the logits in between
                token = next(tokens, None)
                if token is None:
                    return
                if not is_eog(token):
                    row = self._evaluated - 1 - llama.n_tokens
                    found = _core.top_logprobs(llama._ctx, row, token, self._k)
                    self._add_generated(token, found)
                    self._evaluated += 1
            yield token

    def _add_generated(self, token: int, found: _Found) -> None:
        piece = self._piece(token)
        if self._strip_space and piece:
            self._strip_space = False
            piece = piece[1:] if piece.startswith(b" ") else piece
        self._add(token, piece, self._position.add(piece), found)

    def add_prompt(self) -> None:
        """Evaluate the prompt, and add its tokens.

        OpenAI gives no values for the first one. BOS is not part of the text.
        """
        tokens = self._job.prompt_tokens
        values: List[Optional[_Found]] = [None, *self._llama._score(tokens, self._k)]
        position = TextPosition(0)
        for index, (token, piece) in enumerate(zip(tokens, self._prompt_pieces())):
            offset = position.add(piece)
            if index > 0 or token != self._llama._model.token_bos:
                self._add(token, piece, offset, values[index] if self._tokens else None)

    def _prompt_pieces(self) -> Iterator[bytes]:
        """Yield the part of the prompt's text that each of its tokens stands for.

        That is none for what the model wants around a prompt, and a first word may have got a
        space. Where a tokenizer changes the text it is the token's own.
        """
        text = self._job.prompt_text.encode("utf-8", "replace") + self._job.begun
        begin = 0
        for token in self._job.prompt_tokens:
            shown = self._llama._model.token_to_piece(token, True)
            if begin == 0 and shown[:1] == b" " and not text.startswith(shown):
                shown = shown[1:]
            if not text.startswith(shown, begin):
                shown = self._piece(token)
            begin += len(shown)
            yield shown

    def _add(self, token: int, piece: bytes, offset: int, found: Optional[_Found]) -> None:
        name = token_text(piece)
        self._tokens.append(name)
        self._offsets.append(offset)
        if found is None:
            self._values.append(None)
            self._best.append(None)
            return
        value, best = found
        names: Dict[str, float] = {}
        for other, logprob in best:  # best first: it keeps a name that several tokens have
            special = self._llama._model.token_to_piece(other, True)
            names.setdefault(name if other == token else token_text(special), logprob)
        self._values.append(value)
        self._best.append({**names, name: value})

    def _piece(self, token: int) -> bytes:
        """Return the bytes that the token brings into the text: none if it is a control token."""
        return self._llama._model.token_to_piece(token, token in self._job.preserved)
