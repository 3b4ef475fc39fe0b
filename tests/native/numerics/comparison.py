"""Compares a model's logits under llama_cpp with the reference, and judges the difference.

The error at a position is the largest difference over the vocabulary, in units of the standard
deviation of the reference's logits. (The random models' logits have a deviation of about 1.)

The tolerance depends on the type of the weights:

* F32: both sides do the same sums in another order. A sum of 1000 float32 products is good to about
  1e-6, and 8e-6 is seen.
* F16: both sides round activations to float16, but an activation that differs by 1e-7 falls on
  the other side of a rounding boundary now and then, and is then off by 2**-11. Such flips
  happen at every position: 3e-3 is seen, and 1e-2 allowed.
* Q8_0, Q4_0, Q4_K: activations are rounded to 8 bits in blocks, a step of about 0.02 standard
  deviations. Where no value flips, the two sides agree as for F32 (1e-6 is seen). One flip
  makes a few more in the next product, and after three products the position has as much noise
  as the rounding itself makes: 0.1 is seen. So two bounds hold: most short prompts have no flip
  and must agree to ``typical``, and no position may be further off than ``worst``.

``typical`` finds a wrong kernel: it is a hundred times smaller than the effect of one block of
wrong weights (logits_test.py shows that).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gguf
import numpy as np
from gguf import GGMLQuantizationType
from numpy.typing import NDArray
from reference_llama import ReferenceLlama

# One letter each, so two tokens with <s>: many short sequences in one batch make products of many
# rows, as a long prompt does, but without its many rounding flips.
BATCH = [chr(code) for code in range(ord("!"), ord("!") + 40)]

F32_CACHE = {"type_k": int(GGMLQuantizationType.F32), "type_v": int(GGMLQuantizationType.F32)}


@dataclass(frozen=True)
class Tolerance:
    """Bounds of the median and of the largest error over positions."""

    typical: float
    worst: float


TOLERANCES = {
    "f32": Tolerance(typical=2e-5, worst=2e-5),
    "f16": Tolerance(typical=3e-3, worst=1e-2),
    "q8_0": Tolerance(typical=1e-4, worst=0.25),
    "q4_0": Tolerance(typical=1e-4, worst=0.25),
    "q4_k": Tolerance(typical=1e-4, worst=0.25),
}


def random_prompt(length: int, n_vocab: int, seed: int) -> list[int]:
    generator = np.random.default_rng(seed)
    return [int(token) for token in generator.integers(3, n_vocab, length)]


def short_prompts(n_vocab: int) -> list[list[int]]:
    """Prompts so short that most are computed without one rounding flip."""
    return [random_prompt(3, n_vocab, seed) for seed in range(24)]


def evaluate(llm: Any, tokens: Sequence[int], step: int | None = None) -> NDArray[np.float32]:
    """Logits (n, vocabulary) of ``llm`` (made with logits_all), ``step`` tokens a call."""
    # Rows are kept from the first look at them on; those before are computed again, at once.
    assert len(llm.scores) > 0
    llm.reset()
    for start in range(0, len(tokens), step or len(tokens)):
        llm.eval(tokens[start : start + step] if step else tokens)
    return np.array(llm.scores[: len(tokens)])


def errors(logits: NDArray[Any], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the error at each position, as this module's docstring defines it."""
    assert logits.shape == expected.shape
    assert np.isfinite(logits).all()
    return np.abs(logits - expected).max(axis=1) / expected.std()


def short_prompt_errors(llm: Any, reference: ReferenceLlama) -> NDArray[np.float64]:
    """Returns the errors of all positions of the short prompts."""
    return np.concatenate(
        [
            errors(evaluate(llm, prompt), reference.logits(prompt))
            for prompt in short_prompts(llm.n_vocab())
        ]
    )


def batch_options(n_threads: int) -> dict[str, Any]:
    """Arguments of Llama with which ``embed(BATCH)`` gives the last hidden state of each text."""
    return {
        "embedding": True,
        "pooling_type": int(gguf.PoolingType.LAST),
        "n_ctx": 256,
        "n_threads": n_threads,
        "n_threads_batch": n_threads,
        **F32_CACHE,
    }


def expected_batch(llm: Any, reference: ReferenceLlama) -> NDArray[np.float64]:
    """Returns the expected result of ``embed(BATCH)``: (texts, n_embd)."""
    return np.array([reference.hidden(llm.tokenize(text.encode()))[-1] for text in BATCH])


def verdict(found: NDArray[np.float64], tolerance: Tolerance) -> str | None:
    """Returns a description of errors that are out of tolerance, else None."""
    median, largest = float(np.median(found)), float(found.max())
    if median > tolerance.typical:
        return f"the median error is {median:.1e}, more than {tolerance.typical:.1e}"
    if largest > tolerance.worst:
        return f"the largest error is {largest:.1e}, more than {tolerance.worst:.1e}"
    return None
