"""The encoder of a T5 GGUF model in NumPy, independent of llama.cpp: T5 v1.1.

Every token attends to every other one, with a learnt bias per head and bucket of distances, and
scores are not divided by the square root of the head's width (Raffel et al. 2020). Sums are
float64; GELU is rounded to float16 as GGML's table of it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np
from reference_llama import Array, as_float16, softmax

MAX_DISTANCE = 128  # from here on all distances share a bucket


class ReferenceT5Encoder:
    """Reads one GGUF file of float32 weights."""

    def __init__(self, path: str | Path) -> None:
        reader = gguf.GGUFReader(path)
        architecture = reader.get_field("general.architecture").contents()
        if architecture != "t5encoder":
            raise ValueError(f"{path} is of architecture {architecture}, not t5encoder")

        def number(key: str) -> float:
            return reader.get_field(f"t5encoder.{key}").contents()

        self.n_layer = int(number("block_count"))
        self.n_head = int(number("attention.head_count"))
        self.n_buckets = int(number("attention.relative_buckets_count"))
        self.eps = number("attention.layer_norm_rms_epsilon")
        self.tensors = {t.name: np.array(t.data, dtype=np.float64) for t in reader.tensors}

    def hidden(self, tokens: Sequence[int]) -> Array:
        """Maps token ids (n) to the encoder's output (n, n_embd)."""
        x = self.tensors["token_embd.weight"][np.asarray(tokens)]
        bias = self._bias(len(tokens))
        for layer in range(self.n_layer):
            block = f"enc.blk.{layer}"
            x = x + self._attention(self._norm(x, f"{block}.attn_norm"), block, bias)
            x = x + self._feed_forward(self._norm(x, f"{block}.ffn_norm"), block)
        return self._norm(x, "enc.output_norm")

    def _norm(self, x: Array, name: str) -> Array:
        scale = 1 / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + self.eps)
        return x * scale * self.tensors[f"{name}.weight"]

    def _product(self, x: Array, name: str) -> Array:
        return x @ self.tensors[f"{name}.weight"].T

    def _attention(self, x: Array, block: str, bias: Array) -> Array:
        q, k, v = (
            self._product(x, f"{block}.attn_{name}")
            .reshape(len(x), self.n_head, -1)
            .transpose(1, 0, 2)
            for name in "qkv"
        )
        mixed = softmax(q @ k.transpose(0, 2, 1) + bias) @ v
        return self._product(mixed.transpose(1, 0, 2).reshape(len(x), -1), f"{block}.attn_o")

    def _feed_forward(self, x: Array, block: str) -> Array:
        gate = gelu(self._product(x, f"{block}.ffn_gate"))
        return self._product(gate * self._product(x, f"{block}.ffn_up"), f"{block}.ffn_down")

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
