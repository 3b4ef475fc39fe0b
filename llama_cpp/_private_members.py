"""Private members of llama-cpp-python's Llama that programs use.

Nothing in this package needs them: they are made when they are asked for.
"""

from __future__ import annotations

import ctypes
import weakref
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Any, Iterator, List, Optional

from . import _core
from ._engine.grammar import LlamaGrammar
from ._engine.processors import LogitsProcessorList
from ._engine.session import Session
from ._numpy import np

if TYPE_CHECKING:
    from ._capi.batch import LlamaBatch
    from ._capi.sampler import LlamaSampler
    from ._capi.sampling import LlamaTokenDataArray


class PrivateMembers:
    """A part of Llama.

    Attributes:
        _sampler: The LlamaSampler that sample() draws with, if a program sets one; for that see
            _init_sampler().
    """

    _session: Session
    tensor_split: Optional[List[float]]
    create_completion: Any
    _model: Any
    _sampler: Optional[LlamaSampler] = None

    @cached_property
    def _batch(self) -> LlamaBatch:
        """Room for n_batch tokens, for ``llm._ctx.decode(llm._batch)``."""
        from ._capi.batch import LlamaBatch

        session = self._session
        return LlamaBatch(n_tokens=session.n_batch, embd=0, n_seq_max=session.n_ctx)

    @cached_property
    def _candidates(self) -> LlamaTokenDataArray:
        """Room for all tokens with their logits."""
        from ._capi.sampling import LlamaTokenDataArray

        return LlamaTokenDataArray(n_vocab=self._session.n_vocab)

    @cached_property
    def _stack(self) -> ExitStack:
        """Runs its callbacks in close(), before the model is freed, or when this object is gone."""
        stack = ExitStack()
        stack.callback(self._session.close)
        weakref.finalize(self, stack.close).atexit = False
        return stack

    @cached_property
    def _mirostat_mu(self) -> ctypes.c_float:
        """Mirostat's first bound of surprise, 2 tau (the sampler keeps its own)."""
        return ctypes.c_float(2 * 5.0)

    @property
    def _c_tensor_split(self) -> Optional[ctypes.Array]:
        """tensor_split as a C array with room for every device."""
        split = self.tensor_split
        return None if split is None else (ctypes.c_float * _core.max_devices())(*split)

    @property
    def _requires_eval(self) -> bool:
        """Whether the context holds no logits to sample from."""
        return self._session.requires_eval

    @property
    def _token_nl(self) -> int:
        return self._session.model.token_nl

    @property
    def _token_eos(self) -> int:
        return self._session.model.token_eos

    def _init_sampler(
        self,
        top_k: int = 40,
        top_p: float = 0.95,
        min_p: float = 0.05,
        typical_p: float = 1.0,
        temp: float = 0.80,
        repeat_penalty: float = 1.0,
        frequency_penalty: float = 0.0,
        presence_penalty: float = 0.0,
        tfs_z: float = 1.0,
        mirostat_mode: int = 0,
        mirostat_eta: float = 0.1,
        mirostat_tau: float = 5.0,
        penalize_nl: bool = True,
        logits_processor: Optional[LogitsProcessorList] = None,
        grammar: Optional[LlamaGrammar] = None,
    ) -> LlamaSampler:
        """Returns a chain of samplers with the arguments of sample()."""
        from ._capi.sampler import LlamaSampler

        session, seed = self._session, self._session.seed
        sampler = LlamaSampler()
        if logits_processor:
            sampler.add_custom(lambda tokens: _process(session, logits_processor, tokens))
        sampler.add_penalties(
            session.n_vocab,
            session.last_n_tokens_size,
            repeat_penalty,
            frequency_penalty,
            presence_penalty,
        )
        if grammar is not None:
            sampler.add_grammar(self._model, grammar)
        if temp == 0:
            sampler.add_greedy()
        elif temp > 0 and mirostat_mode == 1:
            # m as in llama.cpp's common_sampler_init().
            sampler.add_mirostat(session.n_vocab, seed, mirostat_tau, mirostat_eta, 100)
        elif temp > 0 and mirostat_mode == 2:
            sampler.add_mirostat_v2(seed, mirostat_tau, mirostat_eta)
        else:
            if temp > 0:
                sampler.add_top_k(top_k)
                sampler.add_typical(typical_p)
                sampler.add_top_p(top_p)
                sampler.add_min_p(min_p)
                sampler.add_temp(temp)
            sampler.add_dist(seed)
        return sampler

    def _create_completion(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Yields the answer of create_completion(), or with stream=True its chunks."""
        answer = self.create_completion(*args, **kwargs)
        if isinstance(answer, dict):
            yield answer
        else:
            yield from answer


def _process(session: Session, processors: LogitsProcessorList, tokens: Any) -> None:
    """Replaces the logits in a llama_token_data_array by those that the processors return.

    It is the first of its chain, so the tokens stand in the order of their ids.
    """
    array = tokens.contents
    records = np.ctypeslib.as_array(array.data, shape=(array.size,))
    logits = np.ascontiguousarray(records["logit"])
    for processor in processors:
        logits = processor(session.evaluated, logits)
    records["logit"] = logits
