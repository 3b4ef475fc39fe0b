"""A context and the tokens that it holds.

Every method but closing is called with `lock` held. `epoch` counts changes of the tokens, so that a
generation notices that it was overtaken.
"""

from __future__ import annotations

import threading
import weakref
from contextlib import suppress
from typing import (
    Any,
    Callable,
    Dict,
    Hashable,
    List,
    Mapping,
    Optional,
    Protocol,
    Sequence,
    Tuple,
    Union,
)

from .. import _core
from .._errors import (
    AdapterLoadError,
    ClosedError,
    ContextError,
    ContextOverflowError,
    LlamaError,
    OvertakenError,
    StateError,
)
from .._numpy import np, npt
from . import kinds, paths, sampling
from .adapters import Adapters, Choice
from .caches import BaseLlamaCache, longest_token_prefix
from .checkpoints import Checkpoint, Checkpoints
from .control_vectors import ControlVector
from .drafts import Drafts, LlamaDraftModel, Speculation
from .media import Chunks, Place, Places, Run
from .options import rows_at_once
from .sampling import Sampling
from .scores import Scores
from .state import LlamaState, check_state
from .tokenizers import BaseLlamaTokenizer

See = Callable[[int, int], None]
TopLogprobs = Tuple[float, List[Tuple[int, float]]]


class NoContext:
    """Stands for the context of a model that was loaded with vocab_only=True."""

    closed = False

    @property
    def ctx(self) -> NoContext:
        return self

    def close(self) -> None:
        self.closed = True

    def __getattr__(self, name: str) -> Any:
        raise ContextError(
            "The model was loaded with vocab_only=True, so it can only tokenize;"
            " load it without to evaluate anything"
        )


class StateOwner(Protocol):
    """The Llama of a session. A subclass may have methods of its own."""

    def save_state(self) -> LlamaState: ...

    def load_state(self, state: LlamaState) -> None: ...


class Closing(Protocol):
    """Something that is closed with a session."""

    def close(self) -> None: ...


