"""LlamaBatch of llama-cpp-python's `_internals`."""

from __future__ import annotations

from typing import Optional, Sequence

from .._errors import ClosedError
from . import llama_h

_MOST_ELEMENTS = 2**31 - 1


class LlamaBatch:
    """Tokens to evaluate, of one sequence or of several.

    Attributes:
        batch: The llama_batch, whose arrays have room for `n_tokens` tokens; None after close().
    """

    def __init__(self, *, n_tokens: int, embd: int, n_seq_max: int, verbose: bool = True) -> None:
        """Allocates a batch.

        Args:
            n_tokens: the most tokens.
            embd: 0 for tokens; else the length of the embeddings that stand for them.
            n_seq_max: the most sequences of one token.
            verbose: has no effect.

        Raises:
            ValueError: a number is negative, n_seq_max is 0, or the batch is too large.
        """
        _check_size(n_tokens, embd, n_seq_max)
        self._n_tokens = n_tokens
        self.embd = embd
        self.n_seq_max = n_seq_max
        self.verbose = verbose
        self.sampler = None
        self.batch: Optional[llama_h.llama_batch] = llama_h.llama_batch_init(
            n_tokens, embd, n_seq_max
        )

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Frees the batch."""
        batch, self.batch = getattr(self, "batch", None), None
        if batch is not None:
            llama_h.llama_batch_free(batch)

    def n_tokens(self) -> int:
        return self._open().n_tokens

    def reset(self) -> None:
        """Empties the batch."""
        self._open().n_tokens = 0

    def set_batch(self, batch: Sequence[int], n_past: int, logits_all: bool) -> None:
        """Replaces the tokens by a piece of sequence 0.

        Args:
            batch: token ids.
            n_past: position of the first one.
            logits_all: whether each token has logits, not only the last one.
        """
        self._check_room(0, batch)
        self.reset()
        self._add(batch, 0, n_past, logits_all)

    def add_sequence(self, batch: Sequence[int], seq_id: int, logits_all: bool) -> None:
        """Adds the first tokens of a sequence; the arguments are those of set_batch()."""
        self._check_room(self.n_tokens(), batch)
        self._add(batch, seq_id, 0, logits_all)

    def _add(self, tokens: Sequence[int], seq_id: int, position: int, logits_all: bool) -> None:
        batch = self._open()
        begin = batch.n_tokens
        batch.n_tokens = begin + len(tokens)
        for index, token in enumerate(tokens):
            row = begin + index
            batch.token[row] = token
            batch.pos[row] = position + index
            batch.seq_id[row][0] = seq_id
            batch.n_seq_id[row] = 1
            batch.logits[row] = logits_all or index == len(tokens) - 1

    def _check_room(self, n_tokens: int, more: Sequence[int]) -> None:
        if self.embd:
            raise ValueError("this batch holds embeddings (embd is not 0): write to its arrays")
        if n_tokens + len(more) > self._n_tokens:
            raise ValueError(f"The batch holds {self._n_tokens} tokens; make a larger one")

    def _open(self) -> llama_h.llama_batch:
        if self.batch is None:
            raise ClosedError("this batch is closed; create a new one to go on")
        return self.batch


def _check_size(n_tokens: int, embd: int, n_seq_max: int) -> None:
    """Checks the arguments of llama_batch_init(), which trusts them and its memory."""
    least = {"n_tokens": (n_tokens, 0), "embd": (embd, 0), "n_seq_max": (n_seq_max, 1)}
    for name, (value, low) in least.items():
        if value < low:
            raise ValueError(f"{name} has to be {low} or more, not {value}")
    if n_tokens * max(embd, n_seq_max) > _MOST_ELEMENTS:
        raise ValueError(f"a batch of {n_tokens} tokens is too large; evaluate them in several")
