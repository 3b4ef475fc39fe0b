"""Thin classes under llama-cpp-python's names, for programs that drive a model token by token.

Prefer :class:`llama_cpp.Llama`. The rest of the peer's module never worked without raw C pointers.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from . import _core
from ._backends.required import require_ready
from ._engine.grammar import LlamaGrammar
from ._errors import LlamaError


class LlamaModel:
    """A loaded model; `model` is the native object."""

    def __init__(self, *, path_model: str, params: _core.ModelParams, verbose: bool = True):
        require_ready()
        self.path_model = path_model
        self.params = params
        self.verbose = verbose
        self._contexts: List[LlamaContext] = []
        self.model: Optional[_core.Model] = _core.Model(path_model, params)

    def close(self) -> None:
        """Frees the model and its contexts."""
        for context in self._contexts:
            context.close()
        if self.model is not None:
            self.model.close()
            self.model = None

    def n_vocab(self) -> int:
        return self._native().n_vocab

    def n_ctx_train(self) -> int:
        return self._native().n_ctx_train

    def n_embd(self) -> int:
        return self._native().n_embd

    def desc(self) -> str:
        return self._native().desc

    def size(self) -> int:
        return self._native().size

    def n_params(self) -> int:
        return self._native().n_params

    def token_bos(self) -> int:
        return self._native().token_bos

    def token_eos(self) -> int:
        return self._native().token_eos

    def token_nl(self) -> int:
        return self._native().token_nl

    def token_get_text(self, token: int) -> str:
        return self._native().token_text(token)

    def tokenize(self, text: bytes, add_bos: bool, special: bool) -> List[int]:
        return self._native().tokenize(text, add_bos, special)

    def detokenize(self, tokens: List[int], special: bool = False) -> bytes:
        piece = self._native().token_to_piece
        return b"".join([piece(token, special) for token in tokens])

    def token_to_piece(self, token: int, special: bool = False) -> bytes:
        return self._native().token_to_piece(token, special)

    def metadata(self) -> Dict[str, str]:
        return self._native().metadata()

    def _native(self) -> _core.Model:
        if self.model is None:
            raise LlamaError("The model is closed; create a new one to go on")
        return self.model


class LlamaContext:
    """A context of a model; `ctx` is the native object, None after close()."""

    def __init__(self, *, model: LlamaModel, params: _core.ContextParams, verbose: bool = True):
        self.model = model
        self.params = params
        self.verbose = verbose
        self.ctx: Optional[_core.Context] = _core.Context(model._native(), params)
        model._contexts.append(self)

    def close(self) -> None:
        """Frees the context."""
        if self.ctx is not None:
            self.ctx.close()
            self.ctx = None

    def n_ctx(self) -> int:
        return self._native().n_ctx

    def pooling_type(self) -> int:
        return self._native().pooling_type

    def decode(self, batch: LlamaBatch) -> None:
        """Evaluates a batch: tokens of one sequence, or whole sequences for embeddings."""
        if len(batch.sequences) > 1:
            self._native().decode_sequences(batch.sequences, True)
        elif batch.sequences:
            outputs = _core.Outputs.ALL if batch.logits_all else _core.Outputs.LAST
            self._native().decode(batch.sequences[0], batch.n_past, 0, outputs)

    def kv_cache_clear(self) -> None:
        self._native().memory_clear(True)

    def kv_cache_seq_rm(self, seq_id: int, p0: int, p1: int) -> bool:
        return self._native().seq_rm(max(seq_id, 0), p0, p1)

    def get_logits_ith(self, i: int) -> np.ndarray:
        return self._native().logits(i)

    def get_embeddings_seq(self, seq_id: int) -> np.ndarray:
        return self._native().embeddings_seq(seq_id)

    def set_n_threads(self, n_threads: int, n_threads_batch: int) -> None:
        self._native().set_n_threads(n_threads, n_threads_batch)

    def _native(self) -> _core.Context:
        if self.ctx is None:
            raise LlamaError("The context is closed; create a new one to go on")
        return self.ctx


class LlamaBatch:
    """Tokens to evaluate: a piece of one sequence (set_batch), or sequences (add_sequence)."""

    def __init__(self, *, n_tokens: int, embd: int, n_seq_max: int, verbose: bool = True):
        self.capacity = n_tokens
        self.reset()

    def n_tokens(self) -> int:
        return sum(map(len, self.sequences))

    def reset(self) -> None:
        self.sequences: List[List[int]] = []
        self.n_past = 0
        self.logits_all = False

    def close(self) -> None:
        self.reset()

    def set_batch(self, batch: Sequence[int], n_past: int, logits_all: bool) -> None:
        self.reset()
        self.add_sequence(batch, 0, logits_all)
        self.n_past = n_past

    def add_sequence(self, batch: Sequence[int], seq_id: int, logits_all: bool) -> None:
        """Adds the next sequence; sequences are numbered from 0."""
        if seq_id != len(self.sequences):
            raise ValueError(f"The next sequence is {len(self.sequences)}, not {seq_id}")
        if self.n_tokens() + len(batch) > self.capacity:
            raise ValueError(f"The batch holds {self.capacity} tokens; make a larger one")
        self.sequences.append(list(batch))
        self.logits_all = logits_all


class LlamaSampler:
    """A chain of samplers, in the order in which they are added."""

    def __init__(self) -> None:
        self._params = _core.SamplingParams()
        self._names: List[str] = []
        self._sampler: Optional[_core.Sampler] = None

    def _add(self, name: str, **fields: Any) -> None:
        if self._sampler is not None:
            raise LlamaError("The sampler is in use already; add everything before sample()")
        for field, value in fields.items():
            setattr(self._params, field, value)
        if name:
            self._names.append(name)

    def add_greedy(self) -> None:
        self._add("temperature", temp=0.0)

    def add_dist(self, seed: int) -> None:
        self._add("", seed=seed & 0xFFFFFFFF)

    def add_top_k(self, k: int) -> None:
        self._add("top_k", top_k=k)

    def add_top_p(self, p: float, min_keep: int = 1) -> None:
        self._add("top_p", top_p=p, min_keep=min_keep)

    def add_min_p(self, p: float, min_keep: int = 1) -> None:
        self._add("min_p", min_p=p, min_keep=min_keep)

    def add_typical(self, p: float, min_keep: int = 1) -> None:
        self._add("typ_p", typ_p=p, min_keep=min_keep)

    def add_temp(self, temp: float) -> None:
        self._add("temperature", temp=temp)

    def add_temp_ext(self, t: float, delta: float, exponent: float) -> None:
        self._add("temperature", temp=t, dynatemp_range=delta, dynatemp_exponent=exponent)

    def add_xtc(self, p: float, t: float, min_keep: int, seed: int) -> None:
        self._add("xtc", xtc_probability=p, xtc_threshold=t, min_keep=min_keep)

    def add_top_n_sigma(self, n: float) -> None:
        self._add("top_n_sigma", top_n_sigma=n)

    def add_mirostat(self, n_vocab: int, seed: int, tau: float, eta: float, m: int) -> None:
        self._add("", mirostat=1, mirostat_tau=tau, mirostat_eta=eta, seed=seed & 0xFFFFFFFF)

    def add_mirostat_v2(self, seed: int, tau: float, eta: float) -> None:
        self._add("", mirostat=2, mirostat_tau=tau, mirostat_eta=eta, seed=seed & 0xFFFFFFFF)

    def add_grammar(self, model: LlamaModel, grammar: LlamaGrammar) -> None:
        self._add("", grammar=grammar._grammar)

    def add_penalties(
        self,
        n_vocab: int,
        penalty_last_n: int,
        penalty_repeat: float,
        penalty_freq: float,
        penalty_present: float,
    ) -> None:
        self._add(
            "penalties",
            penalty_last_n=penalty_last_n,
            penalty_repeat=penalty_repeat,
            penalty_freq=penalty_freq,
            penalty_present=penalty_present,
        )

    def add_logit_bias(self, n_vocab: int, logit_bias: Dict[int, float]) -> None:
        self._add("", logit_bias=logit_bias)

    def add_infill(self, model: LlamaModel) -> None:
        self._add("infill")

    def sample(self, ctx: LlamaContext, idx: int = -1) -> int:
        """Draws a token from output row `idx` and accepts it."""
        if self._sampler is None:
            self._params.samplers = self._names
            self._sampler = _core.Sampler(ctx.model._native(), self._params)
        token = self._sampler.sample(ctx._native(), idx)
        self._sampler.accept(token)
        return token

    def accept(self, token: int) -> None:
        if self._sampler is not None:
            self._sampler.accept(token)

    def reset(self) -> None:
        if self._sampler is not None:
            self._sampler.reset()

    def close(self) -> None:
        self._sampler = None


def normalize_embedding(embedding: Sequence[float]) -> List[float]:
    """Returns the vector scaled to length 1; a zero vector stays."""
    length = float(np.linalg.norm(embedding))
    return list(embedding) if length == 0 else [value / length for value in embedding]
