"""The forward pass of a Llama-architecture GGUF model in NumPy, independent of llama.cpp.

Weights come through the ``gguf`` package, whose dequantisers are NumPy too. Sums are float64.
Where GGML's CPU backend rounds an operand on purpose, this code rounds it too, since that
rounding is the definition of the computation and not an error of a kernel:

* the right-hand operand of a product is rounded to the type that the left-hand type is
  multiplied with (``round_operand``);
* keys and values are rounded to the type of the key/value cache, and so are the operands that
  they are multiplied with.

The remaining differences are the order of float32 sums and a value now and then that falls on the
other side of a rounding boundary.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf import GGMLQuantizationType
from numpy.typing import NDArray

Array = NDArray[np.float64]

Q8_K_BLOCK = 256


class Matrix:
    """A weight matrix (outputs, inputs) and the type that it was stored in."""

    def __init__(self, values: Array, qtype: GGMLQuantizationType) -> None:
        self.values = values
        self.qtype = qtype

    def __matmul__(self, x: Array) -> Array:
        """Rows of ``x`` (tokens, inputs) times this matrix -> (tokens, outputs)."""
        return round_operand(x, self.qtype) @ self.values.T


class ReferenceLlama:
    """Reads one GGUF file; ``logits(tokens)`` computes every position from the start.

    ``cache`` is the type of the key/value cache, F16 (llama.cpp's default) or F32. Raises
    ValueError when the file is of another architecture.
    """

    def __init__(
        self, path: str | Path, cache: GGMLQuantizationType = GGMLQuantizationType.F16
    ) -> None:
        reader = gguf.GGUFReader(path)
        architecture = _field(reader, "general.architecture")
        if architecture != "llama":
            raise ValueError(f"{path} is of architecture {architecture}, not llama")
        self.cache = cache
        self.n_layer: int = _field(reader, "llama.block_count")
        self.n_head: int = _field(reader, "llama.attention.head_count")
        self.n_head_kv: int = _field(reader, "llama.attention.head_count_kv")
        self.rms_eps: float = _field(reader, "llama.attention.layer_norm_rms_epsilon")
        self.rope_base: float = _field(reader, "llama.rope.freq_base")
        self.tensors = {tensor.name: _matrix(tensor) for tensor in reader.tensors}
        # Of a control vector: added to the hidden state after these layers.
        self.directions: dict[int, Array] = {}

    def logits(self, tokens: Sequence[int], positions: Sequence[int] | None = None) -> Array:
        """Maps token ids (n) to logits (n, vocabulary), row i being those after token i.

        ``positions`` are 0, 1, 2, ... unless given.
        """
        # A model without an output matrix uses its embedding for it.
        matrix = self.tensors.get("output.weight", self.tensors["token_embd.weight"])
        return matrix @ self.hidden(tokens, positions)

    def hidden(self, tokens: Sequence[int], positions: Sequence[int] | None = None) -> Array:
        """Maps token ids (n) to the normalised last hidden state (n, n_embd)."""
        x = self.tensors["token_embd.weight"].values[np.asarray(tokens)]
        positions = np.arange(len(tokens)) if positions is None else np.asarray(positions)
        for layer in range(self.n_layer):
            x = x + self._attention(self._norm(x, f"blk.{layer}.attn_norm"), layer, positions)
            x = x + self._feed_forward(self._norm(x, f"blk.{layer}.ffn_norm"), layer)
            x = x + self.directions.get(layer, 0)
        return self._norm(x, "output_norm")

    def _norm(self, x: Array, name: str) -> Array:
        scale = 1 / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + self.rms_eps)
        return x * scale * self.tensors[f"{name}.weight"].values

    def _feed_forward(self, x: Array, layer: int) -> Array:
        gate = self.tensors[f"blk.{layer}.ffn_gate.weight"] @ x
        up = self.tensors[f"blk.{layer}.ffn_up.weight"] @ x
        return self.tensors[f"blk.{layer}.ffn_down.weight"] @ (gate / (1 + np.exp(-gate)) * up)

    def _attention(self, x: Array, layer: int, positions: NDArray[np.int64]) -> Array:
        q = self._heads(x, layer, "attn_q", self.n_head)
        k = self._heads(x, layer, "attn_k", self.n_head_kv)
        v = self._heads(x, layer, "attn_v", self.n_head_kv)
        q, k = (rotate(heads, positions, self.rope_base) for heads in (q, k))

        # Query heads h share the key/value head h // group.
        group = self.n_head // self.n_head_kv
        k, v = (np.repeat(round_operand(heads, self.cache), group, axis=0) for heads in (k, v))
        scores = round_operand(q, self.cache) @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
        future = np.triu(np.ones(scores.shape[1:], dtype=bool), k=1)
        weights = softmax(np.where(future, -np.inf, scores))
        mixed = (round_operand(weights, self.cache) @ v).transpose(1, 0, 2).reshape(len(x), -1)
        return self.tensors[f"blk.{layer}.attn_output.weight"] @ mixed

    def _heads(self, x: Array, layer: int, name: str, count: int) -> Array:
        """-> (heads, tokens, head width)"""
        projected = self.tensors[f"blk.{layer}.{name}.weight"] @ x
        return projected.reshape(len(x), count, -1).transpose(1, 0, 2)


def rotate(heads: Array, positions: NDArray[np.int64], base: float) -> Array:
    """Applies rotary embedding to (heads, tokens, width): elements 2i and 2i+1 form a pair.

    GGUF's llama architecture keeps adjacent pairs (llama.cpp calls it "norm" RoPE); other
    architectures pair element i with i + width / 2.
    """
    width = heads.shape[-1]
    frequencies = base ** (-np.arange(0, width, 2) / width)
    angles = positions[:, None] * frequencies
    even, odd = heads[..., 0::2], heads[..., 1::2]
    result = np.empty_like(heads)
    result[..., 0::2] = even * np.cos(angles) - odd * np.sin(angles)
    result[..., 1::2] = even * np.sin(angles) + odd * np.cos(angles)
    return result


def softmax(scores: Array) -> Array:
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def round_operand(x: Array, qtype: GGMLQuantizationType) -> Array:
    """Rounds ``x`` to the type that GGML's CPU backend multiplies ``qtype`` with."""
    if qtype == GGMLQuantizationType.F32:
        return x
    if qtype == GGMLQuantizationType.F16:
        return as_float16(x)
    if qtype in (GGMLQuantizationType.Q4_0, GGMLQuantizationType.Q8_0):
        rounded = gguf.quants.quantize(x.astype(np.float32), GGMLQuantizationType.Q8_0)
        values = gguf.quants.dequantize(rounded, GGMLQuantizationType.Q8_0)
        return values.astype(np.float64)
    if qtype == GGMLQuantizationType.Q4_K:
        return as_q8_k(x)
    raise ValueError(f"no rule for a product with {qtype.name}: add its partner type here")


def as_float16(x: Array) -> Array:
    return x.astype(np.float32).astype(np.float16).astype(np.float64)


def as_q8_k(x: Array) -> Array:
    """Blocks of 256 values share one float32 scale; the largest magnitude becomes -127."""
    blocks = x.astype(np.float32).reshape(-1, Q8_K_BLOCK)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=1, keepdims=True), axis=1)
    safe = np.where(largest == 0, np.float32(1), largest)
    inverse = np.float32(-127) / safe
    levels = np.minimum(np.rint(blocks * inverse), 127)
    return (levels / inverse).astype(np.float64).reshape(x.shape)


def _field(reader: gguf.GGUFReader, key: str) -> Any:
    field = reader.get_field(key)
    if field is None:
        raise ValueError(f"the model has no metadata field {key}")
    return field.contents()


def _matrix(tensor: gguf.ReaderTensor) -> Matrix:
    values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
    return Matrix(values.astype(np.float64), tensor.tensor_type)
