"""LlamaSampler of llama-cpp-python's `_internals`: a chain of llama.cpp's samplers."""

from __future__ import annotations

import ctypes
import warnings
from typing import Any, Callable, Dict, List, Sequence, Tuple

from .. import _core
from .._errors import ClosedError, LlamaError
from . import llama_h
from .context import LlamaContext
from .model import LlamaModel


class CustomSampler:
    """A sampler that is a Python function.

    Args:
        apply_func: called with a pointer to a llama_token_data_array, which it changes.
    """

    def __init__(self, apply_func: Callable[[Any], None]) -> None:
        self.apply_func = apply_func
        # ctypes keeps neither the functions nor the struct alive.
        self._interface = llama_h.llama_sampler_i(
            apply=llama_h.llama_sampler_i_apply(lambda sampler, tokens: apply_func(tokens))
        )
        self.sampler = llama_h.llama_sampler(iface=ctypes.pointer(self._interface))

    def get_sampler(self) -> Any:
        """Returns a pointer to the llama_sampler."""
        return ctypes.pointer(self.sampler)


class LlamaSampler:
    """A chain of samplers, in the order in which they are added.

    Attributes:
        sampler: Pointer to the chain, None after close().
        custom_samplers: Place in the chain and object of each custom sampler.
    """

    def __init__(self) -> None:
        params = llama_h.llama_sampler_chain_default_params()
        self._own(llama_h.llama_sampler_chain_init(params))

    def _own(self, chain: Any) -> None:
        self.sampler = chain
        self.custom_samplers: List[Tuple[int, CustomSampler]] = []
        self._models: List[_core.Lease] = []  # of models whose vocabulary a sampler uses
        self._selects = False

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Frees the chain."""
        chain, self.sampler = getattr(self, "sampler", None), None
        if chain is None:
            return
        for place, _ in reversed(self.custom_samplers):  # whose memory is Python's
            llama_h.llama_sampler_chain_remove(chain, place)
        llama_h.llama_sampler_free(chain)
        self._models.clear()

    def clone(self) -> LlamaSampler:
        """Returns a copy with the same state."""
        if self.custom_samplers:
            raise NotImplementedError("A chain with custom samplers cannot be cloned")
        copy = LlamaSampler.__new__(LlamaSampler)
        copy._own(llama_h.llama_sampler_clone(self._open()))
        copy._models = list(self._models)
        copy._selects = self._selects
        return copy

    def _open(self) -> Any:
        if self.sampler is None:
            raise ClosedError("this sampler is closed; create a new one to go on")
        return self.sampler

    def _address(self) -> int:
        return ctypes.addressof(self._open().contents)

    def _add(self, sampler: Any, selects: bool = False) -> None:
        llama_h.llama_sampler_chain_add(self._open(), sampler)
        self._selects = self._selects or selects

    def _use(self, model: LlamaModel) -> int:
        """Keeps a model for the life of the chain; returns the address of its vocabulary."""
        lease = _core.Lease(model._as_parameter_)
        self._models.append(lease)
        return lease.vocab

    # ---- samplers that select a token

    def add_greedy(self) -> None:
        self._add(llama_h.llama_sampler_init_greedy(), selects=True)

    def add_dist(self, seed: int) -> None:
        self._add(llama_h.llama_sampler_init_dist(seed & 0xFFFFFFFF), selects=True)

    def add_mirostat(self, n_vocab: int, seed: int, tau: float, eta: float, m: int) -> None:
        sampler = llama_h.llama_sampler_init_mirostat(n_vocab, seed & 0xFFFFFFFF, tau, eta, m)
        self._add(sampler, selects=True)

    def add_mirostat_v2(self, seed: int, tau: float, eta: float) -> None:
        sampler = llama_h.llama_sampler_init_mirostat_v2(seed & 0xFFFFFFFF, tau, eta)
        self._add(sampler, selects=True)

    def add_custom(self, apply_func: Callable[[Any], None]) -> None:
        """Adds a function that changes a llama_token_data_array, and may set its `selected`."""
        custom = CustomSampler(apply_func)
        self._add(custom.get_sampler(), selects=True)
        place = llama_h.llama_sampler_chain_n(self.sampler) - 1
        self.custom_samplers.append((place, custom))

    # ---- samplers that leave out tokens or change their logits

    def add_softmax(self) -> None:
        warnings.warn(
            "add_softmax() does nothing: llama.cpp's samplers compute what they need",
            DeprecationWarning,
            stacklevel=2,
        )

    def add_top_k(self, k: int) -> None:
        self._add(llama_h.llama_sampler_init_top_k(k))

    def add_top_p(self, p: float, min_keep: int = 1) -> None:
        self._add(llama_h.llama_sampler_init_top_p(p, min_keep))

    def add_min_p(self, p: float, min_keep: int = 1) -> None:
        self._add(llama_h.llama_sampler_init_min_p(p, min_keep))

    def add_typical(self, p: float, min_keep: int = 1) -> None:
        self._add(llama_h.llama_sampler_init_typical(p, min_keep))

    def add_temp(self, temp: float) -> None:
        self._add(llama_h.llama_sampler_init_temp(temp))

    def add_temp_ext(self, t: float, delta: float, exponent: float) -> None:
        self._add(llama_h.llama_sampler_init_temp_ext(t, delta, exponent))

    def add_xtc(self, p: float, t: float, min_keep: int, seed: int) -> None:
        self._add(llama_h.llama_sampler_init_xtc(p, t, min_keep, seed & 0xFFFFFFFF))

    def add_top_n_sigma(self, n: float) -> None:
        self._add(llama_h.llama_sampler_init_top_n_sigma(n))

    def add_penalties(
        self,
        n_vocab: int,
        penalty_last_n: int,
        penalty_repeat: float,
        penalty_freq: float,
        penalty_present: float,
    ) -> None:
        self._add(
            llama_h.llama_sampler_init_penalties(
                n_vocab, penalty_last_n, penalty_repeat, penalty_freq, penalty_present
            )
        )

    def add_logit_bias(self, n_vocab: int, logit_bias: Dict[int, float]) -> None:
        biases = (llama_h.llama_logit_bias * len(logit_bias))(*logit_bias.items())
        self._add(llama_h.llama_sampler_init_logit_bias(n_vocab, len(logit_bias), biases))

    def add_infill(self, model: LlamaModel) -> None:
        self._add(llama_h.llama_sampler_init_infill(self._use(model)))

    def add_dry(
        self,
        model: LlamaModel,
        dry_multiplier: float,
        dry_base: float,
        dry_allowed_length: int,
        dry_penalty_last_n: int,
        seq_breakers: List[str],
    ) -> None:
        breakers = _texts(seq_breakers)
        self._add(
            llama_h.llama_sampler_init_dry(
                self._use(model),
                dry_multiplier,
                dry_base,
                dry_allowed_length,
                dry_penalty_last_n,
                breakers,
                len(breakers),
            )
        )

    # ---- grammars

    def add_grammar(self, model: LlamaModel, grammar: Any) -> None:
        """Adds a LlamaGrammar.

        Raises:
            GrammarError: llama.cpp cannot parse it (a ValueError).
        """
        vocab = self._use(model)
        self._add_grammar(_core.grammar_sampler(vocab, grammar._grammar, grammar._root))

    def add_grammar_lazy_patterns(
        self,
        model: LlamaModel,
        grammar: Any,
        trigger_patterns: List[str],
        trigger_tokens: List[int],
    ) -> None:
        """Adds a grammar that sets in where a pattern matches or a token occurs.

        Raises:
            GrammarError: llama.cpp cannot parse it, or a pattern (a ValueError).
        """
        vocab = self._use(model)
        self._add_grammar(
            _core.lazy_grammar_sampler(
                vocab, grammar._grammar, grammar._root, trigger_patterns, trigger_tokens
            )
        )

    def _add_grammar(self, address: int) -> None:
        self._add(ctypes.cast(address, llama_h.llama_sampler_p))

    # ---- use

    def get_seed(self) -> int:
        return llama_h.llama_sampler_get_seed(self._open())

    def sample(self, ctx: LlamaContext, idx: int = -1) -> int:
        """Draws a token from the logits at `idx` of the last batch, and accepts it.

        Raises:
            IndexError: there are no logits at `idx`.
            LlamaError: no sampler of the chain selects a token.
        """
        address = self._address()
        if not self._selects:
            raise LlamaError(
                "no sampler of this chain selects a token\nadd_dist() or add_greedy() at the end"
            )
        return _core.sample_chain(address, ctx._as_parameter_, idx)

    def accept(self, token: int) -> None:
        """Tells the samplers of a token. GrammarError if it does not fit the grammar of one."""
        _core.accept_chain(self._address(), token)

    def reset(self) -> None:
        llama_h.llama_sampler_reset(self._open())


def _texts(texts: Sequence[str]) -> Any:
    return (ctypes.c_char_p * len(texts))(*[text.encode() for text in texts])
