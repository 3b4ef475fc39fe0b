"""Text models for projectors, of the architectures on which mtmd's way with an image depends.

* gemma3: tokens of an image attend to each other in both directions; layers with a window.
* qwen2vl, qwen3vl: M-RoPE, so an image takes fewer positions than tokens. qwen3vl adds a layer's
  image features to a layer of its own.
* hunyuan-vl: M-RoPE whose fourth dimension is the number of the image in the prompt.
* gemma4: as gemma3 in the layers with a window; optionally an embedding per layer.
* lfm2: a layer has a convolution's state in place of keys and values, which cannot be shortened.

Sizes are tiny: two layers, the first of which has the window where there is one. The output is a
matrix of its own.
"""

from __future__ import annotations

from architectures.architecture import Architecture, Keys, Shapes
from architectures.blocks import (
    Sizes,
    attention,
    gated,
    head,
    head_norms,
    layers,
    pre_norms,
    rope_keys,
)
from architectures.hybrid import LFM2_KERNEL, lfm2_tensors, recurrent_first
from architectures.sliding import gemma3_tensors, gemma4_tensors
from llama_gguf import byte_vocabulary

S = Sizes(n_ctx=4096)
WINDOW: Keys = {
    "attention.sliding_window": 64,
    "attention.sliding_window_pattern": [layer % 2 == 0 for layer in range(S.n_layer)],
}


def _model(name: str, tensors: Shapes, keys: Keys, s: Sizes = S) -> Architecture:
    """Returns a model whose vocabulary has no marks; a pair gives it one of its own."""
    common = rope_keys(s)
    return Architecture(name, name, "", {**common, **keys}, tensors, byte_vocabulary(s.n_vocab))


def _tensors(s: Sizes = S, *, qkv_bias: bool = False, normed: bool = False) -> Shapes:
    block = pre_norms(s) | attention(s, qkv_bias=qkv_bias)
    if normed:
        block |= head_norms(s)
    return head(s) | layers(s.n_layer, block | gated(s.n_embd, s.n_ff))


def llama(n_embd: int = 64) -> Architecture:
    sizes = Sizes(n_ctx=S.n_ctx, n_embd=n_embd, head=n_embd // S.n_head)
    return _model("llama", _tensors(sizes), {}, sizes)


def gemma3() -> Architecture:
    return _model("gemma3", gemma3_tensors(S, tied=False), WINDOW)


def qwen2vl() -> Architecture:
    """GGUF architecture ``qwen2vl``, which Qwen2.5-VL and Qwen2.5-Omni have, too."""
    # Pairs of a head's dimensions that turn with time, row and column.
    return _model("qwen2vl", _tensors(qkv_bias=True), {"rope.dimension_sections": [2, 3, 3, 0]})


def qwen3vl() -> Architecture:
    """GGUF architecture ``qwen3vl`` with one layer of image features."""
    keys: Keys = {"rope.dimension_sections": [4, 2, 2, 0], "n_deepstack_layers": 1}
    return _model("qwen3vl", _tensors(normed=True), keys)


def hunyuan_vl() -> Architecture:
    keys: Keys = {"rope.dimension_sections": [2, 2, 2, 2]}
    return _model("hunyuan_vl", _tensors(normed=True), keys)


def lfm2() -> Architecture:
    keys: Keys = {**recurrent_first(S), "shortconv.l_cache": LFM2_KERNEL}
    return _model("lfm2", lfm2_tensors(S, tied=False), keys)


def gemma4(per_layer: int = 16) -> Architecture:
    """GGUF architecture ``gemma4``; ``per_layer`` is the width of an embedding per layer, or 0."""
    keys: Keys = {
        **WINDOW,
        "attention.key_length_swa": S.head,
        "attention.value_length_swa": S.head,
        "embedding_length_per_layer_input": per_layer,
    }
    tensors = gemma4_tensors(S, S, per_layer=per_layer, shared=0, tied=False)
    return _model("gemma4", tensors, keys)
