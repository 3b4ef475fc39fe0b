"""Mixtral and Qwen3-MoE in NumPy, independent of llama.cpp.

Jiang et al. 2024, "Mixtral of Experts", section 2.1: the router's logits choose the best experts of
a token, whose gated networks are added with a softmax over the chosen logits as weights. Qwen Team
2025, "Qwen3 Technical Report", section 2: the same with norms of each head's query and key. (A
softmax over all experts of which the chosen ones are made to add up to 1 is the same.)

Mixtral's rotary embedding turns adjacent pairs, as the conversion to GGUF has permuted its queries
and keys; Qwen's pairs element i with i + width / 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from reference_layers import Model, attend, causal, rotate_halves, silu
from reference_llama import Array, rotate, softmax


class ReferenceExperts(Model):
    """Reads one GGUF file; ``logits(tokens)`` computes every position from the start."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, "llama", "qwen3moe")
        self.n_head: int = self.key("attention.head_count")
        self.n_head_kv: int = self.key("attention.head_count_kv")
        self.base: float = self.key("rope.freq_base")
        self.scale = self.key("attention.key_length") ** -0.5
        self.n_used: int = self.key("expert_used_count")

    def logits(self, tokens: Sequence[int]) -> Array:
        """Maps token ids (n) to logits (n, vocabulary), row i being those after token i."""
        x = self.weight("token_embd")[np.asarray(tokens)]
        for layer in range(self.n_layer):
            block = f"blk.{layer}"
            x = x + self._attention(self.rms_norm(x, f"{block}.attn_norm"), block)
            x = x + self._experts(self.rms_norm(x, f"{block}.ffn_norm"), block)
        return self.product(self.rms_norm(x, "output_norm"), "output")

    def _attention(self, x: Array, block: str) -> Array:
        q = self.heads(x, f"{block}.attn_q", self.n_head)
        k = self.heads(x, f"{block}.attn_k", self.n_head_kv)
        v = self.heads(x, f"{block}.attn_v", self.n_head_kv)
        if self.architecture == "qwen3moe":
            q = rotate_halves(self.rms_norm(q, f"{block}.attn_q_norm"), self.base)
            k = rotate_halves(self.rms_norm(k, f"{block}.attn_k_norm"), self.base)
        else:
            q, k = (rotate(heads, np.arange(len(x)), self.base) for heads in (q, k))
        mixed = attend(q, k, v, causal(len(x)), self.scale)
        return self.product(mixed, f"{block}.attn_output")

    def _experts(self, x: Array, block: str) -> Array:
        router = self.product(x, f"{block}.ffn_gate_inp")
        result = np.zeros_like(x)
        for token, logits in enumerate(router):
            chosen = np.argsort(logits)[-self.n_used :]
            for expert, share in zip(chosen, self.shares(logits, chosen)):
                result[token] += share * self._expert(x[token], block, expert)
        return result

    def shares(self, logits: Array, chosen: Array) -> Array:
        """Returns the weights of the chosen experts."""
        return softmax(logits[chosen])

    def _expert(self, x: Array, block: str, expert: int) -> Array:
        gate, up, down = (
            self.weight(f"{block}.ffn_{name}_exps")[expert] for name in ("gate", "up", "down")
        )
        return down @ (silu(gate @ x) * (up @ x))
