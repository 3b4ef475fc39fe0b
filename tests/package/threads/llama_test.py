"""Llama, its streams and its caches in several threads."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice

import pytest
from native_calls import N_TOKENS, PROMPTS
from together import each, then_set, together, until

import llama_cpp

CHAT = [{"role": "user", "content": "In the beginning"}]


def text(llm, prompt):
    return llm(prompt, max_tokens=N_TOKENS, temperature=0)["choices"][0]["text"]


def stream(llm, prompt, n_tokens=N_TOKENS):
    return llm(prompt, max_tokens=n_tokens, temperature=0, stream=True)


def joined(chunks):
    return "".join(chunk["choices"][0]["text"] for chunk in chunks)


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


# ---- cancelling


def test_abort_ends_one_completion(fresh):
    """Whoever is computing at that moment gets AbortedError; the next one is right again."""
    expected = {prompt: text(fresh, prompt) for prompt in PROMPTS}
    done = threading.Event()
    aborted = []

    def work():
        while not aborted:
            for prompt in PROMPTS:
                try:
                    assert text(fresh, prompt) == expected[prompt]
                except llama_cpp.AbortedError:
                    aborted.append(prompt)

    def abort():
        fresh.ctx.abort()
        time.sleep(0.002)

    together(then_set(done, work), until(done, abort))
    fresh.ctx.clear_abort()
    assert [text(fresh, prompt) for prompt in PROMPTS] == [expected[prompt] for prompt in PROMPTS]


def test_closing_while_others_complete(load, model_path):
    for _ in range(3):
        llm = load(model_path)
        expected = text(llm, PROMPTS[0])

        def work(llm=llm, expected=expected):
            try:
                while True:
                    assert text(llm, PROMPTS[0]) == expected
            except llama_cpp.ClosedError as error:
                assert "closed" in str(error)

        together(work, work, llm.close, llm.close)


def test_closing_while_others_stream_and_tokenize(load, model_path):
    llm = load(model_path)
    begun = threading.Barrier(4)

    def read():
        begun.wait()
        with pytest.raises((llama_cpp.ClosedError, llama_cpp.OvertakenError)):
            while True:
                joined(stream(llm, PROMPTS[0]))

    def tokenize():
        begun.wait()
        with pytest.raises(llama_cpp.ClosedError):
            while True:
                assert llm.detokenize(llm.tokenize(b"And God said")).strip() == b"And God said"

    def close():
        begun.wait()
        llm.close()

    together(read, read, tokenize, close)


# ---- one stream in several threads


@pytest.mark.parametrize("kind", ["completion", "chat", "generate"])
def test_a_stream_has_one_reader_at_a_time(fresh, kind):
    """Together the readers get the text of one reader, whoever of them gets BusyError meanwhile."""
    n_tokens = 60

    def make():
        if kind == "completion":
            return stream(fresh, PROMPTS[0], n_tokens)
        if kind == "chat":
            return fresh.create_chat_completion(
                CHAT, max_tokens=n_tokens, temperature=0, stream=True
            )
        return fresh.generate(fresh.tokenize(PROMPTS[0].encode()), temp=0)  # endless

    def content(item):
        return str(item if kind == "generate" else item["choices"][0])

    expected = [content(item) for item in islice(make(), n_tokens)]
    shared = make()
    got = []

    def read():
        while len(got) < len(expected):
            try:
                got.append(content(next(shared)))
            except StopIteration:
                return
            except llama_cpp.BusyError as error:
                assert "read by another thread" in str(error)

    each(range(4), lambda _: read())
    assert not Counter(expected) - Counter(got)


def test_a_second_reader_of_a_stream_is_refused(fresh):
    inside, refused = threading.Event(), threading.Event()

    def wait(_tokens, logits):
        inside.set()
        assert refused.wait(60)
        return logits

    processors = llama_cpp.LogitsProcessorList([wait])
    shared = fresh.generate(
        fresh.tokenize(PROMPTS[0].encode()), temp=0, logits_processor=processors
    )

    def interfere():
        assert inside.wait(60)
        try:
            with pytest.raises(llama_cpp.BusyError, match="read by another thread"):
                next(shared)
        finally:
            refused.set()

    together(lambda: next(shared), interfere)
    assert isinstance(next(shared), int)


def test_closing_a_stream_that_another_thread_reads(fresh):
    expected = text(fresh, PROMPTS[1])
    shared = stream(fresh, PROMPTS[0], 200)
    next(shared)

    def use(method):
        while True:
            try:
                return method()
            except llama_cpp.BusyError:
                pass

    together(partial(use, lambda: list(shared)), partial(use, shared.close))
    assert list(shared) == []
    assert text(fresh, PROMPTS[1]) == expected


# ---- objects that Llamas share


def test_grammar_and_tokenizer_are_shared(load, model_path, llm):
    grammar = llama_cpp.LlamaGrammar.from_string('root ::= "yes" | "no"')
    tokenizer = llm.tokenizer()
    models = [load(model_path, tokenizer=tokenizer) for _ in range(3)]

    def answer(own):
        return [
            own(prompt, grammar=grammar, max_tokens=8, temperature=0)["choices"][0]["text"]
            for prompt in PROMPTS
        ]

    answers = each([*models, *models], answer)
    assert answers == [answers[0]] * 6
    assert set(answers[0]) <= {"yes", "no"}


def test_a_cache_is_shared(load, model_path):
    """Room for a few states only, so that entries come and go all the time."""
    models = [load(model_path, n_ctx=64) for _ in range(3)]
    expected = [text(models[0], prompt) for prompt in PROMPTS]
    size = len(models[0].ctx.state_get())
    cache = llama_cpp.LlamaRAMCache(capacity_bytes=3 * size)
    for own in models:
        own.set_cache(cache)

    def work(own):
        return [[text(own, prompt) for prompt in PROMPTS] for _ in range(4)]

    assert each(models, work) == [[expected] * 4] * 3
    assert 0 < cache.cache_size <= cache.capacity_bytes


def test_seeds_and_extras_change_meanwhile(fresh):
    done = threading.Event()

    def meddle():
        fresh.set_seed(7)
        fresh.sampling_extras["dry_multiplier"] = 0.5
        fresh.sampling_extras.clear()

    def work():
        for _ in range(20):
            assert fresh(PROMPTS[0], max_tokens=4, temperature=1.0)["choices"][0]["text"]

    together(until(done, meddle), then_set(done, work), work)


def test_talkative_streams_and_completions(load, model_path, capfd):
    """verbose=True reads and resets the context's counters."""
    llm = load(model_path, verbose=True)
    expected = {prompt: text(llm, prompt) for prompt in PROMPTS}

    def read(prompt):
        try:
            return joined(stream(llm, prompt)) == expected[prompt]
        except llama_cpp.OvertakenError:
            return True

    def complete(prompt):
        return text(llm, prompt) == expected[prompt]

    jobs = [partial(job, prompt) for prompt in PROMPTS * 2 for job in (read, complete)]
    assert all(together(*jobs))
    llama_cpp.llama_log_set(None)
    llm.close()


def test_log_probabilities_belong_to_their_tokens(load, model_path):
    """While other threads overwrite the logits."""
    llm = load(model_path, logits_all=True, n_ctx=64)

    def run(prompt):
        try:
            chunks = list(llm(prompt, max_tokens=6, temperature=0, logprobs=1, stream=True))
        except llama_cpp.OvertakenError:
            return None
        return [chunk["choices"][0]["logprobs"] for chunk in chunks]

    expected = {prompt: run(prompt) for prompt in PROMPTS}
    results = each(PROMPTS * 3, lambda prompt: (prompt, run(prompt)))
    whole = [(prompt, result) for prompt, result in results if result is not None]
    assert whole
    for prompt, result in whole:
        assert result == expected[prompt]


def test_embeddings_of_several_threads(load, random_models):
    llm = load(random_models / "embedding-f16.gguf", embedding=True, n_ctx=128)
    expected = [llm.embed(prompt) for prompt in PROMPTS]
    assert each(PROMPTS * 2, llm.embed) == expected * 2


def test_all_logits_are_made_once(load, model_path):
    llm = load(model_path, logits_all=True, n_ctx=32)
    rows = each(range(6), lambda _: llm.scores)
    assert all(row is rows[0] for row in rows)
