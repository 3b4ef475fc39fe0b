"""Checkpoints: ways back for models whose memory cannot drop its last tokens."""

from __future__ import annotations

import pickle
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from turns import END, INTERVAL, NAMES, assert_fresh, complete, tokens_of, tolerance

import llama_cpp

Open = Callable[..., Any]

# The sums of a window depend on the places of its keys.
WINDOWS = {"lfm2-window", "gemma3", "deepseek4"}


@pytest.mark.parametrize("name", NAMES)
def test_an_earlier_message_is_edited(open_forgetful: Open, name: str) -> None:
    llm = open_forgetful(name, checkpoint_interval=INTERVAL)
    fresh = open_forgetful(name, logits_all=True)
    prompt = tokens_of(1, 1000)
    assert complete(llm, prompt).evaluated == len(prompt)
    for place in (990, 900, 500, 130, 700):
        prompt = [*prompt[:place], *tokens_of(place, 1000 - place)]
        turn = complete(llm, prompt)
        assert turn.shared == place
        assert turn.evaluated <= turn.new + INTERVAL
        assert_fresh(name, fresh, turn)


@pytest.mark.parametrize("name", NAMES)
def test_without_checkpoints(open_forgetful: Open, name: str) -> None:
    """The models are those that need them."""
    llm = open_forgetful(name, ctx_checkpoints=0)
    prompt = tokens_of(1, 1000)
    complete(llm, prompt)
    turn = complete(llm, [*prompt[:300], *tokens_of(2, 300)])
    assert turn.shared == 300 and turn.evaluated == 600
    assert len(llm.checkpoints) == 0


def test_models_that_need_none(open_forgetful: Open) -> None:
    for name, options in (("llama", {}), ("gemma3", {"swa_full": True}), ("gemma3", {})):
        llm = open_forgetful(name, **options)
        complete(llm, tokens_of(1, 400))
        assert (len(llm.checkpoints) > 0) == (options == {} and name == "gemma3")


@pytest.mark.parametrize("name", NAMES)
def test_a_long_answer(open_forgetful: Open, name: str) -> None:
    """Checkpoints are also taken while tokens are generated."""
    llm = open_forgetful(name, checkpoint_interval=INTERVAL)
    first = complete(llm, tokens_of(1, 40), count=400)
    assert len(first.tokens) > 40 + 2 * INTERVAL, "the model ends its answer early"
    place = len(first.tokens) - 3
    turn = complete(llm, [*first.tokens[:place], *tokens_of(2, 30)])
    assert turn.shared == place
    assert turn.evaluated <= turn.new + INTERVAL
    assert_fresh(name, open_forgetful(name, logits_all=True), turn)


@pytest.mark.parametrize("name", NAMES)
def test_the_copy_is_exact(open_forgetful: Open, name: str) -> None:
    """The same computations behind a checkpoint give the same bits, or almost: see WINDOWS."""
    first, more, other = tokens_of(1, 300), tokens_of(2, 40), tokens_of(3, 70)
    llm = open_forgetful(name)
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


@pytest.mark.parametrize("name", ["jamba", "gemma3"])
def test_memory_is_bounded(open_forgetful: Open, name: str) -> None:
    probe = open_forgetful(name, checkpoint_interval=INTERVAL)
    complete(probe, tokens_of(1, 1000))
    size = probe.checkpoints.n_bytes // len(probe.checkpoints)
    assert len(probe.checkpoints) == 1000 // INTERVAL + 1
    fresh = open_forgetful(name, logits_all=True)
    for options in ({"checkpoint_bytes": 5 * size}, {"ctx_checkpoints": 5}):
        llm = open_forgetful(name, checkpoint_interval=INTERVAL, **options)
        most = options.get("checkpoint_bytes", 2**62)
        for turn in (complete(llm, tokens_of(1, 1000)), complete(llm, tokens_of(1, 900))):
            assert 1 <= len(llm.checkpoints) <= 5
            assert 0 < llm.checkpoints.n_bytes <= most
            assert_fresh(name, fresh, turn)
        # The last one is kept, and those before it are not all close to it.
        kept = llm.checkpoints.n_tokens
        assert kept == sorted(kept) and kept[-1] == 900 - END
        assert turn.evaluated <= 500


