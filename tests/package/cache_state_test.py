"""Saved states, prompt caches, pickling."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import llama_cpp
from llama_cpp import LlamaDiskCache, LlamaRAMCache, LlamaState

PROMPT = "And the earth was without form"


def text(llm, prompt=PROMPT, **arguments):
    arguments = {"max_tokens": 8, "temperature": 0, **arguments}
    return llm(prompt, **arguments)["choices"][0]["text"]


def test_state_brings_back_the_next_token(fresh, load, model_path):
    tokens = fresh.tokenize(PROMPT.encode())
    fresh.eval(tokens)
    expected = next(fresh.generate(tokens, temp=0))
    state = fresh.save_state()
    assert isinstance(state, LlamaState)
    assert state.n_tokens == len(tokens) and state.llama_state_size == len(state.llama_state)

    fresh.reset()
    fresh.eval(fresh.tokenize(b"Something else entirely, and longer than that"))
    other = load(model_path)
    for llm in (fresh, other):
        llm.load_state(state)
        assert llm.n_tokens == len(tokens)
        assert llm.input_ids[: llm.n_tokens].tolist() == tokens
        assert next(llm.generate(tokens, temp=0)) == expected


def test_state_brings_back_the_seed(fresh):
    fresh.set_seed(1337)
    state = fresh.save_state()
    arguments = {"temperature": 1.5, "top_k": 0, "max_tokens": 12}
    first = text(fresh, **arguments)
    second = text(fresh, **arguments)
    fresh.load_state(state)
    assert text(fresh, **arguments) == first != second


def test_state_keeps_the_logits(load, model_path):
    llm = load(model_path, logits_all=True)
    tokens = llm.tokenize(PROMPT.encode())
    llm.eval(tokens)
    expected = llm.scores[: llm.n_tokens].copy()
    state = llm.save_state()
    llm.reset()
    llm.eval(llm.tokenize(b"other"))
    llm.load_state(state)
    np.testing.assert_array_equal(llm.scores[: llm.n_tokens], expected)


def test_foreign_states_are_refused(fresh, load, model_path, random_models):
    state = fresh.save_state()
    with pytest.raises(llama_cpp.StateError):
        load(random_models / "tied-f32.gguf").load_state(state)
    broken = LlamaState(
        input_ids=state.input_ids,
        scores=state.scores,
        n_tokens=0,
        llama_state=state.llama_state[:20],
        llama_state_size=20,
        seed=1,
    )
    with pytest.raises(llama_cpp.StateError):
        fresh.load_state(broken)
    assert text(fresh)  # still usable
    long = load(model_path, n_ctx=768)
    long.eval([5] * (fresh.n_ctx() + 1))
    with pytest.raises(llama_cpp.StateError, match="n_ctx"):
        fresh.load_state(long.save_state())


@pytest.mark.parametrize(
    "member, value",
    [
        ("n_tokens", -1),
        ("n_tokens", 4),  # llama.cpp's part has three
        ("n_tokens", "3"),
        ("input_ids", np.zeros(2, dtype=np.intc)),
        ("input_ids", np.full(9, -1, dtype=np.intc)),
        ("input_ids", np.full(9, 10**6, dtype=np.intc)),
        ("input_ids", [1, 2, 3]),
        ("scores", np.zeros((3, 1), np.single)),
        ("scores", None),
        ("llama_state", "text"),
        ("seed", None),
        ("adapters", (1,)),
        ("media", (None,)),
    ],
)
def test_a_state_with_a_wrong_member_is_refused(fresh, member, value):
    fresh.eval([5, 6, 7])
    state = fresh.save_state()
    setattr(state, member, value)
    with pytest.raises(llama_cpp.StateError, match="damaged"):
        fresh.load_state(state)
    assert text(fresh)


def test_states_can_be_pickled(fresh):
    fresh.eval(fresh.tokenize(PROMPT.encode()))
    state = pickle.loads(pickle.dumps(fresh.save_state()))
    fresh.reset()
    fresh.load_state(state)
    assert fresh.n_tokens == state.n_tokens


@pytest.fixture(params=["ram", "disk"])
def cache(request, tmp_path):
    if request.param == "ram":
        return LlamaRAMCache()
    pytest.importorskip("diskcache")
    return LlamaDiskCache(str(tmp_path / "cache"))


def test_cache_is_used(cache, load, model_path):
    expected = text(load(model_path))
    writer = load(model_path)
    writer.set_cache(cache)
    assert text(writer) == expected
    tokens = writer.tokenize(PROMPT.encode())
    assert tokens in cache and cache.cache_size > 0

    reader = load(model_path)
    reader.set_cache(cache)
    loads = []
    original = reader._session.load
    reader._session.load = lambda state: (loads.append(state.n_tokens), original(state))
    for _ in range(2):  # a hit does not remove the entry
        reader.reset()
        assert text(reader) == expected
    assert len(loads) == 2 and tokens in cache


def test_no_cache_is_used_after_set_cache_none(load, model_path):
    cache = LlamaRAMCache()
    llm = load(model_path)
    llm.set_cache(cache)
    llm.set_cache(None)
    text(llm)
    assert cache.cache_size == 0


def test_cache_works_with_streams(cache, load, model_path):
    llm = load(model_path)
    llm.set_cache(cache)
    chunks = llm(PROMPT, max_tokens=4, temperature=0, stream=True)
    streamed = "".join(chunk["choices"][0]["text"] for chunk in chunks)
    assert streamed == text(llm, max_tokens=4)
    assert llm.tokenize(PROMPT.encode()) in cache


def test_a_cache_goes_through_methods_of_a_subclass(model_path):
    """As llama-cpp-python's does: its own test counts the calls of load_state()."""
    calls = []

    class Counting(llama_cpp.Llama):
        def save_state(self):
            calls.append("save")
            return super().save_state()

        def load_state(self, state):
            calls.append("load")
            super().load_state(state)

    shared = llama_cpp.LlamaRAMCache()
    texts = []
    for _ in range(2):
        llm = Counting(model_path, n_ctx=64, n_threads=1, verbose=False)
        llm.set_cache(shared)
        texts.append(llm("In the beginning", max_tokens=4, temperature=0)["choices"][0]["text"])
    assert calls == ["save", "load", "save"]
    assert texts[0] == texts[1]


