"""Decoders in which some layers see only the last tokens (a sliding window)."""

from __future__ import annotations

from dataclasses import replace

from .architecture import Architecture, Keys, Shapes
from .blocks import (
    LAYER_NORM,
    Sizes,
    attention,
    experts,
    gated,
    head,
    head_norms,
    layers,
    linear,
    norm,
    norms,
    rope_keys,
)
from .vocabularies import SPM, Bpe, Gemma4Bpe

S = Sizes()
WINDOW = 8  # tokens; a prompt of the tests is several times as long


def every_second(s: Sizes) -> Keys:
    """Returns the keys of a window in layers 0, 2, 4, ..."""
    return {
        "attention.sliding_window": WINDOW,
        "attention.sliding_window_pattern": [layer % 2 == 0 for layer in range(s.n_layer)],
    }


def gemma_block(s: Sizes) -> Shapes:
    """Returns a layer with a norm before and behind attention and feed-forward."""
    names = ["attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"]
    return norms(names, s.n_embd) | attention(s) | gated(s.n_embd, s.n_ff)


ROPE = rope_keys(S)

GEMMA2 = Architecture(
    "gemma2",
    "gemma2",
    "soft caps on scores and logits; GELU",
    {
        **ROPE,
        "attention.sliding_window": WINDOW,
        # The real ones are 50 and 30; these are small enough to change these models' numbers.
        "attn_logit_softcapping": 2.0,
        "final_logit_softcapping": 3.0,
    },
    head(S, tied=True) | layers(S.n_layer, gemma_block(S)),
    SPM,
    gelu=True,
)


def gemma3_tensors(s: Sizes, *, tied: bool) -> Shapes:
    return head(s, tied=tied) | layers(s.n_layer, gemma_block(s) | head_norms(s))


GEMMA3 = Architecture(
    "gemma3",
    "gemma3",
    "another RoPE base in layers with the window",
    {**ROPE, **every_second(S), "rope.freq_base": 1e6, "rope.freq_base_swa": 10000.0},
    gemma3_tensors(S, tied=True),
    SPM,
    gelu=True,
)

# The layers with a window and those without have heads of different widths; the last two layers
# take the keys and values of the first two.
S4 = Sizes(n_layer=4, head=32)
S4_SWA = replace(S4, head=16)
PER_LAYER = 32


def gemma4_tensors(s: Sizes, swa: Sizes, *, per_layer: int, shared: int, tied: bool) -> Shapes:
    def block(layer: int) -> Shapes:
        sizes = swa if layer % 2 == 0 else s
        shapes = gemma_block(sizes) | head_norms(sizes)
        if layer >= s.n_layer - shared:
            for name in ("attn_k", "attn_v", "attn_k_norm"):
                del shapes[f"{name}.weight"]
        if per_layer:
            shapes |= linear("inp_gate", per_layer, s.n_embd)
            shapes |= linear("proj", s.n_embd, per_layer) | norm("post_norm", s.n_embd)
        return shapes

    shapes = head(s, tied=tied) | {"rope_freqs.weight": (s.head // 2,)}
    if per_layer:
        width = per_layer * s.n_layer
        shapes |= linear("per_layer_token_embd", s.n_vocab, width)
        shapes |= linear("per_layer_model_proj", width, s.n_embd)
        shapes |= norm("per_layer_proj_norm", per_layer)
    return shapes | layers(s.n_layer, block)


GEMMA4 = Architecture(
    "gemma4",
    "gemma4",
    "layers that share keys and values; an embedding per layer; factors of RoPE's frequencies",
    {
        **rope_keys(S4),
        **every_second(S4),
        "attention.shared_kv_layers": 2,
        "attention.key_length_swa": S4_SWA.head,
        "attention.value_length_swa": S4_SWA.head,
        "rope.dimension_count_swa": S4_SWA.head,
        "rope.freq_base_swa": 10000.0,
        "embedding_length_per_layer_input": PER_LAYER,
        "final_logit_softcapping": 3.0,
    },
    gemma4_tensors(S4, S4_SWA, per_layer=PER_LAYER, shared=2, tied=True),
    Gemma4Bpe(),
    gelu=True,
)

COHERE2 = Architecture(
    "cohere2",
    "cohere2",
    "RoPE in layers with the window alone",
    {
        **rope_keys(S, LAYER_NORM),
        **every_second(S),
        "logit_scale": 0.25,
    },
    head(S, tied=True)
    | layers(S.n_layer, norm("attn_norm", S.n_embd) | attention(S) | gated(S.n_embd, S.n_ff)),
    Bpe("command-r", add_bos=True),
)

GPT_OSS = Architecture(
    "gpt-oss",
    "gpt-oss",
    "attention sinks; YaRN; experts with biases and a clamped SwiGLU",
    {
        **ROPE,
        **S.expert_keys(),
        "attention.sliding_window": WINDOW,
        "rope.scaling.type": "yarn",
        "rope.scaling.factor": 4.0,
        "rope.scaling.original_context_length": S.n_ctx // 4,
    },
    head(S)
    | layers(
        S.n_layer,
        {
            **norms(["attn_norm", "post_attention_norm"], S.n_embd),
            **attention(S, qkv_bias=True, out_bias=True),
            **norm("attn_sinks", S.n_head),
            **experts(S, bias=True),
        },
    ),
    Bpe("gpt-4o"),
)

DECODERS = (GEMMA2, GEMMA3, GEMMA4, COHERE2, GPT_OSS)