def test_too_little_memory_for_one(open_forgetful: Open) -> None:
    llm = open_forgetful("jamba", checkpoint_bytes=100)
    with pytest.warns(RuntimeWarning, match="checkpoint_bytes=[0-9]+ or more"):
        complete(llm, tokens_of(1, 50))
    assert len(llm.checkpoints) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert complete(llm, tokens_of(1, 40)).evaluated == 40


def test_a_small_context(open_forgetful: Open) -> None:
    """The chat goes on where it was after a prompt that is too long."""
    llm = open_forgetful("jamba", n_ctx=256, checkpoint_interval=32)
    prompt = tokens_of(1, 240)
    complete(llm, prompt)
    with pytest.raises(llama_cpp.ContextOverflowError):
        llm(tokens_of(2, 256), max_tokens=1)
    turn = complete(llm, [*prompt[:180], 7, 8, 9])
    assert turn.evaluated <= 3 + 32
    assert_fresh("jamba", open_forgetful("jamba", logits_all=True), turn)


@pytest.mark.parametrize("name", ["lfm2", "nemotron-h", "deepseek4"])
@pytest.mark.parametrize("count", [1, 8])
@pytest.mark.parametrize("most", [0, 32])
def test_states_that_were_not_kept(open_forgetful: Open, name: str, count: int, most: int) -> None:
    """With n_rs_seq, llama.cpp also goes back to states that it did not keep.

    Tokens that are generated one by one leave no other states than their own.
    """
    llm = open_forgetful(name, n_rs_seq=12, ctx_checkpoints=most)
    fresh = open_forgetful(name, logits_all=True)
    first = complete(llm, tokens_of(1, 300), count)
    turn = complete(llm, [*first.tokens[:-3], 77, 78])
    if count == 1 or most:
        assert turn.evaluated <= 2 + 8 + llm.checkpoints.end
    assert_fresh(name, fresh, turn)


def test_n_choices_read_the_prompt_once(open_forgetful: Open) -> None:
    llm = open_forgetful("jamba")
    prompt = tokens_of(1, 500)
    llm.ctx.perf_reset()
    answer = llm(prompt, n=4, max_tokens=1, temperature=0)
    assert answer["usage"]["prompt_tokens_details"] == {"cached_tokens": 0}
    # Prompts of several tokens count as read; each later choice begins at the last checkpoint.
    assert llm.ctx.perf()["n_p_eval"] <= 500 + 3 * END


def test_streams_count_too(open_forgetful: Open) -> None:
    llm = open_forgetful("jamba")
    prompt = tokens_of(1, 500)
    complete(llm, prompt)
    options = {"stream": True, "stream_options": {"include_usage": True}}
    *_, last = llm([*prompt, 5], max_tokens=2, temperature=0, **options)
    assert last["usage"]["prompt_tokens_details"] == {"cached_tokens": 500 - END}
    plain = open_forgetful("llama")
    complete(plain, prompt)
    assert complete(plain, [*prompt, 5]).evaluated == 1


def test_log_probabilities_of_a_prompt(open_forgetful: Open) -> None:
    """Those of an edited prompt are evaluated from the checkpoint on."""
    llm = open_forgetful("jamba", checkpoint_interval=INTERVAL)
    prompt = tokens_of(1, 500)
    arguments: dict[str, Any] = {"max_tokens": 1, "temperature": 0, "logprobs": 1, "echo": True}
    llm(prompt, **arguments)
    edited = [*prompt[:450], *tokens_of(2, 50)]
    found = llm(edited, **arguments)
    assert found["usage"]["prompt_tokens_details"]["cached_tokens"] >= 450 - INTERVAL - 1
    expected = open_forgetful("jamba")(edited, **arguments)
    values = [each["choices"][0]["logprobs"]["token_logprobs"][1:] for each in (found, expected)]
    np.testing.assert_allclose(*values, atol=1e-3)


def test_they_end_with_their_tokens(open_forgetful: Open) -> None:
    llm = open_forgetful("jamba")
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


