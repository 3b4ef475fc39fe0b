"""Text models for projectors, of the architectures on which mtmd's way with an image depends.

* gemma3: tokens of an image attend to each other in both directions; layers with a window.
* qwen2vl, qwen3vl: M-RoPE, so an image takes fewer positions than tokens. qwen3vl adds a layer's
  image features to a layer of its own.
* hunyuan-vl: M-RoPE whose fourth dimension is the number of the image in the prompt.
* gemma4: as gemma3 in the layers with a window; optionally an embedding per layer.
* lfm2: a layer has a convolution's state in place of keys and values, which cannot be shortened.

Sizes are tiny: two layers, the first of which has the window where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Union

import gguf
import numpy as np
from gguf import GGMLQuantizationType
from llama_gguf import LlamaShape, Vocabulary, add_tensor, finish, write_llama

Shapes = dict[str, tuple[int, ...]]

N_VOCAB = 512
N_CTX = 4096


@dataclass(frozen=True)
class TextShape:
    """Dimensions that these architectures share; the output is a matrix of its own."""

    n_layer: int = 2
    n_embd: int = 64
    n_head: int = 4
    n_head_kv: int = 2
    head: int = 16
    n_ff: int = 128
    n_vocab: int = N_VOCAB
    n_ctx: int = N_CTX

    architecture = ""

    def tensor_shapes(self) -> Shapes:
        shapes: Shapes = {
            "token_embd.weight": (self.n_vocab, self.n_embd),
            "output.weight": (self.n_vocab, self.n_embd),
            "output_norm.weight": (self.n_embd,),
        }
        for layer in range(self.n_layer):
            shapes |= self._block(f"blk.{layer}")
        return shapes

    def _block(self, block: str) -> Shapes:
        queries, keys = self.n_head * self.head, self.n_head_kv * self.head
        return {
            f"{block}.attn_norm.weight": (self.n_embd,),
            f"{block}.attn_q.weight": (queries, self.n_embd),
            f"{block}.attn_k.weight": (keys, self.n_embd),
            f"{block}.attn_v.weight": (keys, self.n_embd),
            f"{block}.attn_output.weight": (self.n_embd, queries),
            f"{block}.ffn_norm.weight": (self.n_embd,),
            f"{block}.ffn_gate.weight": (self.n_ff, self.n_embd),
            f"{block}.ffn_up.weight": (self.n_ff, self.n_embd),
            f"{block}.ffn_down.weight": (self.n_embd, self.n_ff),
        }

    def _head_norms(self, block: str) -> Shapes:
        return {f"{block}.attn_{name}_norm.weight": (self.head,) for name in "qk"}

    def key_value_heads(self) -> int | list[int]:
        """Returns the number of each layer, or of all."""
        return self.n_head_kv

    def write_parameters(self, writer: gguf.GGUFWriter) -> None:
        """Adds the architecture's own keys."""


@dataclass(frozen=True)
class Gemma3(TextShape):
    """GGUF architecture ``gemma3``: a norm behind attention and feed-forward, too."""

    window: int = 64

    architecture = "gemma3"

    def _block(self, block: str) -> Shapes:
        return {
            **super()._block(block),
            **self._head_norms(block),
            f"{block}.post_attention_norm.weight": (self.n_embd,),
            f"{block}.post_ffw_norm.weight": (self.n_embd,),
        }

    def write_parameters(self, writer: gguf.GGUFWriter) -> None:
        writer.add_sliding_window(self.window)
        writer.add_sliding_window_pattern([layer % 2 == 0 for layer in range(self.n_layer)])


@dataclass(frozen=True)
class Qwen2VL(TextShape):
    """GGUF architecture ``qwen2vl``, which Qwen2.5-VL and Qwen2.5-Omni have, too."""

    architecture = "qwen2vl"

    def _block(self, block: str) -> Shapes:
        keys = self.n_head_kv * self.head
        return {
            **super()._block(block),
            f"{block}.attn_q.bias": (self.n_head * self.head,),
            f"{block}.attn_k.bias": (keys,),
            f"{block}.attn_v.bias": (keys,),
        }

    def write_parameters(self, writer: gguf.GGUFWriter) -> None:
        # Pairs of a head's dimensions that turn with time, row and column.
        writer.add_rope_dimension_sections([2, 3, 3, 0])


@dataclass(frozen=True)
class Qwen3VL(TextShape):
    """GGUF architecture ``qwen3vl`` with one layer of image features."""

    architecture = "qwen3vl"

    def _block(self, block: str) -> Shapes:
        return {**super()._block(block), **self._head_norms(block)}

    def write_parameters(self, writer: gguf.GGUFWriter) -> None:
        writer.add_rope_dimension_sections([4, 2, 2, 0])
        writer.add_num_deepstack_layers(1)


