"""Checkpoints: chats of 20 turns with models whose memory cannot drop its last tokens."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from turns import END, INTERVAL, NAMES, NEAR, Turn, assert_fresh

Open = Callable[..., Any]


def twenty_turns(llm: Any, rewrite: Callable[[str], str], hint: str = "") -> list[Turn]:
    """Chats; `rewrite` changes each answer before it is sent back, `hint` ends each prompt."""
    messages: list[dict[str, str]] = []
    turns = []
    for number in range(20):
        messages.append({"role": "user", "content": f"the {number} quick brown fox"})
        last = [{"role": "system", "content": f"{hint} {number}"}] if hint else []
        arguments = {"messages": messages + last, "max_tokens": 12, "temperature": 0}
        turn = Turn(llm, partial(llm.create_chat_completion, **arguments))
        turns.append(turn)
        text = turn.answer["choices"][0]["message"]["content"] or ""
        messages.append({"role": "assistant", "content": rewrite(text)})
    return turns


REWRITES: dict[str, Callable[[str], str]] = {
    "as it was": lambda text: text,
    "trimmed": lambda text: text.strip()[:-3] + ".",
    "without its thoughts": lambda text: "the lazy dog",
}


@pytest.mark.parametrize("rewrite", REWRITES)
@pytest.mark.parametrize("name", NAMES)
def test_twenty_turns(open_forgetful: Open, name: str, rewrite: str) -> None:
    llm = open_forgetful(name, checkpoint_interval=INTERVAL)
    turns = twenty_turns(llm, REWRITES[rewrite])
    assert len(turns[-1].prompt) > 1000
    assert all(turn.evaluated <= turn.new + INTERVAL for turn in turns)
    fresh = open_forgetful(name, logits_all=True)
    for turn in (turns[1], turns[10], turns[19]):
        assert_fresh(name, fresh, turn)
    assert 0 < len(llm.checkpoints) <= 32


@pytest.mark.parametrize("name", NAMES)
def test_without_an_interval(open_forgetful: Open, name: str) -> None:
    """Those before the ends of prompts are enough: an answer is evaluated again at most."""
    turns = twenty_turns(open_forgetful(name), REWRITES["trimmed"])
    for before, turn in zip(turns, turns[1:]):
        again = len(before.tokens) - len(before.prompt) + END
        assert turn.evaluated <= turn.new + again + NEAR


@pytest.mark.parametrize("name", NAMES)
def test_another_end_of_each_prompt(open_forgetful: Open, name: str) -> None:
    """A prompt is left far before its end: a turn is evaluated again at most."""
    llm = open_forgetful(name)
    turns = twenty_turns(llm, REWRITES["as it was"], hint="answer in the light of dog number")
    fresh = open_forgetful(name, logits_all=True)
    longest = max(turn.new for turn in turns)
    assert all(turn.evaluated <= turn.new + longest for turn in turns[2:])
    for turn in (turns[2], turns[19]):
        assert_fresh(name, fresh, turn)
