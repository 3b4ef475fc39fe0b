"""An encoder-decoder model through the C API, since Llama refuses these models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import llama_cpp


class Translator:
    """A context whose encoder has read ``source``; the decoder starts anew with ``restart()``."""

    def __init__(self, llm: Any, source: Sequence[int]) -> None:
        self.context = llm.ctx
        self.n_vocab = llm.n_vocab()
        self.restart()  # llama_encode() refuses a text while the decoder has tokens
        self.encode(source)

    def encode(self, source: Sequence[int]) -> None:
        self._call(llama_cpp.llama_encode, source)

    def restart(self) -> None:
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)
        self.position = 0

    def decode(self, tokens: Sequence[int]) -> Any:
        """Evaluates the next tokens of the target; returns logits (tokens, vocabulary)."""
        self._call(llama_cpp.llama_decode, tokens, self.position)
        self.position += len(tokens)
        rows = [
            np.ctypeslib.as_array(
                llama_cpp.llama_get_logits_ith(self.context, row), (self.n_vocab,)
            ).copy()
            for row in range(len(tokens))
        ]
        return np.array(rows)

    def _call(self, function: Any, tokens: Sequence[int], position: int = 0) -> None:
        batch = llama_cpp.llama_batch_init(len(tokens), 0, 1)
        try:
            batch.n_tokens = len(tokens)
            for row, token in enumerate(tokens):
                batch.token[row] = token
                batch.pos[row] = position + row
                batch.n_seq_id[row] = 1
                batch.seq_id[row][0] = 0
                batch.logits[row] = 1
            code = function(self.context, batch)
        finally:
            llama_cpp.llama_batch_free(batch)
        assert code == 0, f"{function.__name__} returned {code}"
