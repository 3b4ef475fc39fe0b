"""The loops that generate tokens, and the drawing of one token."""

from __future__ import annotations

from typing import Generator, List, Optional, Sequence

from .. import _core
from .._numpy import np
from . import kinds
from .adapters import Choice
from .checkpoints import Checkpoint
from .drafts import DraftsOfFunction
from .processors import LogitsProcessorList, StoppingCriteriaList
from .session import Session

Tokens = Generator[int, Optional[Sequence[int]], None]


def generate(
    session: Session,
    tokens: Sequence[int],
    params: _core.SamplingParams,
    reset: bool,
    processors: Optional[LogitsProcessorList],
    criteria: Optional[StoppingCriteriaList],
    adapters: Optional[Choice],
) -> Tokens:
    """Returns a generator of tokens after a prompt, without end; see Llama.generate()."""
    if processors or criteria or session.logits_all or session.draft_model is not None:
        return _generate_with_python(session, tokens, params, reset, processors, criteria, adapters)
    return _generate_native(session, tokens, params, reset, adapters)


def sample(
    session: Session,
    params: _core.SamplingParams,
    idx: Optional[int],
    processors: Optional[LogitsProcessorList],
) -> int:
    """Draws one token from the logits of an evaluated token; see Llama.sample()."""
    row = row_of(session, idx)
    sampler = _core.Sampler(session.model, params)
    history = session.evaluated[max(0, session.n_tokens - session.last_n_tokens_size) :]
    sampler.accept_many(history[history >= 0], False)  # without images and sounds
    return _draw(session, sampler, row, processors)


def row_of(session: Session, idx: Optional[int]) -> int:
    """Returns the output row, counted from the end, of the evaluated token at position `idx`.

    Its logits are computed again if the context no longer has them. IndexError for a position
    without a token.
    """
    if session.n_tokens == 0:
        raise IndexError("There are no logits to sample from: call eval(tokens) first")
    if idx is not None and not 0 <= idx < session.n_tokens:
        raise IndexError(
            f"idx has to be the position of an evaluated token, from 0 to"
            f" {session.n_tokens - 1}, not {idx}"
        )
    if idx is not None and idx < session.end_of_media:
        raise IndexError(
            f"idx is {idx}, which is before an image or a sound: logits are known of the tokens"
            f" from {session.end_of_media} on"
        )
    row = -1 if idx is None else idx - session.n_tokens
    if session.logits_all and row < -session.ctx.n_outputs:
        session.eval_again(-row)
    return row


def _draw(
    session: Session,
    sampler: _core.Sampler,
    row: int,
    processors: Optional[LogitsProcessorList],
) -> int:
    """Draws from output row `row` (negative: from the end), through Python's processors."""
    if not processors:
        return sampler.sample(session.ctx, row)
    logits = session.ctx.logits(row)
    tokens = session.input_ids[: session.n_tokens + 1 + row]
    for processor in processors:
        logits = processor(tokens, logits)
    return sampler.sample_from_logits(np.ascontiguousarray(logits, dtype=np.single))


def _generate_native(
    session: Session,
    tokens: Sequence[int],
    params: _core.SamplingParams,
    reset: bool,
    adapters: Optional[Choice],
) -> Tokens:
    """The fast loop: nothing but llama.cpp between two tokens."""
    lock, ids, sample_accept = session.lock, session.input_ids, _core.sample_accept
    checkpoints = session.checkpoints
    with lock:
        sampler = _core.Sampler(session.model, params)
        epoch = session.begin(tokens, reset, adapters)
        ctx = session.ctx
        token = sample_accept(ctx, sampler)
        behind = session.n_tokens - session.position(session.n_tokens)
    n_ctx, decode_one = session.n_ctx, ctx.decode_one
    while True:
        injected = yield token
        with lock:
            if session.epoch != epoch:
                session.check_epoch(epoch)
            position = session.n_tokens
            if injected is not None or position >= n_ctx:
                session.eval([token, *_sent(session, injected)])
            else:
                session.requires_eval = True
                try:
                    decode_one(token, position - behind)
                except BaseException:
                    session.forget()
                    raise
                ids[position] = token
                session.n_tokens = position + 1
                session.requires_eval = False
                if position >= checkpoints.due:
                    session.take_checkpoint()
            token = sample_accept(ctx, sampler)


