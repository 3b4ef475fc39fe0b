"""The encoder of a T5 GGUF model in NumPy, independent of llama.cpp: T5 v1.1.

Every token attends to every other one, with a learnt bias per head and bucket of distances, and
scores are not divided by the square root of the head's width (Raffel et al. 2020). Sums are
float64; GELU is rounded to float16 as GGML's table of it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from reference_layers import Model
from reference_llama import Array, as_float16, softmax

MAX_DISTANCE = 128  # from here on all distances share a bucket


class ReferenceT5Encoder(Model):
    """Reads one GGUF file of float32 weights."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, "t5encoder")
        self.n_head: int = self.key("attention.head_count")
        self.n_buckets: int = self.key("attention.relative_buckets_count")

    def hidden(self, tokens: Sequence[int]) -> Array:
        """Maps token ids (n) to the encoder's output (n, n_embd)."""
        x = self.weight("token_embd")[np.asarray(tokens)]
        bias = self._bias(len(tokens))
        for layer in range(self.n_layer):
            block = f"enc.blk.{layer}"
            x = x + self._attention(self.rms_norm(x, f"{block}.attn_norm"), block, bias)
            x = x + self._feed_forward(self.rms_norm(x, f"{block}.ffn_norm"), block)
        return self.rms_norm(x, "enc.output_norm")

    def _attention(self, x: Array, block: str, bias: Array) -> Array:
        q, k, v = (self.heads(x, f"{block}.attn_{name}", self.n_head) for name in "qkv")
        mixed = softmax(q @ k.transpose(0, 2, 1) + bias) @ v
        return self.product(mixed.transpose(1, 0, 2).reshape(len(x), -1), f"{block}.attn_o")

    def _feed_forward(self, x: Array, block: str) -> Array:
        gate = gelu(self.product(x, f"{block}.ffn_gate"))
        return self.product(gate * self.product(x, f"{block}.ffn_up"), f"{block}.ffn_down")

    def _bias(self, length: int) -> Array:
        """-> (heads, queries, keys)"""
        table = self.tensors["enc.blk.0.attn_rel_b.weight"]
        buckets = [[self._bucket(key - query) for key in range(length)] for query in range(length)]
        return table[np.array(buckets)].transpose(2, 0, 1)

    def _bucket(self, distance: int) -> int:
        """Half of the buckets for keys after the query; in each half, one per distance at first,
        then growing with the logarithm."""
        half = self.n_buckets // 2
        first = half if distance > 0 else 0
        distance, exact = abs(distance), half // 2
        if distance < exact:
            return first + distance
        share = math.log(distance / exact) / math.log(MAX_DISTANCE / exact)
        return first + min(exact + int(share * (half - exact)), half - 1)


def gelu(x: Array) -> Array:
    """Computes the approximation by tanh that T5 v1.1 ("gelu_new") and GGML use."""
    x = as_float16(x)
    return as_float16(x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))
