"""Shapes and keys that architectures are made of.

A helper returns the tensors of one layer without the prefix ``blk.N.``, which ``layers()`` adds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Callable, Union

from .architecture import Keys, Shapes

RMS_NORM: Keys = {"attention.layer_norm_rms_epsilon": 1e-6}
LAYER_NORM: Keys = {"attention.layer_norm_epsilon": 1e-5}

Block = Union[Shapes, Callable[[int], Shapes]]  # of every layer, or of the layer with that index


@dataclass(frozen=True)
class Sizes:
    """Dimensions, as small as the quantised types permit: rows are multiples of 32."""

    n_layer: int = 2
    n_embd: int = 64
    n_head: int = 4
    n_head_kv: int = 2
    head: int = 16
    n_ff: int = 128
    n_vocab: int = 512
    n_ctx: int = 512
    n_expert: int = 4
    n_expert_used: int = 2
    n_ff_expert: int = 32

    @property
    def queries(self) -> int:
        return self.n_head * self.head

    @property
    def key_values(self) -> int:
        return self.n_head_kv * self.head

    def keys(self) -> Keys:
        """Returns what every architecture states."""
        return {
            "vocab_size": self.n_vocab,
            "context_length": self.n_ctx,
            "embedding_length": self.n_embd,
            "block_count": self.n_layer,
            "feed_forward_length": self.n_ff,
        }

    def attention_keys(self) -> Keys:
        return {
            "attention.head_count": self.n_head,
            "attention.head_count_kv": self.n_head_kv,
            "attention.key_length": self.head,
            "attention.value_length": self.head,
        }

    def rope_keys(self) -> Keys:
        return {"rope.dimension_count": self.head, "rope.freq_base": 10000.0}

    def expert_keys(self) -> Keys:
        return {
            "expert_count": self.n_expert,
            "expert_used_count": self.n_expert_used,
            "expert_feed_forward_length": self.n_ff_expert,
        }


def rope_keys(s: Sizes, norm_keys: Keys = RMS_NORM) -> Keys:
    """Returns the keys of a decoder with attention and RoPE in every layer."""
    return {**s.keys(), **s.attention_keys(), **s.rope_keys(), **norm_keys}


def linear(name: str, outputs: int, inputs: int, *, bias: bool = False) -> Shapes:
    shapes: Shapes = {f"{name}.weight": (outputs, inputs)}
    return shapes | {f"{name}.bias": (outputs,)} if bias else shapes


def norm(name: str, width: int, *, bias: bool = False) -> Shapes:
    shapes: Shapes = {f"{name}.weight": (width,)}
    return shapes | {f"{name}.bias": (width,)} if bias else shapes


def norms(names: Iterable[str], width: int, *, bias: bool = False) -> Shapes:
    return merged(norm(name, width, bias=bias) for name in names)


def pre_norms(s: Sizes, *, bias: bool = False) -> Shapes:
    """Returns the norms before attention and feed-forward."""
    return norms(["attn_norm", "ffn_norm"], s.n_embd, bias=bias)


def merged(parts: Iterable[Shapes]) -> Shapes:
    return {name: shape for part in parts for name, shape in part.items()}


def layers(count: int, block: Block, prefix: str = "blk") -> Shapes:
    """Returns the tensors of ``count`` layers."""
    return {
        f"{prefix}.{layer}.{name}": shape
        for layer in range(count)
        for name, shape in (block(layer) if callable(block) else block).items()
    }


def head(s: Sizes, *, tied: bool = False, bias: bool = False) -> Shapes:
    """Returns the embedding, the last norm, and the output unless it is the embedding."""
    shapes = linear("token_embd", s.n_vocab, s.n_embd) | norm("output_norm", s.n_embd, bias=bias)
    return shapes if tied else shapes | linear("output", s.n_vocab, s.n_embd)


def attention(
    s: Sizes, *, qkv_bias: bool = False, out_bias: bool = False, gates: int = 0
) -> Shapes:
    """Returns the four matrices of attention; a gate has as many rows as the queries."""
    return {
        **linear("attn_q", (1 + gates) * s.queries, s.n_embd, bias=qkv_bias),
        **linear("attn_k", s.key_values, s.n_embd, bias=qkv_bias),
        **linear("attn_v", s.key_values, s.n_embd, bias=qkv_bias),
        **linear("attn_output", s.n_embd, s.queries, bias=out_bias),
    }


def fused_attention(s: Sizes, *, bias: bool = False) -> Shapes:
    """Returns attention whose queries, keys and values are rows of one matrix."""
    return {
        **linear("attn_qkv", s.queries + 2 * s.key_values, s.n_embd, bias=bias),
        **linear("attn_output", s.n_embd, s.queries, bias=bias),
    }


def head_norms(s: Sizes) -> Shapes:
    """Returns the norms of each head's query and key."""
    return norms(["attn_q_norm", "attn_k_norm"], s.head)


def gated(n_embd: int, n_ff: int, suffix: str = "") -> Shapes:
    """Returns a feed-forward network with a gate (SwiGLU, GeGLU)."""
    return linear(f"ffn_gate{suffix}", n_ff, n_embd) | plain(n_embd, n_ff, suffix)


def fused_gated(n_embd: int, n_ff: int) -> Shapes:
    """Returns one whose gate is the first half of the rows of ``ffn_up``."""
    return linear("ffn_up", 2 * n_ff, n_embd) | linear("ffn_down", n_embd, n_ff)


def plain(n_embd: int, n_ff: int, suffix: str = "", *, bias: bool = False) -> Shapes:
    return {
        **linear(f"ffn_up{suffix}", n_ff, n_embd, bias=bias),
        **linear(f"ffn_down{suffix}", n_embd, n_ff, bias=bias),
    }


def experts(s: Sizes, *, bias: bool = False, shared: bool = False) -> Shapes:
    """Returns the router and ``n_expert`` gated networks, ``shared`` with one for every token."""
    one = gated(s.n_embd, s.n_ff_expert, "_exps")
    shapes = linear("ffn_gate_inp", s.n_expert, s.n_embd, bias=bias)
    for name, shape in one.items():
        shapes[name] = (s.n_expert, *shape)
        if bias:
            shapes[name.replace(".weight", ".bias")] = (s.n_expert, shape[0])
    return shapes | gated(s.n_embd, s.n_ff_expert, "_shexp") if shared else shapes
