"""embed() of an encoder without a decoder (T5): every token attends to all, before and after it.

Row 24 of the faults: it was decoded, so that tokens attended to earlier ones only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference_t5 import ReferenceT5Encoder

import llama_cpp

TEXTS = ["In the beginning", "God created the heaven and the earth.", "x", "w1 w2 " * 30]
# In units of the standard deviation. GELU is rounded to float16, and an activation that differs by
# 1e-7 falls on the other side of a rounding boundary now and then: 7e-4 is seen.
TOLERANCE = 2e-3


def load(path: Path, **options: Any) -> llama_cpp.Llama:
    options = {"n_ctx": 512, "n_threads": 1, "n_threads_batch": 1, "embedding": True, **options}
    return llama_cpp.Llama(str(path), verbose=False, **options)


@pytest.fixture(scope="module")
def path(models_dir: Path) -> Path:
    return models_dir / "t5encoder-f32.gguf"


@pytest.fixture(scope="module")
def reference(path: Path) -> ReferenceT5Encoder:
    return ReferenceT5Encoder(path)


def largest_error(found: Any, expected: Any) -> float:
    return float(np.abs(np.asarray(found) - expected).max() / np.std(expected))


def test_tokens_are_as_in_the_reference(path: Path, reference: ReferenceT5Encoder) -> None:
    llm = load(path, pooling_type=llama_cpp.LLAMA_POOLING_TYPE_NONE)
    for text in TEXTS:
        expected = reference.hidden(llm.tokenize(text.encode()))
        error = largest_error(llm.embed(text), expected)
        print(f"{len(expected)} tokens: largest error {error:.1e}")
        assert error < TOLERANCE


def test_texts_together_are_as_alone(path: Path, reference: ReferenceT5Encoder) -> None:
    """In several batches of several texts."""
    llm = load(path, pooling_type=llama_cpp.LLAMA_POOLING_TYPE_MEAN, n_batch=200)
    expected = [reference.hidden(llm.tokenize(text.encode())).mean(axis=0) for text in TEXTS]
    assert largest_error(llm.embed(TEXTS * 3), expected * 3) < TOLERANCE


def test_a_causal_mask_is_noticed(
    path: Path, reference: ReferenceT5Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    bias = reference._bias

    def causal(length: int) -> Any:
        return bias(length) + np.triu(np.full((length, length), -np.inf), k=1)

    llm = load(path, pooling_type=llama_cpp.LLAMA_POOLING_TYPE_NONE)
    monkeypatch.setattr(reference, "_bias", causal)
    expected = reference.hidden(llm.tokenize(TEXTS[1].encode()))
    assert largest_error(llm.embed(TEXTS[1]), expected) > 100 * TOLERANCE


def test_native_calls_agree(path: Path, reference: ReferenceT5Encoder) -> None:
    """decode() of a model that has no decoder encodes, as encode() does."""
    llm = load(path, pooling_type=llama_cpp.LLAMA_POOLING_TYPE_NONE)
    tokens = llm.tokenize(TEXTS[1].encode())
    expected = reference.hidden(tokens)
    llm.ctx.encode(tokens)
    assert largest_error(llm.ctx.embeddings_all(), expected) < TOLERANCE
    llm.ctx.decode(tokens, 0, outputs=llama_cpp._core.Outputs.ALL)
    assert largest_error(llm.ctx.embeddings_all(), expected) < TOLERANCE


def test_an_encoder_does_not_generate(path: Path) -> None:
    for options in ({}, {"embedding": False}):
        with pytest.raises(llama_cpp.ContextError, match="encoder"):
            load(path, **options)("In the beginning", max_tokens=1)


def test_encoder_decoder_models_are_refused(models_dir: Path) -> None:
    llm = load(models_dir / "t5-f32.gguf")
    for use in (
        lambda: llm("In the beginning", max_tokens=1),
        lambda: list(llm("In the beginning", max_tokens=1, stream=True)),
        lambda: llm.eval([1, 2]),
        lambda: next(llm.generate([1, 2])),
        lambda: llm.embed("In the beginning"),
    ):
        with pytest.raises(llama_cpp.ContextError, match="encoder-decoder"):
            use()
