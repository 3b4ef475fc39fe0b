"""Greedy generations of token ids, and how they are compared."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from llama_cpp import Llama

# How far apart the logits of the same token are, computed alone and in a batch: other kernels add
# in another order, and the quantisation of activations to 8 bits makes steps out of that.
TOLERANCE = 0.1


def prompts(count: int, n_vocab: int, seed: int = 1) -> list[list[int]]:
    """Returns prompts of some random tokens, of which most come twice."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        part = generator.integers(5, n_vocab, int(generator.integers(4, 10))).tolist()
        found.append([1, *part, *part, *part[: len(part) // 2]])
    return found


def generated(llm: Llama, prompt: list[int], count: int, **sampling: Any) -> list[int]:
    """Returns the next `count` tokens, the most likely ones unless `sampling` says otherwise."""
    return list(islice(llm.generate(prompt, **{"temp": 0.0, **sampling}), count))


def is_tie(llm: Llama, text: list[int], one: int, other: int) -> bool:
    """Whether two tokens are as likely after a text, so that rounding decides."""
    llm.reset()
    llm.eval(text)
    logits = np.asarray(llm.ctx.logits(-1))
    return bool(logits.max() - min(logits[one], logits[other]) < TOLERANCE)


def differences(
    plain: Llama,
    expected: dict[int, list[int]],
    found: dict[int, list[int]],
    texts: list[list[int]],
) -> tuple[list[int], int]:
    """Compares generations by the numbers of their prompts.

    Returns:
        The numbers of those that differ, and how many differ at a tie of two tokens.
    """
    wrong, ties = [], 0
    for number, tokens in found.items():
        right = expected[number]
        if tokens == right:
            continue
        end = next(i for i, pair in enumerate(zip(tokens, right)) if pair[0] != pair[1])
        if is_tie(plain, texts[number] + right[:end], tokens[end], right[end]):
            ties += 1
        else:
            wrong.append(number)
    return wrong, ties
