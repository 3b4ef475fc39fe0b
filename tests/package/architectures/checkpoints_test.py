"""Checkpoints: chats with models whose memory cannot drop its last tokens.

Numbers of tokens are counted, and compared with those that are new: the tokens behind the
beginning that a prompt shares with everything evaluated before. Logits are compared with those of a
fresh object, in units of their standard deviation, as in architectures_test.py.
"""

from __future__ import annotations

import pickle
import threading
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from architectures import ARCHITECTURES

import llama_cpp

Load = Callable[..., Any]
Open = Callable[..., Any]

# With a state alone, with a state beside attention in three ways, with a window (and a state), and
# with compressed keys and values.
NAMES = ["mamba", "rwkv7", "jamba", "qwen3next", "lfm2", "lfm2-window", "gemma3", "deepseek4"]
WINDOWS = {"lfm2-window", "gemma3", "deepseek4"}  # the numbers depend on the places of the keys
INTERVAL = 64
# As in architectures_test.py; GELU is taken from a table of float16.
EXACT, GELU = 3e-4, 1e-2
# Tokens between the end of a prompt and the checkpoint before it, and those that are evaluated
# again rather than one more checkpoint is made (_END and _NEAR in _engine/checkpoints.py).
END, NEAR = 4, 16


@pytest.fixture
def open_model(load: Load, architectures_dir: Path) -> Open:
    """Returns a function that loads an architecture's model; its window forgets, if it has one."""

    def open_model(name: str, **options: Any) -> Any:
        # The smallest cache for a window has 256 cells, which the chats are longer than.
        options = {
            "n_ctx": 3072,
            "n_ubatch": 32,
            "swa_full": False,
            "type_k": 0,  # GGML_TYPE_F32
            "type_v": 0,
            "chat_format": "chatml",
            **options,
        }
        return load(str(architectures_dir / f"{name}.gguf"), **options)

    return open_model


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
def test_twenty_turns(open_model: Open, name: str, rewrite: str) -> None:
    llm = open_model(name, checkpoint_interval=INTERVAL)
    turns = twenty_turns(llm, REWRITES[rewrite])
    assert len(turns[-1].prompt) > 1000
    fresh = open_model(name, logits_all=True)
    for turn in turns:
        assert turn.evaluated <= turn.new + INTERVAL
        assert_fresh(name, fresh, turn)
    assert 0 < len(llm.checkpoints) <= 32


@pytest.mark.parametrize("name", NAMES)
def test_without_an_interval(open_model: Open, name: str) -> None:
    """Those before the ends of prompts are enough: an answer is evaluated again at most."""
    turns = twenty_turns(open_model(name), REWRITES["trimmed"])
    for before, turn in zip(turns, turns[1:]):
        again = len(before.tokens) - len(before.prompt) + END
        assert turn.evaluated <= turn.new + again + NEAR


@pytest.mark.parametrize("name", NAMES)
def test_another_end_of_each_prompt(open_model: Open, name: str) -> None:
    """A prompt is left far before its end: a turn is evaluated again at most."""
    llm = open_model(name)
    turns = twenty_turns(llm, REWRITES["as it was"], hint="answer in the light of dog number")
    fresh = open_model(name, logits_all=True)
    longest = max(turn.new for turn in turns)
    for turn in turns[2:]:
        assert turn.evaluated <= turn.new + longest
        assert_fresh(name, fresh, turn)


@pytest.mark.parametrize("name", NAMES)
def test_an_earlier_message_is_edited(open_model: Open, name: str) -> None:
    llm = open_model(name, checkpoint_interval=INTERVAL)
    fresh = open_model(name, logits_all=True)
    prompt = tokens_of(1, 1000)
    assert complete(llm, prompt).evaluated == len(prompt)
    for place in (990, 900, 500, 130, 700):
        prompt = [*prompt[:place], *tokens_of(place, 1000 - place)]
        turn = complete(llm, prompt)
        assert turn.shared == place
        assert turn.evaluated <= turn.new + INTERVAL
        assert_fresh(name, fresh, turn)


