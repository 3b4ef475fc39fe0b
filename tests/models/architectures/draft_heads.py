"""Models that guess the next tokens: heads for the trained model, and models with layers for it.

Shapes and keys are those that llama.cpp's src/models/eagle3.cpp, dflash.cpp, glm4-moe.cpp and
qwen35.cpp load. The heads have no embedding and no output: those are the target's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import gguf
from llama_gguf import byte_vocabulary

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
from .hybrid import DELTA_KEYS, DELTA_NET, VALUE_HEADS
from .vocabularies import SPM, Bpe

# kjv-q8_0.gguf's sizes, as far as a head shares them.
TARGET = Sizes(n_layer=1, n_embd=256, head=64, n_vocab=1536)
TARGET_LAYERS = [1, 2, 3]
MASK = 3  # a byte that no text has
BLOCK = 6
MARKOV_RANK = 32


@dataclass(frozen=True)
class MaskedVocabulary:
    """Bytes, and a token that stands for one that is not known yet."""

    name = "SPM"

    def write(self, writer: gguf.GGUFWriter) -> None:
        byte_vocabulary(TARGET.n_vocab).write(writer)
        writer.add_mask_token_id(MASK)


EAGLE3 = Architecture(
    "eagle3",
    "eagle3",
    "a layer over the hidden states of three layers of the target",
    {
        **rope_keys(TARGET),
        "target_layers": TARGET_LAYERS,
        "target_hidden_size": TARGET.n_embd,
    },
    {
        **linear("fc", TARGET.n_embd, 3 * TARGET.n_embd),
        **norm("output_norm", TARGET.n_embd),
        **layers(
            1,
            {
                **norms(["attn_norm", "attn_norm_2", "ffn_norm"], TARGET.n_embd),
                **linear("attn_q", TARGET.queries, 2 * TARGET.n_embd),
                **linear("attn_k", TARGET.key_values, 2 * TARGET.n_embd),
                **linear("attn_v", TARGET.key_values, 2 * TARGET.n_embd),
                **linear("attn_output", TARGET.n_embd, TARGET.queries),
                **gated(TARGET.n_embd, TARGET.n_ff),
            },
        ),
    },
    MaskedVocabulary(),
)

DFLASH = Architecture(
    "dflash",
    "dflash",
    "a block of tokens at once, out of the hidden states of three layers of the target",
    {**rope_keys(TARGET), "target_layers": TARGET_LAYERS, "block_size": BLOCK},
    {
        **linear("fc", TARGET.n_embd, 3 * TARGET.n_embd),
        **norms(["enc.output_norm", "output_norm"], TARGET.n_embd),
        **layers(
            1,
            {
                **pre_norms(TARGET),
                **attention(TARGET),
                **head_norms(TARGET),
                **gated(TARGET.n_embd, TARGET.n_ff),
            },
        ),
    },
    MaskedVocabulary(),
)

DSPARK = replace(
    DFLASH,
    name="dspark",
    covers="a block with a head that looks at the token before",
    keys={**DFLASH.keys, "has_confidence_head": False},
    tensors={
        **DFLASH.tensors,
        **linear("markov_w1", TARGET.n_vocab, MARKOV_RANK),
        **linear("markov_w2", TARGET.n_vocab, MARKOV_RANK),
    },
)


def nextn(s: Sizes) -> Shapes:
    """Returns what a layer that predicts the token after the next one has beside a layer's own."""
    return {
        **linear("nextn.eh_proj", s.n_embd, 2 * s.n_embd),
        **norms(["nextn.enorm", "nextn.hnorm", "nextn.shared_head_norm"], s.n_embd),
    }


G = Sizes(n_layer=3)


def glm_block(layer: int) -> Shapes:
    network = (
        experts(G, shared=True) | {"exp_probs_b.bias": (G.n_expert,)}
        if layer
        else gated(G.n_embd, G.n_ff)
    )
    block = norms(["attn_norm", "post_attention_norm"], G.n_embd) | attention(G) | network
    return block | nextn(G) if layer == G.n_layer - 1 else block


MTP_KEYS: Keys = {"nextn_predict_layers": 1}
MTP = Architecture(
    "mtp",
    "glm4moe",
    "a layer of its own that predicts another token",
    {
        **rope_keys(G),
        **G.expert_keys(),
        "leading_dense_block_count": 1,
        "expert_shared_count": 1,
        "expert_weights_scale": 1.0,
        **MTP_KEYS,
    },
    head(G) | layers(G.n_layer, glm_block),
    SPM,
)

Q = Sizes(n_layer=3, head=32)
# Two matrices in place of qwen3next's one.
QWEN35_NET: Shapes = {
    **{name: shape for name, shape in DELTA_NET.items() if name != "ssm_ba.weight"},
    **linear("ssm_beta", VALUE_HEADS, Q.n_embd),
    **linear("ssm_alpha", VALUE_HEADS, Q.n_embd),
}


def qwen35_block(layer: int) -> Shapes:
    is_mtp = layer == Q.n_layer - 1
    mixer = attention(Q, gates=1) | head_norms(Q) if layer else QWEN35_NET
    block = {
        **norms(["attn_norm", "post_attention_norm"], Q.n_embd),
        **mixer,
        **gated(Q.n_embd, Q.n_ff),
    }
    return block | nextn(Q) if is_mtp else block


MTP_HYBRID = Architecture(
    "mtp-hybrid",
    "qwen35",
    "the same, in a model with a state of fixed size",
    {
        **rope_keys(Q, RMS_NORM),
        **DELTA_KEYS,
        "full_attention_interval": 2,
        "rope.dimension_sections": [4, 2, 2, 0],
        **MTP_KEYS,
    },
    head(Q) | layers(Q.n_layer, qwen35_block),
    Bpe("qwen35"),
)

HEADS = (EAGLE3, DFLASH, DSPARK)
MODELS = (MTP, MTP_HYBRID)