def _generate_with_python(
    session: Session,
    tokens: Sequence[int],
    params: _core.SamplingParams,
    reset: bool,
    processors: Optional[LogitsProcessorList],
    criteria: Optional[StoppingCriteriaList],
    adapters: Optional[Choice],
) -> Tokens:
    """The general loop: processors, criteria, all logits, drafts.

    `position` counts the tokens that are settled. Beyond them the context may hold guesses of
    the draft model; they are settled one by one as long as the sampler draws the same.
    """
    lock = session.lock
    guesses = _Guesses(session)
    with lock:
        sampler = _core.Sampler(session.model, params)
        epoch = session.begin(tokens, reset, adapters)
        position = session.n_tokens
        guesses.begin()
    while True:
        with lock:
            session.check_epoch(epoch)
            row = position - 1 - session.n_tokens
            token = _draw(session, sampler, row, processors)
            if criteria is not None and criteria(
                session.input_ids[:position], session.ctx.logits(row)
            ):
                _drop_guesses(session, position)
                return
            sampler.accept(token)
        injected = yield token
        with lock:
            session.check_epoch(epoch)
            guessed = position < session.n_tokens and session.input_ids[position] == token
            if guessed and injected is None:
                position += 1
                guesses.agree()
                continue
            again = guesses.drop(position)
            pending = [token, *_sent(session, injected)]
            position += len(pending)
            draft = [] if again else guesses.next(pending)
            session.eval([*again, *pending, *draft], len(draft) + 1)


def _sent(session: Session, tokens: Optional[Sequence[int]]) -> Sequence[int]:
    """Returns the tokens given to a generator's send()."""
    found = [] if tokens is None else kinds.tokens("tokens", tokens)
    kinds.in_vocabulary("tokens", found, session.n_vocab)
    return found


def _drop_guesses(session: Session, position: int) -> None:
    if position < session.n_tokens:
        session.settle(position)


class _Guesses:
    """The drafts of one generation."""

    def __init__(self, session: Session) -> None:
        model = session.draft_model
        self._session = session
        self._drafts = DraftsOfFunction(model) if callable(model) else model
        self._open = False  # a draft was evaluated
        self._right = 0  # tokens of it that were drawn, too
        self._before: Optional[Checkpoint] = None  # the memory without it, if it cannot drop it

    def begin(self) -> None:
        """Begins after the evaluated tokens."""
        if self._drafts is not None:
            self._drafts.begin(self._session.evaluated)

    def agree(self) -> None:
        """Counts the next token of the draft as right."""
        self._right += 1
        self._session.speculation.accepted += 1

    def drop(self, position: int) -> List[int]:
        """Drops the guesses from `position` on.

        Returns:
            The tokens before it that have to be evaluated again: then together with the next one,
            and without guesses, so that the next copy of the memory is behind them.
        """
        session, before = self._session, self._before
        if self._drafts is not None and self._open:
            self._drafts.accept(self._right)
            self._open = False
        if position == session.n_tokens:
            return []
        if before is None or session.rewind(position):
            session.settle(position)
            return []
        again = session.input_ids[before.n_tokens : position].tolist()
        session.restore(before)
        return again

    def next(self, pending: List[int]) -> List[int]:
        """Returns how the evaluated tokens and `pending` may go on."""
        session, drafts = self._session, self._drafts
        if drafts is None:
            return []
        end = session.n_tokens + len(pending)
        room = min(session.n_ctx - end, session.n_batch - len(pending))
        found = []
        if room > 0:
            text = np.append(session.evaluated, np.asarray(pending, dtype=np.intc))
            last_position = session.position(session.n_tokens) + len(pending) - 1
            found = _before_media(drafts.draft(text, last_position, room))
        self._open, self._right = bool(found), 0
        has_state = session.model.is_recurrent or session.model.is_hybrid
        needs_copy = has_state and len(found) > session.ctx.n_rs_seq
        self._before = session.snapshot() if needs_copy else None
        session.speculation.drafts += self._open
        session.speculation.drafted += len(found)
        return found


def _before_media(tokens: List[int]) -> List[int]:
    """Returns the tokens before the first image or sound, which a prompt lookup may have found."""
    return next((tokens[:end] for end, token in enumerate(tokens) if token < 0), tokens)
