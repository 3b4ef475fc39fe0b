"""Further classes of llama-cpp-python's `_internals`: candidates and sampling parameters."""

from __future__ import annotations

import ctypes
import dataclasses
from typing import Any, Dict, List, NoReturn, Optional, Sequence

from .._numpy import np, npt
from . import llama_h


class LlamaTokenDataArray:
    """Tokens with their logits, as numpy's and as llama.cpp's array.

    Attributes:
        candidates_data: Records (id, logit, p), one per token.
        candidates: The llama_token_data_array over them.
    """

    def __init__(self, *, n_vocab: int) -> None:
        self.n_vocab = n_vocab
        fields = [("id", np.intc), ("logit", np.single), ("p", np.single)]
        self.candidates_data = np.recarray((n_vocab,), dtype=np.dtype(fields, align=True))
        self.candidates = llama_h.llama_token_data_array(
            data=self.candidates_data.ctypes.data_as(llama_h.llama_token_data_p),
            size=n_vocab,
            sorted=False,
        )
        self.sampler = None

    def copy_logits(self, logits: npt.NDArray[np.single]) -> None:
        """Takes over the logits of all tokens, shape (n_vocab,)."""
        self.candidates_data.id[:] = np.arange(self.n_vocab, dtype=np.intc)
        self.candidates_data.logit[:] = logits
        self.candidates_data.p[:] = 0
        self.candidates.sorted = False
        self.candidates.size = self.n_vocab


@dataclasses.dataclass
class LlamaSamplingParams:
    """Numbers of a sampling configuration; nothing in this package reads them."""

    n_prev: int = 64
    n_probs: int = 0
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    tfs_z: float = 1.00
    typical_p: float = 1.00
    temp: float = 0.80
    penalty_last_n: int = 64
    penalty_repeat: float = 1.0
    penalty_freq: float = 0.00
    penalty_present: float = 0.00
    mirostat: int = 0
    mirostat_tau: float = 5.00
    mirostat_eta: float = 0.10
    penalize_nl: bool = True
    grammar: str = ""
    cfg_negative_prompt: str = ""
    cfg_scale: float = 1.00
    logit_bias: Dict[int, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class LlamaSamplingContext:
    """The tokens that were accepted so far."""

    params: LlamaSamplingParams = dataclasses.field(default_factory=LlamaSamplingParams)
    mirostat_mu: ctypes.c_float = dataclasses.field(default_factory=ctypes.c_float)
    grammar: Optional[Any] = None
    prev: List[int] = dataclasses.field(default_factory=list)
    cur: List[Any] = dataclasses.field(default_factory=list)

    def reset(self) -> None:
        self.prev = []
        self.cur = []

    def cp(self) -> LlamaSamplingContext:
        return dataclasses.replace(self, prev=list(self.prev), cur=list(self.cur))

    def last(self) -> Optional[int]:
        return self.prev[-1] if self.prev else None

    def prev_str(self, ctx_main: Any, n: int) -> str:
        """Returns the text of the last `n` tokens."""
        return ctx_main.model.detokenize(self.prev[-n:]).decode("utf-8")

    def sample(
        self, ctx_main: Any, idx: int = 0, logits_array: Optional[npt.NDArray[np.single]] = None
    ) -> NoReturn:
        raise NotImplementedError(
            "LlamaSamplingContext.sample() is no longer part of llama.cpp; use LlamaSampler"
        )

    def accept(self, ctx_main: Any, id: int, apply_grammar: bool) -> None:
        self.prev.append(id)


def normalize_embedding(embedding: Sequence[float]) -> List[float]:
    """Returns the vector scaled to length 1; a zero vector stays."""
    length = float(np.linalg.norm(embedding))
    return list(embedding) if length == 0 else [value / length for value in embedding]
