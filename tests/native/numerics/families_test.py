"""Logits of other families than Llama equal those of their references in NumPy.

Weights, keys and values are float32, so the two sides differ by the order of sums alone, and by
GELU, which GGML takes from a table of float16. The last test breaks one parameter of a reference at
a time and asserts that the same tolerances notice it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comparison import F32_CACHE, errors, evaluate, random_prompt
from reference_bert import ReferenceBert
from reference_experts import ReferenceExperts
from reference_gemma import ReferenceGemma
from reference_llama import Array, softmax
from reference_mamba import ReferenceMamba

import llama_cpp

DECODERS: dict[str, Callable[[Path], Any]] = {
    "gemma2": ReferenceGemma,
    "gemma3": ReferenceGemma,
    "mixtral": ReferenceExperts,
    "qwen3moe": ReferenceExperts,
    "mamba": ReferenceMamba,
}
TEXTS = ["the quick brown fox jumps over the lazy dog", "fox", "the dog and the light " * 12]

# As in comparison.py: 1e-5 is seen.
EXACT = 5e-5
# A value that differs by 1e-7 falls on the other side of a rounding boundary of GELU's table now
# and then, and is off by 2**-11: 8e-4 is seen.
GELU = 5e-3
TOLERANCES = {"gemma2": GELU, "gemma3": GELU, "bert": GELU}


def tolerance(name: str) -> float:
    return TOLERANCES.get(name, EXACT)


def load(path: Path, **options: Any) -> llama_cpp.Llama:
    options = {"n_ctx": 512, "n_threads": 1, "n_threads_batch": 1, **F32_CACHE, **options}
    return llama_cpp.Llama(str(path), verbose=False, **options)


def largest_error(name: str, directory: Path, change: Callable[[Any], None] | None = None) -> float:
    """Returns the largest error of a model against its reference, after ``change(reference)``."""
    path = directory / f"{name}.gguf"
    reference: Any = ReferenceBert(path) if name == "bert" else DECODERS[name](path)
    if change:
        change(reference)
    if name == "bert":
        llm = load(path, embedding=True, pooling_type=llama_cpp.LLAMA_POOLING_TYPE_NONE)
        found = [
            errors(np.array(llm.embed(text)), reference.hidden(llm.tokenize(text.encode())))
            for text in TEXTS
        ]
    else:
        llm = load(path, logits_all=True)
        prompts = [random_prompt(length, llm.n_vocab(), seed=length) for length in (3, 30, 100)]
        found = [errors(evaluate(llm, prompt), reference.logits(prompt)) for prompt in prompts]
    return float(max(error.max() for error in found))


@pytest.mark.parametrize("name", [*DECODERS, "bert"])
def test_reference(architectures_dir: Path, name: str) -> None:
    error = largest_error(name, architectures_dir)
    print(f"{name}: largest error {error:.1e}")
    assert error < tolerance(name)


def test_mean_of_bert(architectures_dir: Path) -> None:
    """The pooling that the file names."""
    path = architectures_dir / "bert.gguf"
    llm, reference = load(path, embedding=True), ReferenceBert(path)
    hidden = [reference.hidden(llm.tokenize(text.encode())).mean(axis=0) for text in TEXTS]
    assert errors(np.array(llm.embed(TEXTS)), np.array(hidden)).max() < GELU


def set_to(**attributes: Any) -> Callable[[Any], None]:
    def change(reference: Any) -> None:
        for name, value in attributes.items():
            assert getattr(reference, name) != value
            setattr(reference, name, value)

    return change


def scaled(name: str, factor: float) -> Callable[[Any], None]:
    """Multiplies a tensor."""

    def change(reference: Any) -> None:
        reference.tensors[name] = reference.tensors[name] * factor

    return change


def shares_of_all(reference: Any) -> None:
    """The chosen experts' weights do not add up to 1."""

    def shares(logits: Array, chosen: Array) -> Array:
        return softmax(logits)[chosen]

    reference.shares = shares


def shorter_convolution(reference: Any) -> None:
    """The oldest of the tokens that the convolution sees is left out."""
    reference.tensors["blk.0.ssm_conv1d.weight"][:, 0] = 0


MISTAKES: list[tuple[str, Callable[[Any], None]]] = [
    ("gemma2", set_to(window=7)),
    ("gemma2", set_to(window=9)),
    ("gemma2", set_to(local=[False, True])),
    ("gemma2", set_to(score_cap=None)),
    ("gemma2", set_to(logit_cap=None)),
    ("gemma2", set_to(embedding_scale=1.0)),
    ("gemma3", set_to(window=9)),
    ("gemma3", set_to(local_base=1e6)),
    ("gemma3", set_to(global_base=10000.0)),
    ("gemma3", scaled("blk.1.attn_q_norm.weight", 1.1)),
    ("mixtral", set_to(n_used=1)),
    ("mixtral", set_to(base=20000.0)),
    ("mixtral", shares_of_all),
    ("qwen3moe", shares_of_all),
    ("qwen3moe", scaled("blk.0.attn_k_norm.weight", 1.1)),
    ("mamba", scaled("blk.0.ssm_a", 1.1)),
    ("mamba", scaled("blk.0.ssm_d", 0.9)),
    ("mamba", scaled("blk.1.ssm_dt.bias", 0.0)),
    ("mamba", shorter_convolution),
    ("bert", set_to(segment=1)),
    ("bert", set_to(first_position=1)),
    ("bert", set_to(n_head=2)),
    ("bert", scaled("blk.0.attn_v.bias", 2.0)),
]


@pytest.mark.parametrize(("name", "mistake"), MISTAKES)
def test_a_mistake_is_noticed(
    architectures_dir: Path, name: str, mistake: Callable[[Any], None]
) -> None:
    error = largest_error(name, architectures_dir, mistake)
    print(f"{name}: largest error {error:.1e}")
    assert error > 2 * tolerance(name)