@pytest.mark.parametrize("name", NAMES)
def test_without_checkpoints(open_model: Open, name: str) -> None:
    """The models are those that need them."""
    llm = open_model(name, ctx_checkpoints=0)
    prompt = tokens_of(1, 1000)
    complete(llm, prompt)
    turn = complete(llm, [*prompt[:300], *tokens_of(2, 300)])
    assert turn.shared == 300 and turn.evaluated == 600
    assert len(llm.checkpoints) == 0


def test_models_that_need_none(open_model: Open) -> None:
    for name, options in (("llama", {}), ("gemma3", {"swa_full": True}), ("gemma3", {})):
        llm = open_model(name, **options)
        complete(llm, tokens_of(1, 400))
        assert (len(llm.checkpoints) > 0) == (options == {} and name == "gemma3")


@pytest.mark.parametrize("name", NAMES)
def test_a_long_answer(open_model: Open, name: str) -> None:
    """Checkpoints are also taken while tokens are generated."""
    llm = open_model(name, checkpoint_interval=INTERVAL)
    first = complete(llm, tokens_of(1, 40), count=400)
    assert len(first.tokens) > 40 + 2 * INTERVAL, "the model ends its answer early"
    place = len(first.tokens) - 3
    turn = complete(llm, [*first.tokens[:place], *tokens_of(2, 30)])
    assert turn.shared == place
    assert turn.evaluated <= turn.new + INTERVAL
    assert_fresh(name, open_model(name, logits_all=True), turn)