class Session:
    """A model, its context, the evaluated tokens, and the settings of the next generation.

    Attributes:
        n_tokens: the number of evaluated tokens, whose ids are the first of `input_ids`.
        requires_eval: whether the context holds no logits to sample from.
        adapters: the loaded LoRA adapters; the context evaluates with those of the last use().
        checkpoints: copies of the memory, for models that cannot drop their last tokens.
        chunks: the images and sounds of prompts.
        projector: reads the images and sounds of chats; None without one.
        projectors: all that were loaded for it, by their options; close() closes them.
        owner: returns the Llama, None when it is gone.
    """

    def __init__(
        self,
        model: _core.Model,
        context: Union[_core.Context, NoContext],
        *,
        name: str,
        n_ctx: int,
        n_batch: int,
        logits_all: bool,
        embedding: bool,
        tokenizer: BaseLlamaTokenizer,
        draft_model: Union[LlamaDraftModel, Drafts, None],
        checkpoints: Checkpoints,
    ) -> None:
        self.model = model
        self.ctx: Any = context
        self.name = name
        self.n_ctx = n_ctx
        self.n_batch = n_batch
        self.n_vocab = model.n_vocab
        self.logits_all = logits_all
        self.embedding = embedding
        self.tokenizer = tokenizer
        self.draft_model = draft_model
        self.speculation = Speculation()
        self.lock = threading.RLock()
        self.epoch = 0
        self.owner: Callable[[], Optional[StateOwner]] = _nobody
        self.adapters = Adapters(model)
        self.checkpoints = checkpoints
        self.chunks = Chunks()
        self._places = Places()
        self.projector: Any = None  # a Projector, which is made for a session
        self.media_policy: Any = None
        self.projectors: Dict[Hashable, Closing] = {}
        self._in_use = self.adapters.default
        self._is_applied = True  # unless applying _in_use was interrupted

        self.n_tokens = 0
        self.requires_eval = True
        self.input_ids: npt.NDArray[np.intc] = np.zeros(n_ctx, dtype=np.intc)
        self.scores = Scores(self.n_vocab, n_ctx if self.logits_all else n_batch)
        self.rows_at_once = rows_at_once(n_batch, self.n_vocab)
        self._last_score: Tuple[List[int], int, List[TopLogprobs]] = ([], 0, [])
        self._begun: Tuple[Sequence[int], int] = ([], 0)

        self.seed = 0
        self.last_n_tokens_size = 64
        self.spm_infill = False
        self.verbose = True
        self.cache: Optional[BaseLlamaCache] = None
        self.sampling_extras: Dict[str, Any] = {}

    def context(self) -> Any:
        """Returns the native context. ClosedError after close()."""
        if self.ctx.closed:
            raise ClosedError("This Llama is closed; create a new one to go on")
        return self.ctx

    def close(self) -> None:
        """Frees the model's memory. Closing again does nothing."""
        with self.lock:
            self.epoch += 1
            self.ctx.close()
            for projector in self.projectors.values():
                projector.close()
            self._places = Places()  # they hold what was encoded
            self.checkpoints.clear()
            self.adapters.close()
            self._in_use = self.adapters.default
            self.model.close()

    # ---- evaluated tokens

    @property
    def evaluated(self) -> npt.NDArray[np.intc]:
        """The evaluated tokens, a view."""
        return self.input_ids[: self.n_tokens]

    def reset(self) -> None:
        """Forgets the evaluated tokens."""
        self.epoch += 1
        self.n_tokens = 0
        self.requires_eval = True
        self.checkpoints.clear()
        if self.model.is_recurrent or self.model.is_hybrid:
            self.context().memory_clear(True)

    def eval(
        self,
        tokens: Sequence[int],
        n_rows: int = 1,
        see: Optional[See] = None,
        marks: Sequence[int] = (),
    ) -> None:
        """Evaluates tokens after those evaluated before.

        The context then holds the logits of the last `n_rows` of them.

        Args:
            tokens: ids, all in the vocabulary or of chunks; the last ones are text.
            n_rows: at least 1.
            see: called as see(begin, count) when the context holds the logits of the tokens at
                these positions, for all tokens in turn.
            marks: numbers of tokens at which checkpoints are wanted, beside those that are due.

        Raises:
            ContextOverflowError: the tokens do not fit into the context.
        """
        begin, end = self.n_tokens, self.n_tokens + len(tokens)
        self.context()  # refuses a closed one
        if begin == end:
            return
        self.refuse_encoder_decoder()
        if end > self.n_ctx:
            raise ContextOverflowError(
                f"Requested tokens ({end}) exceed context window of {self.n_ctx}\n"
                "Call reset() to start again, or create the model with a larger n_ctx."
            )
        array = np.asarray(tokens, dtype=np.intc)
        scores = self.scores
        scores.count = min(scores.count, begin)
        if see is None and scores.rows is not None and self.logits_all:
            see = self._keep_scores if scores.count == begin else None
        self.requires_eval = True  # a signal handler may raise after decode()
        try:
            kept = self.go_back(begin)
            if kept < begin:
                self._evaluate(self.input_ids[kept:begin], kept, 1, None)
            self._evaluate_new(array, begin, n_rows, see, marks)
        except BaseException:
            self.forget()
            raise
        self.input_ids[begin:end] = array
        self.n_tokens = end
        self.requires_eval = False

    def _evaluate_new(
        self,
        tokens: npt.NDArray[np.intc],
        begin: int,
        n_rows: int,
        see: Optional[See],
        marks: Sequence[int],
    ) -> None:
        """Evaluates tokens after the first `begin`, in the place of all that were there.

        It takes checkpoints among them.
        """
        runs = list(self.chunks.runs(tokens))  # holds the chunks, which a dropped place may share
        self.checkpoints.keep(begin)
        self._places.keep(begin)
        done, end = 0, len(tokens) - n_rows  # the last rows have to be of one evaluation
        stops = [place - begin for place in self.checkpoints.stops(begin, begin + end, marks)]
        for stop in _outside(stops, runs):
            self._places.add(self._evaluate(tokens[done:stop], begin + done, 0, see))
            self._take_checkpoint(begin + stop)
            done = stop
        self._places.add(self._evaluate(tokens[done:], begin + done, n_rows, see))

    def _evaluate(
        self, tokens: npt.NDArray[np.intc], begin: int, n_rows: int, see: Optional[See]
    ) -> List[Place]:
        """Evaluates tokens after `begin` others; returns the places of their chunks."""
        places: List[Place] = []
        position = self._places.position(begin)
        for run in self.chunks.runs(tokens):
            if run.chunk is None:
                rows = n_rows if run.end == len(tokens) else 0
                self._decode(tokens[run.start : run.end], begin + run.start, position, rows, see)
                position += run.end - run.start
            else:
                run.chunk.evaluate(position)
                chunk = run.chunk
                places.append(
                    Place(begin + run.start, chunk.n_tokens, chunk.n_pos, chunk.key, chunk)
                )
                position += chunk.n_pos
        return places

    def _decode(
        self,
        tokens: npt.NDArray[np.intc],
        begin: int,
        position: int,
        n_rows: int,
        see: Optional[See],
    ) -> None:
        """Evaluates text; `begin` counts the tokens before it, `position` is in the context."""
        if see is not None:
            self._decode_seen(tokens, begin, position, max(n_rows, self.rows_at_once), see)
        elif n_rows == 1:
            self.ctx.decode(tokens, position)
        else:
            self._decode_rows(tokens, position, n_rows)

    def _decode_rows(self, tokens: npt.NDArray[np.intc], position: int, n_rows: int) -> None:
        """Evaluates tokens with the logits of the last `n_rows`."""
        split = max(0, len(tokens) - n_rows)
        if split:
            self.ctx.decode(tokens[:split], position, outputs=_core.Outputs.NONE)
        if n_rows:
            self.ctx.decode(tokens[split:], position + split, outputs=_core.Outputs.ALL)

    def _decode_seen(
        self, tokens: npt.NDArray[np.intc], begin: int, position: int, step: int, see: See
    ) -> None:
        """Evaluates `step` tokens at a time, the last time not fewer, and shows their logits."""
        start, stop = 0, len(tokens) % step or step
        while start < len(tokens):
            self.ctx.decode(tokens[start:stop], position + start, outputs=_core.Outputs.ALL)
            see(begin + start, stop - start)
            start, stop = stop, stop + step

    def eval_again(self, n_rows: int) -> None:
        """Evaluates the last tokens again, for the logits of all of them."""
        tokens = self.evaluated[-n_rows:].copy()
        self.n_tokens -= n_rows
        self.eval(tokens, n_rows)

    def go_back(self, n_tokens: int) -> int:
        """Drops everything after the first `n_tokens` tokens, or after fewer of them.

        Returns:
            The number of tokens that the context keeps: fewer when the memory cannot be shortened.
            Those of the last checkpoint before, then, or none.
        """
        if self.rewind(n_tokens):
            return n_tokens
        checkpoint = self.checkpoints.before(n_tokens)
        if checkpoint is None:
            self.context().memory_clear(False)
            return 0
        self.restore(checkpoint)
        return checkpoint.n_tokens

    def snapshot(self) -> Checkpoint:
        """Returns a checkpoint of the present tokens, for restore(). It is the caller's alone."""
        memory = self.context().checkpoint(0)
        return Checkpoint(self.n_tokens, self.position(self.n_tokens), memory)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Goes back to a checkpoint whose tokens are the first of those in the context.

        The context has no logits then. StateError, and an empty context, when it does not fit.
        """
        ctx = self.context()
        try:
            ctx.checkpoint_restore(checkpoint.memory, 0)
            if not ctx.seq_rm(0, checkpoint.position, -1):
                raise StateError(
                    "The memory has other positions than this checkpoint\n"
                    "Evaluate the prompt again."
                )
        except BaseException:
            self.forget()
            raise
        self.settle(checkpoint.n_tokens)

    def take_checkpoint(self) -> None:
        """Keeps a checkpoint of the present tokens."""
        self._take_checkpoint(self.n_tokens)

    def _take_checkpoint(self, n_tokens: int) -> None:
        self.checkpoints.take(self.context(), n_tokens, self.position(n_tokens))

    def rewind(self, n_tokens: int) -> bool:
        """Drops everything after the first `n_tokens`; False when this model cannot do that."""
        ctx = self.context()
        position = self.position(n_tokens)
        window = self.model.n_swa
        if window and 0 < position <= ctx.seq_pos_max(0):
            # The window may have dropped tokens that the kept ones attend to.
            kept = ctx.seq_pos_min(0) <= max(0, position - window)
            return kept and ctx.seq_rm(0, position, -1)
        return ctx.seq_rm(0, position, -1)

    def position(self, n_tokens: int) -> int:
        """Returns the position in the context that follows the first `n_tokens` tokens."""
        return self._places.position(n_tokens)

    @property
    def end_of_media(self) -> int:
        """The number of tokens up to the last image or sound; 0 without any."""
        return self._places.end(self.n_tokens)

    def forget(self) -> None:
        """Empties the context after a failed evaluation, which may have left anything in it."""
        self.n_tokens = 0
        self.requires_eval = True
        self.checkpoints.clear()
        if not self.ctx.closed:
            # Of a context that llama.cpp failed a check in nothing can be cleared, and the error
            # that is on its way says why.
            with suppress(ContextError):
                self.ctx.memory_clear(False)

    def refuse_encoder_decoder(self) -> None:
        """Raises ContextError for models such as T5."""
        model = self.model
        if model.has_encoder and model.has_decoder:
            raise ContextError(
                "Llama cannot evaluate encoder-decoder models such as T5: it has no place for the"
                " encoder's input\nAn encoder alone (architecture t5encoder) can embed()."
            )

    def set_abort_callback(self, callback: Callable[[], Any]) -> None:
        """Asks a function, again and again, whether an evaluation has to end."""
        self._abort_callback = callback
        reference = weakref.ref(self)  # the native context takes no part in garbage collection

        def should_stop() -> bool:
            session = reference()
            return session is not None and bool(session._abort_callback())

        self.context().set_abort_callback(should_stop)

    # ---- adapters

    def use(self, choice: Choice) -> None:
        """Evaluates with these adapters from now on.

        Forgets tokens, and all about them, that were evaluated with others.
        """
        if self._is_applied and choice.identity == self._in_use.identity:
            return
        self.epoch += 1
        self.forget()
        self._last_score = ([], 0, [])
        self._is_applied = False
        self._in_use = choice
        choice.apply(self.context())
        self._is_applied = True

    def choose(self, loras: Optional[Mapping[str, float]]) -> Choice:
        """Returns the adapters of a call; see Adapters.choose(). Needs no lock."""
        self.context()
        return self.adapters.choose(loras)

    def continuing(self) -> Choice:
        """Returns the adapters of the evaluated tokens; without tokens the default."""
        return self._in_use if self.n_tokens else self.adapters.default

    def set_default_adapters(self, choice: Choice) -> None:
        """Sets the adapters of later calls that choose none."""
        self.context()
        self.use(choice)
        self.adapters.default = choice

    def set_control_vector(self, vector: Optional[ControlVector]) -> None:
        """Adds a control vector in all later calls, instead of the one before."""
        self.set_default_adapters(Choice(self.adapters.default.scales, vector))

    def load_first_adapter(self, path: paths.StrPath, scale: float) -> None:
        """Loads the adapter of Llama(lora_path=...). AdapterLoadError if that is impossible."""
        try:
            name = self.adapters.load(path)
            self.set_default_adapters(self.choose({name: scale}))
        except LlamaError as error:
            raise AdapterLoadError(
                f"Failed to initialize LoRA adapter from lora path: {paths.shown(path)}\n{error}"
            ) from error

    def restore_adapters(self, saved: Dict[str, Any]) -> None:
        """Goes back to the adapters of Adapters.saved(), before anything is evaluated."""
        self.set_default_adapters(self.adapters.restore(saved))

    def unload_adapter(self, name: str) -> None:
        """Frees an adapter; tokens that were evaluated with it are forgotten."""
        self.context()
        lora = self.adapters.unload(name)
        if lora in self._in_use.scales:
            self._is_applied = False  # the default may have another copy of it
            self.use(self.adapters.default)
        lora.native = None

    # ---- logits

    def all_scores(self) -> npt.NDArray[np.single]:
        """Returns the array of logits, with a row for each evaluated token if all are asked for."""
        needed = self.n_tokens if self.logits_all else 0
        rows = self.scores.reserve(needed)
        if self.scores.count < needed:
            tokens = self.evaluated.copy()
            self.n_tokens = self._places.whole(self.scores.count)
            self.eval(tokens[self.n_tokens :], self.context().n_outputs)
        return rows

    def _keep_scores(self, begin: int, count: int) -> None:
        self.scores.keep(begin, self.ctx.logits_all())

    def score_prompt(self, tokens: List[int], k: int) -> List[TopLogprobs]:
        """Evaluates a prompt; returns log probabilities of each token but the first.

        Begins with the tokens that the prompt shares with the one before.

        Returns:
            Per token its log probability, and the `k` best tokens in its place with theirs.
        """
        last_tokens, last_k, last_found = self._last_score
        shared = longest_token_prefix(last_tokens, tokens) if k == last_k else 0
        kept = min(shared, longest_token_prefix(self.evaluated.tolist(), tokens)) - 1
        kept = self._places.whole(kept)
        kept = self.go_back(kept) if kept > 0 else 0
        if kept > 0:
            self.epoch += 1
            self.n_tokens = kept
        else:
            self.reset()
        self._begun = (tokens, kept)
        found = last_found[: self.n_tokens]

        def see(begin: int, count: int) -> None:
            for row, token in enumerate(tokens[begin + 1 : begin + count + 1]):
                found.append(_core.top_logprobs(self.ctx, row, token, k))

        self.eval(tokens[self.n_tokens :], see=see)
        self._last_score = (tokens, k, found)
        return found

    # ---- generations

    def begin(self, tokens: Sequence[int], reset: bool, adapters: Optional[Choice]) -> int:
        """Evaluates the tokens of a prompt that are not evaluated yet; returns the new epoch.

        `adapters` of None are those of the evaluated tokens.
        """
        self.use(self.continuing() if adapters is None else adapters)
        pending = list(tokens)
        marks: List[int] = []
        if not pending and self.n_tokens == 0:
            raise ValueError("There is nothing to generate from: the prompt has no tokens")
        if reset:
            shared = self._reuse_prefix(pending)
            marks = self.checkpoints.marks(self.n_tokens, shared, len(pending))
            if self._begun[0] is not tokens:  # else score_prompt() has just evaluated it
                self._begun = (tokens, self.n_tokens)
            pending = pending[self.n_tokens :]
        self.epoch += 1
        self.eval(pending, marks=marks)
        return self.epoch

    def reused(self, tokens: Sequence[int]) -> int:
        """Returns how many tokens of a prompt, this very list, needed no evaluation.

        0 when another prompt was begun since.
        """
        begun, count = self._begun
        return count if begun is tokens else 0

    def _reuse_prefix(self, tokens: List[int]) -> int:
        """Keeps the evaluated beginning of `tokens`, as far as the memory can go back to its end.

        Returns:
            The number of tokens that were in common.
        """
        shared = 0
        if self.n_tokens > 0:
            shared = longest_token_prefix(self.evaluated.tolist(), tokens)
            if shared == len(tokens) == self.n_tokens and not self.requires_eval:
                return shared
            # Something must be evaluated to have logits.
            shared = self._places.whole(min(shared, len(tokens) - 1))
            kept = self.go_back(shared) if shared > 0 else 0
            if kept > 0:
                self.settle(kept)
                return shared
        self.reset()
        return shared

    def settle(self, position: int) -> None:
        """Drops the tokens from `position` on; the next eval() rewinds the context."""
        self.n_tokens = position
        self.requires_eval = True

    def check_epoch(self, epoch: int) -> None:
        """Raises OvertakenError unless `epoch` is the present one, ClosedError after close()."""
        if self.epoch != epoch:
            self.context()
            raise OvertakenError(
                "This generation was overtaken: something else was evaluated on the same Llama."
                " Use one Llama per stream, or finish a stream before the next call"
            )

    def native_sampling(self, arguments: Sampling) -> _core.SamplingParams:
        """Returns llama.cpp's form of the sampling arguments of one call."""
        extras = self.sampling_extras
        if isinstance(extras, dict):
            extras = dict(extras)  # other threads may change it
        if extras:
            sampling.check_extras(extras)
        if arguments.logit_bias:
            kinds.in_vocabulary("logit_bias", list(arguments.logit_bias), self.n_vocab)
        return arguments.native(self.seed, self.last_n_tokens_size, extras or {})

    # ---- state

    def save_as_owner(self) -> LlamaState:
        """Returns what the owner's save_state() returns."""
        owner = self.owner()
        return self.save() if owner is None else owner.save_state()

    def load_as_owner(self, state: LlamaState) -> None:
        """Goes back to a saved state by the owner's load_state()."""
        owner = self.owner()
        if owner is None:
            self.load(state)
        else:
            owner.load_state(state)

    def save(self) -> LlamaState:
        """Returns a copy of everything evaluated so far."""
        state = self.context().state_get()
        scores = np.zeros((0, self.n_vocab), np.single)
        if self.logits_all and self.scores.rows is not None:
            scores = self.scores.rows[: min(self.scores.count, self.n_tokens)]
        saved = LlamaState(
            input_ids=self.input_ids.copy(),
            scores=scores.copy(),
            n_tokens=self.n_tokens,
            llama_state=state,
            llama_state_size=len(state),
            seed=self.seed,
        )
        saved.adapters = self.continuing().identity
        saved.media = self._places.saved(self.n_tokens)
        saved.checkpoints = self.checkpoints.saved()
        return saved

    def load(self, state: LlamaState) -> None:
        """Goes back to a saved state, and to its adapters.

        StateError if it is of another model or larger context, or an adapter is not loaded.
        """
        check_state(state, self.n_vocab)
        if state.n_tokens > self.n_ctx:
            raise StateError(
                f"The state holds {state.n_tokens} tokens, this context only {self.n_ctx}:"
                " create the model with a larger n_ctx"
            )
        self.use(self._adapters_of(state))
        self.epoch += 1
        self.settle(0)  # until all of the state is here: a signal handler may raise
        try:
            self.context().state_set(state.llama_state)
            self._places.load(getattr(state, "media", ()))
            self._check_evaluated(state.n_tokens)
        except BaseException:
            self.forget()
            raise
        self.input_ids[: state.n_tokens] = state.input_ids[: state.n_tokens]
        self.n_tokens = state.n_tokens
        self.checkpoints.load(getattr(state, "checkpoints", ()))
        scored = min(len(state.scores), state.n_tokens) if self.logits_all else 0
        self.scores.count = 0
        if scored:
            self.scores.keep(0, state.scores[:scored])
        self.seed = state.seed

    def _check_evaluated(self, n_tokens: int) -> None:
        """Raises StateError if the context holds fewer tokens than it should."""
        last = self.context().seq_pos_max(0)
        if 0 <= last < self._places.position(n_tokens) - 1:
            raise StateError(
                f"The state is damaged: it lists {n_tokens} tokens, and llama.cpp's part holds"
                f" {last + 1}\nUse another copy, or evaluate the prompt again and save it."
            )

    def _adapters_of(self, state: LlamaState) -> Choice:
        identity = getattr(state, "adapters", ())
        if identity == self._in_use.identity:
            return self._in_use
        choice = self.adapters.with_identity(identity)
        if choice is None:
            raise StateError(
                "The state was evaluated with LoRA adapters, or a control vector, that are not"
                " loaded here\nLoad them first with load_lora() and load_control_vector()."
            )
        return choice


def _outside(places: Sequence[int], runs: Sequence[Run]) -> List[int]:
    """Returns places among tokens; for one within a chunk the place before it."""
    for run in runs:
        if run.chunk is not None:
            places = [run.start if run.start < place < run.end else place for place in places]
    return sorted(set(places))


def _nobody() -> None:
    """Stands for a session's owner that is gone."""
