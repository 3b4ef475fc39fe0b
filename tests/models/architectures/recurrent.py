"""Decoders without attention: a state of fixed size in place of keys and values."""

from __future__ import annotations

from .architecture import Architecture, Keys, Shapes
from .blocks import LAYER_NORM, RMS_NORM, Sizes, head, layers, linear, norm, norms
from .vocabularies import Bpe, Rwkv

S = Sizes()
KERNEL = 4  # tokens that the convolution sees
INNER = 2 * S.n_embd
STATE, RANK = 8, 4  # of Mamba: numbers a channel remembers, and rank of the time step
STATE_2, HEADS_2, GROUPS_2 = 16, 4, 2  # of Mamba-2
NO_ATTENTION: Keys = {"attention.head_count": 0, "feed_forward_length": 0}


def mamba_keys(inner: int = INNER) -> Keys:
    return {
        "ssm.conv_kernel": KERNEL,
        "ssm.inner_size": inner,
        "ssm.state_size": STATE,
        "ssm.time_step_rank": RANK,
    }


def mamba_block(n_embd: int) -> Shapes:
    inner = 2 * n_embd
    return {
        **linear("ssm_in", 2 * inner, n_embd),
        **linear("ssm_conv1d", inner, KERNEL, bias=True),
        **linear("ssm_x", RANK + 2 * STATE, inner),
        **linear("ssm_dt", inner, RANK, bias=True),
        "ssm_a": (inner, STATE),
        "ssm_d": (inner,),
        **linear("ssm_out", n_embd, inner),
    }


def mamba2_keys(inner: int = INNER) -> Keys:
    return {
        "ssm.conv_kernel": KERNEL,
        "ssm.inner_size": inner,
        "ssm.state_size": STATE_2,
        "ssm.time_step_rank": HEADS_2,
        "ssm.group_count": GROUPS_2,
    }


def mamba2_block(n_embd: int) -> Shapes:
    inner = 2 * n_embd
    convolved = inner + 2 * GROUPS_2 * STATE_2
    return {
        **linear("ssm_in", inner + convolved + HEADS_2, n_embd),
        **linear("ssm_conv1d", convolved, KERNEL, bias=True),
        "ssm_dt.bias": (HEADS_2,),
        "ssm_a": (HEADS_2, 1),
        "ssm_d": (HEADS_2, 1),
        "ssm_norm.weight": (GROUPS_2, inner // GROUPS_2),
        **linear("ssm_out", n_embd, inner),
    }


MAMBA = Architecture(
    "mamba",
    "mamba",
    "a selective state space and a short convolution",
    {**S.keys(), **NO_ATTENTION, **mamba_keys(), **RMS_NORM},
    head(S, tied=True) | layers(S.n_layer, norm("attn_norm", S.n_embd) | mamba_block(S.n_embd)),
    Bpe("olmo"),
)

MAMBA2 = Architecture(
    "mamba2",
    "mamba2",
    "heads and groups of the state space",
    {**S.keys(), **NO_ATTENTION, **mamba2_keys(), **RMS_NORM},
    head(S, tied=True) | layers(S.n_layer, norm("attn_norm", S.n_embd) | mamba2_block(S.n_embd)),
    Bpe("olmo"),
)

R = Sizes(n_embd=128)
WKV_HEAD, LORA = 64, 32
RWKV_HEAD = {**head(R, bias=True), **norm("token_embd_norm", R.n_embd, bias=True)}
RWKV_NORMS = norms(["attn_norm", "attn_norm_2", "time_mix_ln"], R.n_embd, bias=True)
RWKV_KEYS = {
    **R.keys(),
    "attention.head_count": 0,
    "wkv.head_size": WKV_HEAD,
    **LAYER_NORM,
}


def square(*names: str) -> Shapes:
    return {f"time_mix_{name}.weight": (R.n_embd, R.n_embd) for name in names}


def low_rank(first: str, second: str, rank: int = LORA) -> Shapes:
    """Returns a product of two narrow matrices."""
    down, up = linear(f"time_mix_{first}", rank, R.n_embd), (R.n_embd, rank)
    return down | {f"time_mix_{second}.weight": up}


RWKV6 = Architecture(
    "rwkv6",
    "rwkv6",
    "token shift and a decay that depends on the token",
    {**RWKV_KEYS, "time_mix_extra_dim": LORA, "time_decay_extra_dim": LORA},
    RWKV_HEAD
    | layers(
        R.n_layer,
        {
            **RWKV_NORMS,
            **linear("time_mix_w1", 5 * LORA, R.n_embd),
            "time_mix_w2.weight": (5, R.n_embd, LORA),
            "time_mix_lerp_x.weight": (R.n_embd,),
            "time_mix_lerp_fused.weight": (5, 1, 1, R.n_embd),
            "time_mix_first.weight": (R.n_embd // WKV_HEAD, WKV_HEAD),
            "time_mix_decay.weight": (R.n_embd,),
            **low_rank("decay_w1", "decay_w2"),
            **square("key", "value", "receptance", "gate", "output"),
            **norms(["channel_mix_lerp_k", "channel_mix_lerp_r"], R.n_embd),
            **linear("channel_mix_key", R.n_ff, R.n_embd),
            **linear("channel_mix_value", R.n_embd, R.n_ff),
            **linear("channel_mix_receptance", R.n_embd, R.n_embd),
        },
    ),
    Rwkv(),
)

RWKV7 = Architecture(
    "rwkv7",
    "rwkv7",
    "a state that a generalised delta rule updates",
    {
        **RWKV_KEYS,
        "attention.decay_lora_rank": LORA,
        "attention.iclr_lora_rank": LORA,
        "attention.value_residual_mix_lora_rank": LORA,
        "attention.gate_lora_rank": LORA,
    },
    RWKV_HEAD
    | layers(
        R.n_layer,
        {
            **RWKV_NORMS,
            **norms([f"time_mix_{name}" for name in ("w0", "a0", "v0")], R.n_embd),
            **low_rank("w1", "w2"),
            **low_rank("a1", "a2"),
            **low_rank("v1", "v2"),
            **low_rank("g1", "g2"),
            "time_mix_lerp_fused.weight": (6, 1, 1, R.n_embd),
            **norms([f"time_mix_{name}" for name in ("k_k", "k_a", "r_k")], R.n_embd),
            **square("key", "value", "receptance", "output"),
            **norm("channel_mix_lerp_k", R.n_embd),
            **linear("channel_mix_key", R.n_ff, R.n_embd),
            **linear("channel_mix_value", R.n_embd, R.n_ff),
        },
    ),
    Rwkv(),
)

DECODERS = (MAMBA, MAMBA2, RWKV6, RWKV7)
