"""BERT's encoder in NumPy, independent of llama.cpp.

Devlin et al. 2019, section 3: embeddings of token, segment (always the first) and position, and the
encoder of Vaswani et al. 2017, figure 1, whose norms are behind each part. GELU is the
approximation by tanh that llama.cpp takes for every GELU of this architecture; it is rounded to
float16 as GGML's table of it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from reference_layers import Model, attend
from reference_llama import Array
from reference_t5 import gelu


class ReferenceBert(Model):
    """Reads one GGUF file of float32 weights."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, "bert")
        self.n_head: int = self.key("attention.head_count")
        self.first_position = 0
        self.segment = 0

    def hidden(self, tokens: Sequence[int]) -> Array:
        """Maps token ids (n) to the encoder's output (n, n_embd)."""
        positions = self.first_position + np.arange(len(tokens))
        x = self.weight("token_embd")[np.asarray(tokens)]
        x = x + self.weight("token_types")[self.segment] + self.weight("position_embd")[positions]
        x = self.layer_norm(x, "token_embd_norm")
        for layer in range(self.n_layer):
            block = f"blk.{layer}"
            x = self.layer_norm(x + self._attention(x, block), f"{block}.attn_output_norm")
            hidden = gelu(self.product(x, f"{block}.ffn_up"))
            x = x + self.product(hidden, f"{block}.ffn_down")
            x = self.layer_norm(x, f"{block}.layer_output_norm")
        return x

    def _attention(self, x: Array, block: str) -> Array:
        q, k, v = (self.heads(x, f"{block}.attn_{name}", self.n_head) for name in "qkv")
        everywhere = np.ones((len(x), len(x)), dtype=bool)
        mixed = attend(q, k, v, everywhere, q.shape[-1] ** -0.5)
        return self.product(mixed, f"{block}.attn_output")
