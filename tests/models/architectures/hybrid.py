"""Decoders with attention in some layers, and a state of fixed size in others or beside it."""

from __future__ import annotations

from dataclasses import replace

from .architecture import Architecture, Keys, Shapes
from .blocks import (
    LAYER_NORM,
    RMS_NORM,
    Sizes,
    attention,
    experts,
    gated,
    head,
    head_norms,
    layers,
    linear,
    merged,
    norm,
    norms,
    plain,
    pre_norms,
    rope_keys,
)
from .experts import KV_RANK, NOPE, VALUE, latent_key_values
from .recurrent import (
    KERNEL,
    RANK,
    STATE,
    mamba2_block,
    mamba2_keys,
    mamba_block,
    mamba_keys,
)
from .vocabularies import SPM, Bpe

S = Sizes()
PRE_NORMS = pre_norms(S)
ROPE = rope_keys(S)


def recurrent_first(s: Sizes) -> Keys:
    """Returns the key for a state in layers 0, 2, 4, ... and attention in the others."""
    return {
        "attention.head_count_kv": [s.n_head_kv if layer % 2 else 0 for layer in range(s.n_layer)]
    }


def jamba_block(layer: int) -> Shapes:
    state_norms = {
        **norm("ssm_dt_norm", RANK),
        **norms(["ssm_b_norm", "ssm_c_norm"], STATE),
    }
    if layer % 2:
        return PRE_NORMS | attention(S) | experts(J)
    return PRE_NORMS | mamba_block(S.n_embd) | state_norms | gated(J.n_embd, J.n_ff)


J = Sizes(n_ff=S.n_ff_expert)  # an expert is as wide as a dense layer's network there
JAMBA = Architecture(
    "jamba",
    "jamba",
    "Mamba and attention without positions in turn; experts in every second layer",
    {
        **J.keys(),
        **S.attention_keys(),
        **recurrent_first(S),
        **mamba_keys(),
        "expert_count": S.n_expert,
        "expert_used_count": S.n_expert_used,
        **RMS_NORM,
    },
    head(S) | layers(S.n_layer, jamba_block),
    SPM,
)

FALCON_H1 = Architecture(
    "falcon-h1",
    "falcon-h1",
    "Mamba-2 and attention side by side in every layer",
    {**ROPE, **mamba2_keys()},
    head(S)
    | layers(
        S.n_layer,
        {
            **norm("attn_norm", S.n_embd),
            **attention(S),
            **mamba2_block(S.n_embd),
            "ffn_norm": (S.n_embd,),  # without a suffix there
            **gated(S.n_embd, S.n_ff),
        },
    ),
    Bpe("falcon-h1"),
)

GRANITE_HYBRID = Architecture(
    "granite-hybrid",
    "granitehybrid",
    "Mamba-2 and attention in turn; scales of embedding, residuals, scores and logits",
    {
        **ROPE,
        **recurrent_first(S),
        **mamba2_keys(),
        "embedding_scale": 2.0,
        "residual_scale": 0.5,
        "attention.scale": 0.125,
        "logit_scale": 4.0,
    },
    head(S)
    | layers(
        S.n_layer,
        lambda layer: (
            PRE_NORMS
            | (attention(S) if layer % 2 else mamba2_block(S.n_embd))
            | gated(S.n_embd, S.n_ff)
        ),
    ),
    Bpe("dbrx"),
)

N = Sizes(n_layer=3)
NEMOTRON_PARTS = (mamba2_block(N.n_embd), attention(N), plain(N.n_embd, N.n_ff))
NEMOTRON_H = Architecture(
    "nemotron-h",
    "nemotron_h",
    "layers of Mamba-2, of attention, and of feed-forward alone (squared ReLU)",
    {
        **N.keys(),
        **N.attention_keys(),
        **mamba2_keys(),
        **RMS_NORM,
        **LAYER_NORM,
        "attention.head_count_kv": [0, N.n_head_kv, 0],
        "feed_forward_length": [0, 0, N.n_ff],
    },
    head(N) | layers(N.n_layer, lambda layer: norm("attn_norm", N.n_embd) | NEMOTRON_PARTS[layer]),
    Bpe("pixtral"),
)

LFM2_KERNEL = 3


def lfm2_tensors(s: Sizes, *, tied: bool) -> Shapes:
    convolution = {
        **linear("shortconv.in_proj", 3 * s.n_embd, s.n_embd),
        **linear("shortconv.conv", s.n_embd, LFM2_KERNEL),
        **linear("shortconv.out_proj", s.n_embd, s.n_embd),
    }

    def block(layer: int) -> Shapes:
        mixer = attention(s) | head_norms(s) if layer % 2 else convolution
        return pre_norms(s) | mixer | gated(s.n_embd, s.n_ff)

    shapes = head(s, tied=tied)
    shapes["token_embd_norm.weight"] = shapes.pop("output_norm.weight")  # its name there
    return shapes | layers(s.n_layer, block)


LFM2 = Architecture(
    "lfm2",
    "lfm2",
    "a short convolution and attention in turn",
    {**ROPE, **recurrent_first(S), "shortconv.l_cache": LFM2_KERNEL},
    lfm2_tensors(S, tied=True),
    Bpe("lfm2"),
)

