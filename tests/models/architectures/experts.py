"""Decoders whose router picks some of several feed-forward networks for each token."""

from __future__ import annotations

from .architecture import Architecture, Keys, Shapes
from .blocks import (
    RMS_NORM,
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
    pre_norms,
    rope_keys,
)
from .vocabularies import SPM, Bpe

S = Sizes()
PRE_NORMS = pre_norms(S)
KEYS = rope_keys(S) | S.expert_keys()

MIXTRAL = Architecture(
    "mixtral",
    "llama",
    "experts whose weights are a softmax over the chosen ones",
    {**KEYS, "feed_forward_length": S.n_ff_expert},  # the experts' width there
    head(S) | layers(S.n_layer, PRE_NORMS | attention(S) | experts(S)),
    SPM,
)

QWEN3MOE = Architecture(
    "qwen3moe",
    "qwen3moe",
    "experts with norms of each head's query and key",
    KEYS,
    head(S) | layers(S.n_layer, PRE_NORMS | attention(S) | head_norms(S) | experts(S)),
    Bpe("qwen2"),
)

OLMOE = Architecture(
    "olmoe",
    "olmoe",
    "experts' weights that do not add up to 1",
    {**KEYS, "feed_forward_length": S.n_ff_expert, "attention.head_count_kv": S.n_head},
    head(S)
    | layers(
        S.n_layer,
        {
            **PRE_NORMS,
            **attention(Sizes(n_head_kv=S.n_head)),
            **norms(["attn_q_norm", "attn_k_norm"], S.n_embd),
            **experts(S),
        },
    ),
    Bpe("olmo"),
)

# DeepSeek-V2's sizes: ranks of the queries and of the latent vector, and parts of a head without
# and with positions.
MLA = Sizes(n_layer=3)
Q_RANK, KV_RANK, NOPE, ROPE, VALUE = 32, 32, 32, 32, 32


def latent_attention(s: Sizes, rope: int = ROPE) -> Shapes:
    """Returns multi-head latent attention; ``rope`` numbers of a head have positions."""
    return {
        **linear("attn_q_a", Q_RANK, s.n_embd),
        **norm("attn_q_a_norm", Q_RANK),
        **linear("attn_q_b", s.n_head * (NOPE + rope), Q_RANK),
        **latent_key_values(s, rope),
    }


def latent_key_values(s: Sizes, rope: int) -> Shapes:
    """Returns all but the queries; the products with keys and values are absorbed."""
    return {
        **linear("attn_kv_a_mqa", KV_RANK + rope, s.n_embd),
        **norm("attn_kv_a_norm", KV_RANK),
        "attn_k_b.weight": (s.n_head, KV_RANK, NOPE),
        "attn_v_b.weight": (s.n_head, VALUE, KV_RANK),
        **linear("attn_output", s.n_embd, s.n_head * VALUE),
    }


def latent_keys(s: Sizes) -> Keys:
    return {
        "attention.head_count": s.n_head,
        "attention.head_count_kv": 1,
        "attention.q_lora_rank": Q_RANK,
        "attention.kv_lora_rank": KV_RANK,
        "attention.key_length": KV_RANK + ROPE,
        "attention.value_length": KV_RANK,
        "attention.key_length_mla": NOPE + ROPE,
        "attention.value_length_mla": VALUE,
        "rope.dimension_count": ROPE,
        "rope.freq_base": 10000.0,
    }


def dense_first(s: Sizes, layer: int, *, probs_bias: bool = False) -> Shapes:
    """Returns a gated network in the first layer; in the others experts, one of them shared."""
    if layer == 0:
        return gated(s.n_embd, s.n_ff)
    bias: Shapes = {"exp_probs_b.bias": (s.n_expert,)} if probs_bias else {}
    return experts(s, shared=True) | bias


DENSE_FIRST: Keys = {
    "leading_dense_block_count": 1,
    "expert_shared_count": 1,
    "expert_weights_scale": 1.0,
}

DEEPSEEK2 = Architecture(
    "deepseek2",
    "deepseek2",
    "multi-head latent attention; a shared expert; a dense first layer",
    {**MLA.keys(), **MLA.expert_keys(), **RMS_NORM, **latent_keys(MLA), **DENSE_FIRST},
    head(MLA)
    | layers(
        MLA.n_layer,
        lambda layer: pre_norms(MLA) | latent_attention(MLA) | dense_first(MLA, layer),
    ),
    SPM,
)

DECODERS = (MIXTRAL, QWEN3MOE, OLMOE, DEEPSEEK2)