def test_states_have_them(open_forgetful: Open) -> None:
    """A state of the same process brings them back, a pickled one is right without."""
    llm = open_forgetful("jamba")
    prompt = tokens_of(1, 300)
    complete(llm, prompt)
    state = llm.save_state()
    assert state.n_bytes == state.llama_state_size + llm.checkpoints.n_bytes
    complete(llm, tokens_of(2, 300))
    fresh = open_forgetful("jamba", logits_all=True)
    for target in (llm, open_forgetful("jamba")):
        target.load_state(state)
        turn = complete(target, [*prompt, 7])
        assert turn.evaluated == 1 + END
        assert_fresh("jamba", fresh, turn)
    llm.load_state(pickle.loads(pickle.dumps(state)))
    assert len(llm.checkpoints) == 0
    turn = complete(llm, [*prompt, 7])
    assert turn.evaluated == 301
    assert_fresh("jamba", fresh, turn)
    state.checkpoints = (3,)
    with pytest.raises(llama_cpp.StateError, match="checkpoints"):
        llm.load_state(state)


def test_two_chats_take_turns_with_a_cache(open_forgetful: Open) -> None:
    llm = open_forgetful("jamba")
    llm.set_cache(llama_cpp.LlamaRAMCache())
    fresh = open_forgetful("jamba", logits_all=True)
    chats = [tokens_of(1, 300), tokens_of(2, 300)]
    for chat in chats:
        complete(llm, chat)
    for number in range(6):
        chat = chats[number % 2]
        chat += tokens_of(10 + number, 20)
        turn = complete(llm, chat)
        assert turn.evaluated <= 20 + END
        assert_fresh("jamba", fresh, turn)


def test_threads(open_forgetful: Open) -> None:
    """Several threads chat with one object, each with its own prompts."""
    llm = open_forgetful("jamba", checkpoint_interval=INTERVAL)
    prompts = [[*tokens_of(1, 200), *tokens_of(seed, 50)] for seed in range(2, 6)]
    arguments: dict[str, Any] = {"max_tokens": 4, "temperature": 0}
    expected = [open_forgetful("jamba")(prompt, **arguments)["choices"] for prompt in prompts]
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
def test_drafts_go_back_to_them(open_forgetful: Open, name: str) -> None:
    """Wrong guesses are dropped, and the tokens since the last checkpoint are evaluated again."""
    prompt = tokens_of(1, 30) * 10
    draft = llama_cpp.LlamaDraftModel
    guesses = type("Guesses", (draft,), {"__call__": lambda self, ids, **_: ids[:3]})()
    llm = open_forgetful(name, draft_model=guesses, checkpoint_interval=INTERVAL)
    turn = complete(llm, prompt, count=20)
    assert_fresh(name, open_forgetful(name, logits_all=True), turn)


def test_pickled_arguments(open_forgetful: Open) -> None:
    llm = open_forgetful(
        "jamba", ctx_checkpoints=7, checkpoint_interval=9, checkpoint_bytes=1 << 20
    )
    again = pickle.loads(pickle.dumps(llm)).checkpoints
    assert (again.most, again.interval, again.capacity_bytes) == (7, 9, 1 << 20)


def test_foreign_checkpoints_are_refused(open_forgetful: Open) -> None:
    llm, other = open_forgetful("jamba"), open_forgetful("mamba")
    other.eval(tokens_of(1, 20))
    llm.eval(tokens_of(1, 20))
    with pytest.raises(llama_cpp.StateError, match="another model"):
        llm.ctx.checkpoint_restore(other.ctx.checkpoint(0), 0)
    with pytest.raises(llama_cpp.ContextError):
        llm.ctx.checkpoint(9999)
    snapshot = llm._session.snapshot()
    with pytest.raises(llama_cpp.StateError, match="other positions"):
        llm._session.restore(snapshot._replace(position=snapshot.position - 1))
    assert complete(llm, tokens_of(1, 20)).evaluated == 20
    smaller = open_forgetful("gemma3", type_k=1)
    wider = open_forgetful("gemma3")
    wider.eval(tokens_of(1, 20))
    smaller.eval(tokens_of(1, 20))
    with pytest.raises(llama_cpp.StateError, match="does not fit"):
        smaller._session.restore(wider._session.snapshot())
    assert complete(smaller, tokens_of(1, 20)).evaluated == 20
