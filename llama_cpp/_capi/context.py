"""LlamaContext of llama-cpp-python's `_internals`."""

from __future__ import annotations

from typing import Any, List, NoReturn, Optional

from .. import _core
from .._errors import ClosedError, DecodeError
from . import llama_h
from .batch import LlamaBatch
from .model import LlamaModel
from .params import ContextParams, context_params


class LlamaContext:
    """A context of a model. C functions take it as a ``llama_context *``.

    Attributes:
        model: Its LlamaModel.
        ctx: The native object, None after close().
    """

    def __init__(self, *, model: LlamaModel, params: ContextParams, verbose: bool = True) -> None:
        """Creates a context.

        Args:
            model: its model.
            params: llama_context_default_params(), changed at will.
            verbose: has no effect; messages are llama_log_set()'s business.

        Raises:
            ContextError: the context cannot be created (a ValueError).
        """
        context = _core.Context(model._as_parameter_, context_params(params))
        self._own(context, model, params, verbose)
        model._contexts.append(self)

    @classmethod
    def of(
        cls, context: Any, model: LlamaModel, params: ContextParams, verbose: bool
    ) -> LlamaContext:
        """Returns one for a context that exists already."""
        new = cls.__new__(cls)
        new._own(context, model, params, verbose)
        return new

    def _own(self, context: Any, model: LlamaModel, params: ContextParams, verbose: bool) -> None:
        self.model = model
        self.params = params
        self.verbose = verbose
        self.sampler = None
        self.ctx: Any = context

    @property
    def _as_parameter_(self) -> Any:
        if self.ctx is None:
            raise ClosedError("this context is closed; create a new one to go on")
        return self.ctx

    @property
    def memory(self) -> Optional[int]:
        """Address of the memory, None for models without one."""
        return llama_h.llama_get_memory(self)

    def close(self) -> None:
        """Frees the context."""
        if self.ctx is not None:
            self.ctx.close()
            self.ctx = None

    @staticmethod
    def default_params() -> llama_h.llama_context_params:
        return llama_h.llama_context_default_params()

    def n_ctx(self) -> int:
        return self._as_parameter_.n_ctx

    def pooling_type(self) -> int:
        return self._as_parameter_.pooling_type

    def set_n_threads(self, n_threads: int, n_threads_batch: int) -> None:
        self._as_parameter_.set_n_threads(n_threads, n_threads_batch)

    # ---- memory

    def kv_cache_clear(self) -> None:
        self._as_parameter_.memory_clear(True)

    def kv_cache_seq_rm(self, seq_id: int, p0: int, p1: int) -> bool:
        return self._as_parameter_.seq_rm(max(seq_id, 0), p0, p1)

    def kv_cache_seq_cp(self, seq_id_src: int, seq_id_dst: int, p0: int, p1: int) -> None:
        self._as_parameter_.seq_cp(seq_id_src, seq_id_dst, p0, p1)

    def kv_cache_seq_keep(self, seq_id: int) -> None:
        self._as_parameter_.seq_keep(seq_id)

    def kv_cache_seq_shift(self, seq_id: int, p0: int, p1: int, shift: int) -> None:
        self._as_parameter_.seq_add(seq_id, p0, p1, shift)

    def get_state_size(self) -> int:
        return llama_h.llama_state_get_size(self)

    # ---- evaluating

    def decode(self, batch: LlamaBatch) -> None:
        """Evaluates a batch.

        Raises:
            ContextError: it has more tokens than the context's n_batch (a ValueError).
            DecodeError: llama.cpp cannot evaluate it (a RuntimeError).
        """
        self._evaluate(llama_h.llama_decode, batch)

    def encode(self, batch: LlamaBatch) -> None:
        """Runs the encoder over a batch; errors are those of decode()."""
        self._evaluate(llama_h.llama_encode, batch)

    def _evaluate(self, function: Any, batch: LlamaBatch) -> None:
        code = function(self, batch._open())
        if code != 0:
            raise DecodeError(f"{function.__name__} returned {code}")

    # ---- outputs: pointers to numbers, valid until the next evaluation

    def get_logits(self) -> Any:
        return llama_h.llama_get_logits(self)

    def get_logits_ith(self, i: int) -> Any:
        return llama_h.llama_get_logits_ith(self, i)

    def get_embeddings(self) -> Any:
        return llama_h.llama_get_embeddings(self)

    def get_embeddings_ith(self, i: int) -> Any:
        return llama_h.llama_get_embeddings_ith(self, i)

    def get_embeddings_seq(self, seq_id: int) -> Any:
        return llama_h.llama_get_embeddings_seq(self, seq_id)

    # ---- times

    def reset_timings(self) -> None:
        self._as_parameter_.perf_reset()

    def print_timings(self) -> None:
        llama_h.llama_perf_context_print(self)


def _former(name: str) -> Any:
    def refuse(self: LlamaContext, *arguments: Any, **named: Any) -> NoReturn:
        raise NotImplementedError(
            f"LlamaContext.{name}() is no longer part of llama.cpp; use LlamaSampler"
        )

    refuse.__name__ = name
    return refuse


# Methods of llama-cpp-python whose functions llama.cpp has given up.
FORMER: List[str] = [
    "grammar_accept_token",
    "sample_grammar",
    "sample_min_p",
    "sample_repetition_penalties",
    "sample_softmax",
    "sample_temp",
    "sample_token",
    "sample_token_greedy",
    "sample_token_mirostat",
    "sample_token_mirostat_v2",
    "sample_top_k",
    "sample_top_p",
    "sample_typical",
    "set_rng_seed",
]
for _name in FORMER:
    setattr(LlamaContext, _name, _former(_name))