LFM2_WINDOW = replace(
    LFM2,
    name="lfm2-window",
    covers="a short convolution, and attention with a window, in turn",
    keys={**LFM2.keys, "attention.sliding_window": 8},
)

# A gated delta net and attention in turn. Several sequences make products with a plane for each.
Q = Sizes(n_layer=4, head=32)
DELTA_STATE, KEY_HEADS, VALUE_HEADS = 32, 2, 4
VALUES = VALUE_HEADS * DELTA_STATE
DELTA_QKV = 2 * KEY_HEADS * DELTA_STATE + VALUES
DELTA_NET: Shapes = {
    "ssm_a": (VALUE_HEADS,),
    **linear("ssm_conv1d", DELTA_QKV, KERNEL),
    "ssm_dt.bias": (VALUE_HEADS,),
    **linear("ssm_ba", 2 * VALUE_HEADS, Q.n_embd),
    **linear("attn_qkv", DELTA_QKV, Q.n_embd),
    **linear("attn_gate", VALUES, Q.n_embd),
    **norm("ssm_norm", DELTA_STATE),
    **linear("ssm_out", Q.n_embd, VALUES),
}
DELTA_KEYS: Keys = {
    "ssm.conv_kernel": KERNEL,
    "ssm.state_size": DELTA_STATE,
    "ssm.group_count": KEY_HEADS,
    "ssm.time_step_rank": VALUE_HEADS,
    "ssm.inner_size": VALUES,
}

QWEN3NEXT = Architecture(
    "qwen3next",
    "qwen3next",
    "a gated delta net and gated attention in turn; RoPE of a quarter of a head",
    {
        **Q.keys(),
        **Q.attention_keys(),
        **Q.expert_keys(),
        **RMS_NORM,
        "rope.dimension_count": Q.head // 4,
        "rope.freq_base": 10000.0,
        "expert_shared_feed_forward_length": Q.n_ff_expert,
        **DELTA_KEYS,
        "attention.recurrent_layers": [layer % 2 == 0 for layer in range(Q.n_layer)],
    },
    head(Q)
    | layers(
        Q.n_layer,
        lambda layer: merged(
            [
                norms(["attn_norm", "post_attention_norm"], Q.n_embd),
                attention(Q, gates=1) | head_norms(Q) if layer % 2 else DELTA_NET,
                experts(Q, shared=True),
                norm("ffn_gate_inp_shexp", Q.n_embd),
            ]
        ),
    ),
    SPM,
)

# Kimi Delta Attention and latent attention without positions in turn.
K = Sizes()
KDA_HEAD = 32
K_ROPE = 16


def kimi_delta(s: Sizes) -> Shapes:
    """Returns Kimi Delta Attention with a head of ``KDA_HEAD`` for each of the attention's."""
    width = s.n_head * KDA_HEAD
    return {
        **{f"ssm_conv1d_{name}.weight": (1, width, 1, KERNEL) for name in "qkv"},
        **{f"attn_{name}.weight": (width, s.n_embd) for name in "qkv"},
        **linear("ssm_f_a", KDA_HEAD, s.n_embd),
        **linear("ssm_f_b", width, KDA_HEAD),
        **linear("ssm_beta", s.n_head, s.n_embd),
        "ssm_a": (s.n_head, 1),
        "ssm_dt.bias": (width,),
        **linear("ssm_g_a", KDA_HEAD, s.n_embd),
        **linear("ssm_g_b", width, KDA_HEAD),
        **norm("ssm_norm", KDA_HEAD),
        **linear("attn_output", s.n_embd, width),
    }


def kimi_block(layer: int) -> Shapes:
    latent = {
        **linear("attn_q", K.n_head * (NOPE + K_ROPE), K.n_embd),
        **latent_key_values(K, K_ROPE),
    }
    network = experts(K, shared=True) | {"exp_probs_b.bias": (K.n_expert,)}
    mixer = latent if layer % 2 else kimi_delta(K)
    return PRE_NORMS | mixer | (network if layer else gated(K.n_embd, K.n_ff))


KIMI_LINEAR = Architecture(
    "kimi-linear",
    "kimi-linear",
    "a delta net with a decay for each channel, and latent attention without positions, in turn",
    {
        **K.keys(),
        **K.expert_keys(),
        **RMS_NORM,
        "attention.head_count": K.n_head,
        "attention.head_count_kv": [0, 1],
        "attention.kv_lora_rank": KV_RANK,
        "attention.key_length": KV_RANK + K_ROPE,
        "attention.value_length": KV_RANK,
        "attention.key_length_mla": NOPE + K_ROPE,
        "attention.value_length_mla": VALUE,
        "rope.dimension_count": K_ROPE,
        "ssm.conv_kernel": KERNEL,
        "kda.head_dim": KDA_HEAD,
        "leading_dense_block_count": 1,
        "expert_shared_count": 1,
        "expert_gating_func": 2,  # sigmoid
        "expert_weights_scale": 2.0,
    },
    head(K) | layers(K.n_layer, kimi_block),
    Bpe("qwen2"),
)

DECODERS = (JAMBA, FALCON_H1, GRANITE_HYBRID, NEMOTRON_H, LFM2, LFM2_WINDOW, QWEN3NEXT, KIMI_LINEAR)
