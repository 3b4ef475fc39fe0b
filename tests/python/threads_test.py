"""One Llama, several threads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import llama_cpp

PROMPTS = ["In the beginning", "And God said", "The earth was", "Now the serpent"]


def text(llm, prompt):
    return llm(prompt, max_tokens=12, temperature=0)["choices"][0]["text"]


def test_completions_of_several_threads_are_as_alone(llm):
    expected = {prompt: text(llm, prompt) for prompt in PROMPTS}
    with ThreadPoolExecutor(4) as pool:
        prompts = PROMPTS * 5
        assert list(pool.map(lambda prompt: text(llm, prompt), prompts)) == [
            expected[prompt] for prompt in prompts
        ]


def test_several_models_at_once(load, model_path, llm):
    expected = [text(llm, prompt) for prompt in PROMPTS]
    models = [load(model_path, n_threads=1, n_threads_batch=1) for _ in PROMPTS]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(text, models, PROMPTS)) == expected


def test_overtaken_stream_raises(llm):
    expected = text(llm, PROMPTS[1])
    old = llm(PROMPTS[0], max_tokens=50, stream=True)
    next(old)
    assert text(llm, PROMPTS[1]) == expected
    with pytest.raises(llama_cpp.OvertakenError, match="overtaken"):
        list(old)
    assert list(old) == []
    assert text(llm, PROMPTS[1]) == expected


def test_newer_stream_overtakes_and_goes_on(llm):
    expected = "".join(
        chunk["choices"][0]["text"]
        for chunk in llm(PROMPTS[1], max_tokens=12, temperature=0, stream=True)
    )
    old = llm(PROMPTS[0], max_tokens=50, stream=True)
    next(old)
    new = llm(PROMPTS[1], max_tokens=12, temperature=0, stream=True)
    first = next(new)
    with pytest.raises(llama_cpp.OvertakenError):
        next(old)
    rest = "".join(chunk["choices"][0]["text"] for chunk in new)
    assert first["choices"][0]["text"] + rest == expected


@pytest.mark.parametrize("meddle", ["eval", "reset", "load_state", "generate"])
def test_a_generator_notices_changes_under_it(fresh, meddle):
    state = fresh.save_state()
    generator = fresh.generate(fresh.tokenize(b"In the beginning"), temp=0)
    next(generator)
    {
        "eval": lambda: fresh.eval([5]),
        "reset": lambda: fresh.reset(),
        "load_state": lambda: fresh.load_state(state),
        "generate": lambda: next(fresh.generate([1, 5])),
    }[meddle]()
    with pytest.raises(llama_cpp.OvertakenError):
        next(generator)


def test_tokenizing_meanwhile_is_no_meddling(llm):
    chunks = llm(PROMPTS[0], max_tokens=6, temperature=0, stream=True)
    for _ in chunks:
        llm.tokenize(b"something")
        llm.save_state()


def test_streams_of_several_threads_never_corrupt(llm):
    """Whoever comes first is overtaken; who gets to the end has the right text."""
    expected = {prompt: text(llm, prompt) for prompt in PROMPTS}
    overtaken = []

    def stream(prompt):
        try:
            chunks = llm(prompt, max_tokens=12, temperature=0, stream=True)
            return "".join(chunk["choices"][0]["text"] for chunk in chunks) == expected[prompt]
        except llama_cpp.OvertakenError:
            overtaken.append(prompt)
            return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(stream, PROMPTS * 6))
    assert len(overtaken) < len(PROMPTS) * 6


def test_other_threads_run_while_the_model_computes(load, random_models):
    """The interpreter is free while llama.cpp computes."""
    llm = load(random_models / "llama-f32.gguf", n_threads=1, n_threads_batch=1)
    tokens = [300 + i % 100 for i in range(250)]
    begin = time.perf_counter()
    llm.eval(tokens)
    alone = time.perf_counter() - begin
    ticks = []
    done = threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(alone / 50)

    thread = threading.Thread(target=tick)
    llm.reset()
    thread.start()
    begin = time.perf_counter()
    llm.eval(tokens)
    end = time.perf_counter()
    done.set()
    thread.join()
    assert len([t for t in ticks if begin < t < end]) >= 5


def test_closing_from_another_thread(load, model_path):
    llm = load(model_path)
    chunks = llm(PROMPTS[0], max_tokens=200, stream=True)
    next(chunks)
    closer = threading.Thread(target=llm.close)
    closer.start()
    closer.join()
    with pytest.raises(llama_cpp.ClosedError):
        list(chunks)
