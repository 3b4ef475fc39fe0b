"""Gemma 2 and Gemma 3 in NumPy, independent of llama.cpp.

Gemma Team 2024, "Gemma 2: Improving Open Language Models at a Practical Size", section 2: layers
with a local window and with global attention in turn, the local one first; norms before and behind
each part; soft caps of scores and logits; a gate with GELU. Gemma Team 2025, "Gemma 3 Technical
Report", section 2: norms of queries and keys in place of the caps, and a RoPE base of 10,000 in
local layers, of 1,000,000 in global ones. Embeddings are scaled by the square root of their width.

The norms' weights are the file's: the conversion to GGUF has added 1 to them. GELU is rounded to
float16 as GGML's table of it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from reference_layers import Model, attend, causal, rotate_halves
from reference_llama import Array
from reference_t5 import gelu


class ReferenceGemma(Model):
    """Reads one GGUF file; ``logits(tokens)`` computes every position from the start."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, "gemma2", "gemma3")
        self.n_head: int = self.key("attention.head_count")
        self.n_head_kv: int = self.key("attention.head_count_kv")
        self.window: int = self.key("attention.sliding_window")
        # Gemma 2's files have no pattern.
        alternating = [layer % 2 == 0 for layer in range(self.n_layer)]
        self.local: list[bool] = self.key("attention.sliding_window_pattern", alternating)
        self.global_base: float = self.key("rope.freq_base")
        self.local_base: float = self.key("rope.freq_base_swa", self.global_base)
        self.scale = self.key("attention.key_length") ** -0.5
        self.embedding_scale = self.key("embedding_length") ** 0.5
        self.score_cap: float | None = self.key("attn_logit_softcapping")
        self.logit_cap: float | None = self.key("final_logit_softcapping")

    def logits(self, tokens: Sequence[int]) -> Array:
        """Maps token ids (n) to logits (n, vocabulary), row i being those after token i."""
        x = self.weight("token_embd")[np.asarray(tokens)] * self.embedding_scale
        for layer in range(self.n_layer):
            block = f"blk.{layer}"
            mixed = self._attention(self.rms_norm(x, f"{block}.attn_norm"), layer)
            x = x + self.rms_norm(mixed, f"{block}.post_attention_norm")
            hidden = self._feed_forward(self.rms_norm(x, f"{block}.ffn_norm"), block)
            x = x + self.rms_norm(hidden, f"{block}.post_ffw_norm")
        logits = self.rms_norm(x, "output_norm") @ self.weight("token_embd").T
        return (
            logits if self.logit_cap is None else self.logit_cap * np.tanh(logits / self.logit_cap)
        )

    def _attention(self, x: Array, layer: int) -> Array:
        block, local = f"blk.{layer}", self.local[layer]
        q = self.heads(x, f"{block}.attn_q", self.n_head)
        k = self.heads(x, f"{block}.attn_k", self.n_head_kv)
        v = self.heads(x, f"{block}.attn_v", self.n_head_kv)
        if f"{block}.attn_q_norm.weight" in self.tensors:
            q = self.rms_norm(q, f"{block}.attn_q_norm")
            k = self.rms_norm(k, f"{block}.attn_k_norm")
        base = self.local_base if local else self.global_base
        q, k = (rotate_halves(heads, base) for heads in (q, k))
        mask = causal(len(x), self.window if local else None)
        mixed = attend(q, k, v, mask, self.scale, self.score_cap)
        return self.product(mixed, f"{block}.attn_output")

    def _feed_forward(self, x: Array, block: str) -> Array:
        gate = gelu(self.product(x, f"{block}.ffn_gate"))
        return self.product(gate * self.product(x, f"{block}.ffn_up"), f"{block}.ffn_down")
