"""Checkpoints of the engine, which are llama-server's: chats of 20 turns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from architectures import ARCHITECTURES
from turns import tokens_of

from llama_cpp import Engine

# Tokens between the end of a prompt and its last checkpoint, and one that is evaluated again in any
# case (checkpoint_offsets, and pos_max in update_slots(), in tools/server/server-context.cpp).
END = 4 + 1
# With a state alone, with a state beside attention, beside a window, and with a window alone.
NAMES = ["mamba", "jamba", "lfm2-window", "gemma3"]
GREEDY: dict[str, Any] = {"temperature": 0, "max_tokens": 8, "ignore_eos": True}


@pytest.fixture(params=NAMES)
def engine(request: Any, architectures_dir: Path) -> Iterator[Engine]:
    name = ARCHITECTURES[request.param].gguf_name
    # A slot has no more tokens than the model was trained with.
    options = ["--override-kv", f"{name}.context_length=int:4096"]
    path = architectures_dir / f"{request.param}.gguf"
    with Engine(str(path), n_parallel=2, n_ctx=2048, n_threads=1, options=options) as engine:
        yield engine


def evaluated(answer: dict[str, Any]) -> int:
    usage = answer["usage"]
    return usage["prompt_tokens"] - usage["prompt_tokens_details"]["cached_tokens"]


def test_twenty_turns(engine: Engine) -> None:
    """Each prompt goes on behind the end of the one before, with another answer."""
    prompt = tokens_of(0, 100)
    new = len(prompt)
    for number in range(20):
        answer = engine.complete(prompt, **GREEDY)
        assert evaluated(answer) <= new + END
        fresh = engine.complete(prompt, cache_prompt=False, id_slot=1, **GREEDY)
        assert evaluated(fresh) == len(prompt)
        assert answer["choices"][0]["text"] == fresh["choices"][0]["text"]
        added = tokens_of(number + 1, 50)
        prompt, new = prompt + added, len(added)


def test_twenty_turns_of_messages(engine: Engine) -> None:
    messages: list[dict[str, str]] = []
    before = 0
    for number in range(20):
        messages.append({"role": "user", "content": f"the {number} quick brown fox"})
        answer = engine.chat(messages, **GREEDY)
        n_prompt = answer["usage"]["prompt_tokens"]
        assert evaluated(answer) <= n_prompt - before + END
        before = n_prompt
        messages.append({"role": "assistant", "content": "the lazy dog"})
