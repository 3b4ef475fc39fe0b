"""Calls of a model whose memory cannot drop its last tokens, and the tokens that they evaluate.

Numbers of tokens are compared with those that are new: the tokens behind the beginning that a
prompt shares with everything evaluated before. Logits are compared with those of a fresh object, in
units of their standard deviation, as in architectures_test.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from architectures import ARCHITECTURES

# With a state alone, with a state beside attention in three ways, with a window (and a state), and
# with compressed keys and values.
NAMES = ["mamba", "rwkv7", "jamba", "qwen3next", "lfm2", "lfm2-window", "gemma3", "deepseek4"]
INTERVAL = 64
# As in architectures_test.py; GELU is taken from a table of float16.
EXACT, GELU = 3e-4, 1e-2
# Tokens between the end of a prompt and the checkpoint before it, and those that are evaluated
# again rather than one more checkpoint is made (_END and _NEAR in _engine/checkpoints.py).
END, NEAR = 4, 16
# Tokens that leave a window are forgotten. Its smallest cache has 256 cells.
FORGETFUL: dict[str, Any] = {
    "n_ctx": 3072,
    "n_ubatch": 32,
    "swa_full": False,
    "type_k": 0,  # GGML_TYPE_F32
    "type_v": 0,
    "chat_format": "chatml",
}


def shared(first: Sequence[int], second: Sequence[int]) -> int:
    """Returns how many tokens are the same at the beginning."""
    pairs = zip(first, second)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))


def tokens_of(seed: int, count: int) -> list[int]:
    return [int(token) for token in np.random.default_rng(seed).integers(4, 500, count)]


class Turn:
    """One call of a Llama: its tokens, and the numbers of those that were evaluated."""

    def __init__(self, llm: Any, call: Callable[[], Any]) -> None:
        before = llm._input_ids.tolist()
        self.answer = call()
        usage = self.answer["usage"]
        n_prompt = usage["prompt_tokens"]
        self.tokens = llm._input_ids.tolist()
        if llm.draft_model is not None:  # it may have left guesses
            del self.tokens[n_prompt + usage["completion_tokens"] - 1 :]
        self.logits = np.array(llm.ctx.logits(len(self.tokens) - 1 - llm.n_tokens))
        self.prompt = self.tokens[:n_prompt]
        self.shared = shared(before, self.prompt)
        self.new = n_prompt - self.shared
        self.evaluated = n_prompt - usage["prompt_tokens_details"]["cached_tokens"]


def complete(llm: Any, prompt: Sequence[int], count: int = 8) -> Turn:
    return Turn(llm, partial(llm, list(prompt), max_tokens=count, temperature=0))


def assert_fresh(name: str, fresh: Any, turn: Turn) -> None:
    """The last logits are those of a fresh object, which likes every token of the answer most."""
    fresh.reset()
    fresh.eval(turn.tokens)
    rows = np.array(fresh.scores[len(turn.prompt) - 1 : len(turn.tokens)])
    answer = turn.tokens[len(turn.prompt) :]
    chosen = rows[np.arange(len(answer)), answer]
    differences = [*(rows[:-1].max(axis=1) - chosen), *np.abs(rows[-1] - turn.logits)]
    assert max(differences) / np.std(rows) < tolerance(name)


def tolerance(name: str) -> float:
    return GELU if ARCHITECTURES[name].gelu else EXACT