def test_cache_misses(cache):
    assert [1, 2] not in cache
    with pytest.raises(KeyError):
        cache[[1, 2]]


def state_of(size: int, marker: int = 0) -> LlamaState:
    return LlamaState(np.array([marker]), np.zeros((0, 1)), marker, b"x" * size, size, 0)


def test_cache_finds_the_longest_prefix(cache):
    cache[(1, 2, 3)] = state_of(1, 3)
    cache[(1, 2, 3, 4, 5)] = state_of(1, 5)
    cache[(7,)] = state_of(1, 7)
    assert cache[[1, 2, 3, 4, 9]].n_tokens == 5
    assert cache[[7, 7]].n_tokens == 7
    assert (8,) not in cache


def test_ram_cache_drops_what_was_not_used():
    cache = LlamaRAMCache(capacity_bytes=25)
    cache[(1,)] = state_of(10, 1)
    cache[(2,)] = state_of(10, 2)
    assert cache[(1,)].n_tokens == 1  # now (2,) is the oldest
    cache[(3,)] = state_of(10, 3)
    assert (1,) in cache and (3,) in cache and (2,) not in cache
    assert cache.cache_size == 20
    cache[(3,)] = state_of(12, 3)
    assert cache.cache_size == 22


def test_disk_cache_writes_nothing_to_the_terminal(tmp_path, capfd):
    pytest.importorskip("diskcache")
    cache = LlamaDiskCache(str(tmp_path / "cache"))
    cache[(1,)] = state_of(10)
    assert cache[(1,)]
    assert capfd.readouterr() == ("", "")