@dataclass(frozen=True)
class HunyuanVL(TextShape):
    """GGUF architecture ``hunyuan_vl``."""

    architecture = "hunyuan_vl"

    def _block(self, block: str) -> Shapes:
        return {**super()._block(block), **self._head_norms(block)}

    def write_parameters(self, writer: gguf.GGUFWriter) -> None:
        writer.add_rope_dimension_sections([2, 2, 2, 2])


@dataclass(frozen=True)
class Lfm2(TextShape):
    """GGUF architecture ``lfm2``: a short convolution and attention, in turn."""

    kernel: int = 3

    architecture = "lfm2"

    def tensor_shapes(self) -> Shapes:
        shapes = super().tensor_shapes()
        shapes["token_embd_norm.weight"] = shapes.pop("output_norm.weight")  # its name there
        for layer in range(0, self.n_layer, 2):
            block = f"blk.{layer}"
            for name in ("q", "k", "v", "output", "q_norm", "k_norm"):
                del shapes[f"{block}.attn_{name}.weight"]
            shapes |= {
                f"{block}.shortconv.in_proj.weight": (3 * self.n_embd, self.n_embd),
                f"{block}.shortconv.conv.weight": (self.n_embd, self.kernel),
                f"{block}.shortconv.out_proj.weight": (self.n_embd, self.n_embd),
            }
        return shapes

    def _block(self, block: str) -> Shapes:
        return {**super()._block(block), **self._head_norms(block)}

    def key_value_heads(self) -> list[int]:
        return [self.n_head_kv if layer % 2 else 0 for layer in range(self.n_layer)]

    def write_parameters(self, writer: gguf.GGUFWriter) -> None:
        writer.add_shortconv_l_cache(self.kernel)


@dataclass(frozen=True)
class Gemma4(Gemma3):
    """GGUF architecture ``gemma4``; ``per_layer`` is the width of an embedding per layer, or 0."""

    per_layer: int = 16

    architecture = "gemma4"

    def tensor_shapes(self) -> Shapes:
        shapes = super().tensor_shapes() | {"rope_freqs.weight": (self.head // 2,)}
        if self.per_layer:
            width = self.per_layer * self.n_layer
            shapes |= {
                "per_layer_token_embd.weight": (self.n_vocab, width),
                "per_layer_model_proj.weight": (width, self.n_embd),
                "per_layer_proj_norm.weight": (self.per_layer,),
            }
        return shapes

    def _block(self, block: str) -> Shapes:
        shapes = super()._block(block)
        if self.per_layer:
            shapes |= {
                f"{block}.inp_gate.weight": (self.per_layer, self.n_embd),
                f"{block}.proj.weight": (self.n_embd, self.per_layer),
                f"{block}.post_norm.weight": (self.n_embd,),
            }
        return shapes

    def write_parameters(self, writer: gguf.GGUFWriter) -> None:
        super().write_parameters(writer)
        writer.add_key_length_swa(self.head)
        writer.add_value_length_swa(self.head)
        writer.add_embedding_length_per_layer_input(self.per_layer)


TextModel = Union[LlamaShape, TextShape]


def llama(n_embd: int = 64) -> LlamaShape:
    return LlamaShape(
        n_vocab=N_VOCAB,
        n_layer=2,
        n_embd=n_embd,
        n_head=4,
        n_head_kv=2,
        n_ff=128,
        n_ctx=N_CTX,
        tied=False,
    )


def write_text_model(
    path: Path, model: TextModel, tensors: Mapping[str, np.ndarray], vocabulary: Vocabulary
) -> None:
    """Writes float32 ``tensors`` as one GGUF file."""
    qtype = GGMLQuantizationType.F32
    if isinstance(model, LlamaShape):
        write_llama(path, path.stem, model, tensors, qtype, vocabulary)
        return
    writer = gguf.GGUFWriter(path, model.architecture)
    writer.add_name(path.stem)
    writer.add_vocab_size(model.n_vocab)
    writer.add_context_length(model.n_ctx)
    writer.add_embedding_length(model.n_embd)
    writer.add_block_count(model.n_layer)
    writer.add_feed_forward_length(model.n_ff)
    writer.add_head_count(model.n_head)
    writer.add_head_count_kv(model.key_value_heads())
    writer.add_key_length(model.head)
    writer.add_value_length(model.head)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    model.write_parameters(writer)
    vocabulary.write(writer)
    for name in model.tensor_shapes():
        add_tensor(writer, name, tensors[name], qtype)
    finish(writer)
