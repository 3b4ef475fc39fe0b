"""Greedy generations of token ids, and how they are compared."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from llama_cpp import Llama

# Logits of one token differ by so much when it is evaluated alone and in a batch: other kernels add
# in another order, and activations are rounded to 8 bits (measured: 0.02 with kjv-q8_0.gguf).
ROUNDING = 0.1

NAMES = ("Abel", "Cain", "Enoch", "Esau", "Isaac", "Jacob", "Judah", "Leah", "Noah", "Sarah")
DEEDS = ("went up into", "dwelt in", "came out of", "saw", "departed from")
PLACES = ("Egypt", "the land of Canaan", "the city", "the mountain", "the wilderness")
ENDS = ("And", "Then", "And the LORD said", "Behold,")


def texts(count: int) -> list[str]:
    """Returns different texts of a sentence that is said twice, and the beginning of another."""
    found = []
    for number in range(count):
        rest, words = number, []
        for choice in (NAMES, DEEDS, PLACES, ENDS):
            rest, index = divmod(rest, len(choice))
            words.append(choice[index])
        sentence = "And {} {} {}. ".format(*words)
        found.append(2 * sentence + words[3])
    return found


def generated(llm: Llama, prompt: list[int], count: int, **sampling: Any) -> list[int]:
    """Returns the next `count` tokens, the most likely ones unless `sampling` says otherwise."""
    return list(islice(llm.generate(prompt, **{"temp": 0.0, **sampling}), count))


def is_tie(llm: Llama, text: list[int], one: int, other: int) -> bool:
    """Whether two tokens are as likely after a text, so that rounding decides."""
    llm.reset()
    llm.eval(text)
    logits = np.asarray(llm.ctx.logits(-1))
    return bool(logits.max() - min(logits[one], logits[other]) < ROUNDING)


def compare(
    plain: Llama, prompts: list[list[int]], expected: list[list[int]], found: list[list[int]]
) -> tuple[list[int], int]:
    """Compares the generations after prompts.

    Returns:
        The indices of those that differ, and the number of those that do so at a tie.
    """
    wrong, ties = [], 0
    for index, (prompt, right, tokens) in enumerate(zip(prompts, expected, found)):
        if tokens == right:
            continue
        end = next(place for place, pair in enumerate(zip(tokens, right)) if pair[0] != pair[1])
        if is_tie(plain, prompt + right[:end], tokens[end], right[end]):
            ties += 1
        else:
            wrong.append(index)
    return wrong, ties