def test_disk_cache_without_diskcache(run_python):
    code = "import sys; sys.modules['diskcache'] = None\nfrom llama_cpp import LlamaDiskCache\n"
    done = run_python(code + "LlamaDiskCache('x')")
    assert "pip install diskcache" in done.stderr


def files_of(folder, suffix):
    return [path for path in folder.rglob("*") if path.suffix == suffix]


def test_a_damaged_entry_of_a_disk_cache_is_a_miss(tmp_path, load, model_path):
    pytest.importorskip("diskcache")
    folder = tmp_path / "cache"
    llm = load(model_path, n_ctx=512)
    llm.set_cache(LlamaDiskCache(str(folder)))
    expected = text(llm)
    (value,) = files_of(folder, ".val")
    value.write_bytes(value.read_bytes()[:100])
    llm.reset()
    assert text(llm) == expected
    assert llm.tokenize(PROMPT.encode()) in llm.cache


def test_a_damaged_state_of_a_disk_cache_is_evaluated_again(tmp_path, load, model_path):
    pytest.importorskip("diskcache")
    cache = LlamaDiskCache(str(tmp_path / "cache"))
    llm = load(model_path)
    llm.set_cache(cache)
    expected = text(llm)
    (key,) = cache._keys()
    state = cache[key]
    state.llama_state = state.llama_state[:-1] + b"?"
    cache[key] = state
    llm.reset()
    with pytest.warns(RuntimeWarning, match="evaluated again"):
        assert text(llm) == expected
    state.n_tokens = -1
    cache[key] = state
    llm.reset()
    assert text(llm) == expected


def test_a_damaged_disk_cache_says_what_to_delete(tmp_path):
    pytest.importorskip("diskcache")
    folder = tmp_path / "cache"
    cache = LlamaDiskCache(str(folder))
    cache.cache.close()
    (folder / "cache.db").write_bytes(b"no database" * 1000)
    with pytest.raises(llama_cpp.StateError, match=f"{folder}.*\n.*delete the folder"):
        LlamaDiskCache(str(folder))


def test_longest_token_prefix():
    prefix = llama_cpp.Llama.longest_token_prefix
    assert prefix([1, 2, 3], (1, 2, 4)) == 2
    assert prefix([], [1]) == 0
    assert prefix(np.array([1, 2]), [1, 2, 3]) == 2
    assert prefix([5], [6]) == 0


def test_pickle_reloads_with_the_same_arguments(load, model_path):
    llm = load(model_path, n_ctx=128, last_n_tokens_size=7, seed=11)
    llm.sampling_extras = {"top_n_sigma": 2.0}
    again = pickle.loads(pickle.dumps(llm))
    assert again.n_ctx() == llm.n_ctx() and again.n_threads == 1
    assert again.last_n_tokens_size == 7 and again._seed == 11
    assert again.chat_format == llm.chat_format
    assert again.sampling_extras == llm.sampling_extras
    assert text(again) == text(llm)


class UpperTokenizer(llama_cpp.LlamaTokenizer):
    """A tokenizer of the user's own."""

    def __init__(self, path):
        self.path = path
        super().__init__(llama_cpp.Llama(path, vocab_only=True, verbose=False))

    def tokenize(self, text, add_bos=True, special=True):
        return super().tokenize(text.upper(), add_bos, special)

    def __reduce__(self):
        return UpperTokenizer, (self.path,)


def test_pickle_keeps_the_tokenizer(load, model_path):
    llm = load(model_path, tokenizer=UpperTokenizer(model_path))
    again = pickle.loads(pickle.dumps(llm))
    assert again.tokenize(b"god") == llm.tokenize(b"god") != load(model_path).tokenize(b"god")