@pytest.mark.parametrize("name", NAMES)
def test_the_copy_is_exact(open_model: Open, name: str) -> None:
    """The same computations behind a checkpoint give the same bits, or almost: see WINDOWS."""
    first, more, other = tokens_of(1, 300), tokens_of(2, 40), tokens_of(3, 70)
    llm = open_model(name)
    llm.eval(first)
    snapshot = llm._session.snapshot()
    llm.eval(more)
    expected = np.array(llm.ctx.logits(-1))
    for _ in range(2):
        llm._session.restore(snapshot)
        llm.eval(other)
        llm._session.restore(snapshot)
        assert llm.n_tokens == len(first)
        llm.eval(more)
        found = np.array(llm.ctx.logits(-1))
        if name in WINDOWS:
            error = np.abs(found - expected).max() / np.std(expected)
            assert error < tolerance(name)
        else:
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", NAMES)
def test_memory_is_bounded(open_model: Open, name: str) -> None:
    size = open_model(name).ctx.checkpoint_size(0)
    probe = open_model(name, checkpoint_interval=INTERVAL)
    complete(probe, tokens_of(1, 1000))
    size = max(1, probe.checkpoints.n_bytes // len(probe.checkpoints))
    assert len(probe.checkpoints) == 1000 // INTERVAL + 1
    fresh = open_model(name, logits_all=True)
    for options in ({"checkpoint_bytes": 5 * size}, {"ctx_checkpoints": 5}):
        llm = open_model(name, checkpoint_interval=INTERVAL, **options)
        most = options.get("checkpoint_bytes", 2**62)
        for turn in (complete(llm, tokens_of(1, 1000)), complete(llm, tokens_of(1, 900))):
            assert 1 <= len(llm.checkpoints) <= 5
            assert 0 < llm.checkpoints.n_bytes <= most
            assert_fresh(name, fresh, turn)
        # The last one is kept, and those before it are not all close to it.
        kept = llm.checkpoints.n_tokens
        assert kept == sorted(kept) and kept[-1] == 900 - END
        assert turn.evaluated <= 500


def test_too_little_memory_for_one(open_model: Open) -> None:
    llm = open_model("jamba", checkpoint_bytes=100)
    with pytest.warns(RuntimeWarning, match="checkpoint_bytes=[0-9]+ or more"):
        complete(llm, tokens_of(1, 50))
    assert len(llm.checkpoints) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert complete(llm, tokens_of(1, 40)).evaluated == 40


def test_a_small_context(open_model: Open) -> None:
    """The chat goes on where it was after a prompt that is too long."""
    llm = open_model("jamba", n_ctx=256, checkpoint_interval=32)
    prompt = tokens_of(1, 240)
    complete(llm, prompt)
    with pytest.raises(llama_cpp.ContextOverflowError):
        llm(tokens_of(2, 256), max_tokens=1)
    turn = complete(llm, [*prompt[:180], 7, 8, 9])
    assert turn.evaluated <= 3 + 32
    assert_fresh("jamba", open_model("jamba", logits_all=True), turn)


@pytest.mark.parametrize("name", ["lfm2", "nemotron-h", "deepseek4"])
@pytest.mark.parametrize("count", [1, 8])
@pytest.mark.parametrize("most", [0, 32])
def test_states_that_were_not_kept(open_model: Open, name: str, count: int, most: int) -> None:
    """With n_rs_seq, llama.cpp also goes back to states that it did not keep.

    Tokens that are generated one by one leave no other states than their own.
    """
    llm = open_model(name, n_rs_seq=12, ctx_checkpoints=most)
    fresh = open_model(name, logits_all=True)
    first = complete(llm, tokens_of(1, 300), count)
    turn = complete(llm, [*first.tokens[:-3], 77, 78])
    if count == 1 or most:
        assert turn.evaluated <= 2 + 8 + llm.checkpoints.end
    assert_fresh(name, fresh, turn)


def test_n_choices_read_the_prompt_once(open_model: Open) -> None:
    llm = open_model("jamba")
    prompt = tokens_of(1, 500)
    llm.ctx.perf_reset()
    answer = llm(prompt, n=4, max_tokens=1, temperature=0)
    assert answer["usage"]["prompt_tokens_details"] == {"cached_tokens": 0}
    # Prompts of several tokens count as read; each later choice begins at the last checkpoint.
    assert llm.ctx.perf()["n_p_eval"] <= 500 + 3 * END


def test_streams_count_too(open_model: Open) -> None:
    llm = open_model("jamba")
    prompt = tokens_of(1, 500)
    complete(llm, prompt)
    options = {"stream": True, "stream_options": {"include_usage": True}}
    *_, last = llm([*prompt, 5], max_tokens=2, temperature=0, **options)
    assert last["usage"]["prompt_tokens_details"] == {"cached_tokens": 500 - END}
    plain = open_model("llama")
    complete(plain, prompt)
    assert complete(plain, [*prompt, 5]).evaluated == 1


def test_log_probabilities_of_a_prompt(open_model: Open) -> None:
    """Those of an edited prompt are evaluated from the checkpoint on."""
    llm = open_model("jamba", checkpoint_interval=INTERVAL)
    prompt = tokens_of(1, 500)
    arguments: dict[str, Any] = {"max_tokens": 1, "temperature": 0, "logprobs": 1, "echo": True}
    llm(prompt, **arguments)
    edited = [*prompt[:450], *tokens_of(2, 50)]
    found = llm(edited, **arguments)
    assert found["usage"]["prompt_tokens_details"]["cached_tokens"] >= 450 - INTERVAL - 1
    expected = open_model("jamba")(edited, **arguments)
    values = [each["choices"][0]["logprobs"]["token_logprobs"][1:] for each in (found, expected)]
    np.testing.assert_allclose(*values, atol=1e-3)


def test_they_end_with_their_tokens(open_model: Open) -> None:
    llm = open_model("jamba")
    for forget in (llm.reset, lambda: llm.eval([600]), llm._session.forget):
        complete(llm, tokens_of(1, 100))
        assert len(llm.checkpoints) == 1 and llm.checkpoints.n_bytes > 0
        try:
            forget()
        except ValueError:  # there is no such token
            llm.reset()
        assert len(llm.checkpoints) == 0 == llm.checkpoints.n_bytes
    complete(llm, tokens_of(1, 100))
    llm.close()
    assert len(llm.checkpoints) == 0


def test_states_have_them(open_model: Open) -> None:
    """A state of the same process brings them back, a pickled one is right without."""
    llm = open_model("jamba")
    prompt = tokens_of(1, 300)
    complete(llm, prompt)
    state = llm.save_state()
    assert state.n_bytes == state.llama_state_size + llm.checkpoints.n_bytes
    complete(llm, tokens_of(2, 300))
    fresh = open_model("jamba", logits_all=True)
    for target in (llm, open_model("jamba")):
        target.load_state(state)
        turn = complete(target, [*prompt, 7])
        assert turn.evaluated == 1 + END
        assert_fresh("jamba", fresh, turn)
    llm.load_state(pickle.loads(pickle.dumps(state)))
    assert len(llm.checkpoints) == 0
    turn = complete(llm, [*prompt, 7])
    assert turn.evaluated == 301
    assert_fresh("jamba", fresh, turn)


def test_two_chats_take_turns_with_a_cache(open_model: Open) -> None:
    llm = open_model("jamba")
    llm.set_cache(llama_cpp.LlamaRAMCache())
    fresh = open_model("jamba", logits_all=True)
    chats = [tokens_of(1, 300), tokens_of(2, 300)]
    for chat in chats:
        complete(llm, chat)
    for number in range(6):
        chat = chats[number % 2]
        chat += tokens_of(10 + number, 20)
        turn = complete(llm, chat)
        assert turn.evaluated <= 20 + END
        assert_fresh("jamba", fresh, turn)


def test_threads(open_model: Open) -> None:
    """Several threads chat with one object, each with its own prompts."""
    llm = open_model("jamba", checkpoint_interval=INTERVAL)
    prompts = [[*tokens_of(1, 200), *tokens_of(seed, 50)] for seed in range(2, 6)]
    arguments: dict[str, Any] = {"max_tokens": 4, "temperature": 0}
    expected = [open_model("jamba")(prompt, **arguments)["choices"] for prompt in prompts]
    found: dict[int, Any] = {}

    def work(index: int) -> None:
        for _ in range(5):
            found[index] = llm(prompts[index], **arguments)["choices"]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(prompts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[index] for index in range(len(prompts))] == expected


@pytest.mark.parametrize("name", ["jamba", "gemma3"])
def test_drafts_go_back_to_them(open_model: Open, name: str) -> None:
    """Wrong guesses are dropped, and the tokens since the last checkpoint are evaluated again."""
    prompt = tokens_of(1, 30) * 10
    draft = llama_cpp.LlamaDraftModel
    guesses = type("Guesses", (draft,), {"__call__": lambda self, ids, **_: ids[:3]})()
    llm = open_model(name, draft_model=guesses, checkpoint_interval=INTERVAL)
    turn = complete(llm, prompt, count=20)
    assert_fresh(name, open_model(name, logits_all=True), turn)


def test_pickled_arguments(open_model: Open) -> None:
    llm = open_model("jamba", ctx_checkpoints=7, checkpoint_interval=9, checkpoint_bytes=1 << 20)
    again = pickle.loads(pickle.dumps(llm)).checkpoints
    assert (again.most, again.interval, again.capacity_bytes) == (7, 9, 1 << 20)


def test_foreign_checkpoints_are_refused(open_model: Open) -> None:
    llm, other = open_model("jamba"), open_model("mamba")
    other.eval(tokens_of(1, 20))
    llm.eval(tokens_of(1, 20))
    with pytest.raises(llama_cpp.StateError, match="another model"):
        llm.ctx.checkpoint_restore(other.ctx.checkpoint(0), 0)
    with pytest.raises(llama_cpp.ContextError):
        llm.ctx.checkpoint(9999)
    smaller = open_model("gemma3", type_k=1)
    wider = open_model("gemma3")
    wider.eval(tokens_of(1, 20))
    smaller.eval(tokens_of(1, 20))
    with pytest.raises(llama_cpp.StateError, match="does not fit"):
        smaller._session.restore(wider._session.snapshot())
    assert complete(smaller, tokens_of(1, 20)).evaluated == 20
