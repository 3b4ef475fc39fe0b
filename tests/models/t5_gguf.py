"""The small T5 models of this directory: their shape and their GGUF file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType
from llama_gguf import FILE_TYPES, Vocabulary, add_tensor, finish


@dataclass(frozen=True)
class T5Shape:
    """Dimensions of a T5 encoder (relative position bias, gated GELU), or with as many layers of a
    decoder that attends to it."""

    n_vocab: int
    n_layer: int
    n_embd: int
    n_head: int
    n_ff: int
    n_ctx: int
    n_buckets: int = 32
    has_decoder: bool = False
    rms_eps: float = 1e-6
    tied: bool = True

    @property
    def architecture(self) -> str:
        return "t5" if self.has_decoder else "t5encoder"

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """GGUF tensor name -> NumPy shape; a matrix is (outputs, inputs)."""
        shapes: dict[str, tuple[int, ...]] = {"token_embd.weight": (self.n_vocab, self.n_embd)}
        shapes |= self._stack("enc", ["attn"])
        if self.has_decoder:
            shapes |= self._stack("dec", ["attn", "cross_attn"])
        return shapes

    def _stack(self, side: str, attentions: list[str]) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {}
        for i in range(self.n_layer):
            block = f"{side}.blk.{i}"
            for attention in attentions:
                shapes[f"{block}.{attention}_norm.weight"] = (self.n_embd,)
                for name in "qkvo":
                    shapes[f"{block}.{attention}_{name}.weight"] = (self.n_embd, self.n_embd)
            shapes[f"{block}.ffn_norm.weight"] = (self.n_embd,)
            shapes[f"{block}.ffn_gate.weight"] = (self.n_ff, self.n_embd)
            shapes[f"{block}.ffn_up.weight"] = (self.n_ff, self.n_embd)
            shapes[f"{block}.ffn_down.weight"] = (self.n_embd, self.n_ff)
        shapes[f"{side}.blk.0.attn_rel_b.weight"] = (self.n_buckets, self.n_head)
        shapes[f"{side}.output_norm.weight"] = (self.n_embd,)
        return shapes


def write_t5(
    path: Path, shape: T5Shape, tensors: Mapping[str, np.ndarray], vocabulary: Vocabulary
) -> None:
    """Writes float32 ``tensors`` as one GGUF file."""
    qtype = GGMLQuantizationType.F32
    writer = gguf.GGUFWriter(path, shape.architecture)
    writer.add_name(path.stem)
    writer.add_file_type(FILE_TYPES[qtype])
    writer.add_vocab_size(shape.n_vocab)
    writer.add_context_length(shape.n_ctx)
    writer.add_embedding_length(shape.n_embd)
    writer.add_block_count(shape.n_layer)
    writer.add_feed_forward_length(shape.n_ff)
    writer.add_head_count(shape.n_head)
    writer.add_key_length(shape.n_embd // shape.n_head)
    writer.add_value_length(shape.n_embd // shape.n_head)
    writer.add_layer_norm_rms_eps(shape.rms_eps)
    writer.add_relative_attn_buckets_count(shape.n_buckets)
    if shape.has_decoder:
        writer.add_decoder_start_token_id(vocabulary.bos_id)
    vocabulary.write(writer)
    for name, tensor in tensors.items():
        add_tensor(writer, name, tensor, qtype)
    finish(writer)
