"""LoRA adapters: several, by name, for all calls or for one; nothing mixes two of them."""

from __future__ import annotations

import pickle
import random
import shutil
import threading
import weakref

import gguf
import numpy as np
import pytest

import llama_cpp
from llama_cpp import LlamaDiskCache, LlamaRAMCache, llama_chat_format

PROMPTS = ("w1 w2 w3 w4 w5", "w1 w2 w3 w9", "w7", "w1 w2 w3 w4 w5 w6 w7 w8")
MESSAGES = [{"role": "user", "content": "In the beginning"}]
# The same tokens in other batches are summed in another order: 1e-5 of float32 logits near 1 is
# seen. An adapter changes them by 0.1 and more.
TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def tied(random_models):
    """Returns a float32 model, of which no greedy choice hangs on rounding."""
    return str(random_models / "tied-f32.gguf")


@pytest.fixture(scope="module")
def one(random_models):
    return str(random_models / "lora-tied-1.gguf")


@pytest.fixture(scope="module")
def two(random_models):
    return str(random_models / "lora-tied-2.gguf")


@pytest.fixture
def both(load, tied, one, two):
    """Returns a Llama with the adapters "one" and "two", neither in use."""
    llm = load(tied, n_ctx=128)
    llm.load_lora(one, "one")
    llm.load_lora(two, "two")
    return llm


@pytest.fixture(scope="module")
def expected(load, tied, one, two):
    """Returns logits after a prompt, and the text that follows, of an object that does no more."""
    known = {}

    def expect(prompt, scales):
        key = (prompt, tuple(sorted(scales.items())))
        if key not in known:
            llm = load(tied, n_ctx=128)
            paths = {"one": one, "two": two}
            llm.set_loras({paths[name]: scale for name, scale in scales.items()})
            known[key] = (logits(llm, prompt), text(llm, prompt))
        return known[key]

    return expect


def text(llm, prompt, **arguments):
    return llm(prompt, max_tokens=6, temperature=0, **arguments)["choices"][0]["text"]


def logits(llm, prompt, **arguments):
    """Returns the logits from which the first token after a prompt is drawn."""
    next(llm.generate(llm.tokenize(prompt.encode()), temp=0, **arguments))
    return np.array(llm.ctx.logits(-1))


def tokens_read(llm, call):
    """Returns how many tokens a call evaluates in batches; llama.cpp says 1 if there are none."""
    llm.ctx.perf_reset()
    call()
    return llm.ctx.perf()["n_p_eval"]


def merged(path, lora, scale, target):
    """Writes a model whose weights are W + scale * alpha / rank * B A."""
    shutil.copyfile(path, target)
    adapter = gguf.GGUFReader(lora)
    alpha = adapter.get_field("adapter.lora.alpha").contents()
    parts = {tensor.name: tensor.data for tensor in adapter.tensors}
    target.chmod(0o600)
    for tensor in gguf.GGUFReader(target, "r+").tensors:
        a, b = (parts.get(f"{tensor.name}.lora_{part}") for part in "ab")
        if a is not None:
            tensor.data[:] += np.float32(scale * alpha / len(a)) * (b @ a)
    return target


@pytest.mark.parametrize("scale", [1.0, -0.5])
def test_an_adapter_is_what_its_weights_say(load, tied, one, tmp_path, scale):
    model = load(merged(tied, one, scale, tmp_path / "merged.gguf"), n_ctx=128)
    found = logits(load(tied, lora_path=one, lora_scale=scale, n_ctx=128), PROMPTS[0])
    np.testing.assert_allclose(found, logits(model, PROMPTS[0]), atol=TOLERANCE)
    assert np.abs(found - logits(load(tied, n_ctx=128), PROMPTS[0])).max() > 100 * TOLERANCE


def random_scales(generator):
    scales = {
        name: generator.choice([1.0, 0.5, -1.0])
        for name in ("one", "two")
        if generator.random() < 0.5
    }
    return scales


def assert_same(found, expected):
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


@pytest.mark.parametrize("seed", range(4))
def test_random_swaps_equal_fresh_objects(both, expected, seed):
    generator = random.Random(seed)
    default = {}
    for _ in range(30):
        prompt, scales = generator.choice(PROMPTS), random_scales(generator)
        step = generator.randrange(5)
        if step == 0:
            default = scales
            both.set_loras(default)
        elif step == 1:
            assert_same(logits(both, prompt), expected(prompt, default)[0])
        elif step == 2:
            assert text(both, prompt) == expected(prompt, default)[1]
        elif step == 3:
            assert_same(logits(both, prompt, loras=scales), expected(prompt, scales)[0])
        else:
            assert text(both, prompt, loras=scales) == expected(prompt, scales)[1]


def test_adapters_differ(expected):
    """Else the comparisons above would prove nothing."""
    sets = ({}, {"one": 1.0}, {"one": 0.5}, {"two": 1.0}, {"one": 1.0, "two": 1.0})
    found = [expected(PROMPTS[0], scales)[0] for scales in sets]
    for i, a in enumerate(found):
        for b in found[:i]:
            assert np.abs(a - b).max() > 100 * TOLERANCE


def test_a_prefix_is_reused_by_the_same_adapters_only(both):
    tokens = both.tokenize(PROMPTS[3].encode())

    def again(**arguments):
        return tokens_read(both, lambda: next(both.generate(tokens, temp=0, **arguments)))

    assert again(loras={"one": 1}) == len(tokens)
    assert again(loras={"one": 1.0, "two": 0}) == 1
    assert again(loras={"one": 0.5}) == len(tokens)
    assert again() == len(tokens)
    assert again(loras={}) == 1
    both.set_loras({"one": 0.5})
    assert again() == len(tokens)
    assert again(loras={"one": 0.5}) == 1


def test_low_level_calls_continue_with_the_adapters_of_the_tokens(both, expected):
    tokens = both.tokenize(PROMPTS[0].encode())
    next(both.generate(tokens[:3], temp=0, loras={"one": 1}))
    both.eval(tokens[3:])
    assert both.n_tokens == len(tokens)
    assert_same(both.ctx.logits(-1), expected(PROMPTS[0], {"one": 1.0})[0])
    both.set_loras({"two": 1})
    assert both.n_tokens == 0
    with pytest.raises(IndexError):
        both.sample()
    both.eval(tokens[:3])
    next(both.generate(tokens[3:], temp=0, reset=False))
    assert_same(both.ctx.logits(-1), expected(PROMPTS[0], {"two": 1.0})[0])


# ---- streams

OVERTAKE = {
    "call": lambda llm: llm("w7", max_tokens=1, loras={"two": 1}),
    "scale": lambda llm: llm("w7", max_tokens=1, loras={"one": 0.5}),
    "default": lambda llm: llm.set_loras({"two": 1}),
    "unload": lambda llm: llm.unload_lora("one"),
}


@pytest.mark.parametrize("overtake", OVERTAKE.values(), ids=OVERTAKE)
@pytest.mark.parametrize("python", [False, True])
def test_a_stream_is_overtaken_by_other_adapters(both, overtake, python):
    arguments = {"stopping_criteria": lambda tokens, logits: False} if python else {}
    tokens = both.tokenize(PROMPTS[0].encode())
    steps = both.generate(tokens, temp=0, loras={"one": 1}, **arguments)
    next(steps)
    overtake(both)
    with pytest.raises(llama_cpp.OvertakenError):
        next(steps)


def test_a_stream_goes_on_beside_a_default_that_is_its_own(both, expected):
    stream = both(PROMPTS[0], max_tokens=6, temperature=0, stream=True, loras={"one": 1})
    first = next(stream)
    both.set_loras({"one": 1})
    chunks = [first, *stream]
    found = "".join(chunk["choices"][0]["text"] for chunk in chunks)
    assert found == expected(PROMPTS[0], {"one": 1.0})[1]


def test_a_stream_has_the_adapters_of_its_call(both, expected):
    both.set_loras({"one": 1})
    stream = both(PROMPTS[0], max_tokens=6, temperature=0, stream=True)
    both.set_loras({"two": 1})
    found = "".join(chunk["choices"][0]["text"] for chunk in stream)
    assert found == expected(PROMPTS[0], {"one": 1.0})[1]


def test_a_stream_that_begins_after_its_adapter_was_unloaded(both):
    stream = both(PROMPTS[0], stream=True, loras={"one": 1})
    both.unload_lora("one")
    with pytest.raises(llama_cpp.AdapterError, match="'one' was unloaded"):
        next(stream)
    assert text(both, PROMPTS[0])


def test_threads_with_different_adapters(both, expected):
    sets = [{"one": 1.0}, {"two": 1.0}, {}]
    found = {}

    def work(index):
        for prompt in PROMPTS * 3:
            found.setdefault(index, []).append(text(both, prompt, loras=sets[index]))

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(sets))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, scales in enumerate(sets):
        assert found[index] == [expected(prompt, scales)[1] for prompt in PROMPTS] * 3


# ---- kept results


@pytest.fixture(params=["ram", "disk"])
def cache(request, tmp_path):
    if request.param == "ram":
        return LlamaRAMCache()
    pytest.importorskip("diskcache")
    return LlamaDiskCache(str(tmp_path / "cache"))


def test_caches_keep_adapters_apart(both, load, tied, one, two, expected, cache):
    other = load(tied, n_ctx=128)  # of other names for the same files
    other.load_lora(two, "one")
    other.load_lora(one, "two")
    both.set_cache(cache)
    other.set_cache(cache)
    for scales in ({"one": 1.0}, {"two": 1.0}, {}, {"one": 0.5}):
        for prompt in PROMPTS:
            assert text(both, prompt, loras=scales) == expected(prompt, scales)[1]
    swapped = {"one": "two", "two": "one"}
    for scales in ({"one": 1.0}, {"two": 1.0}, {}):
        for prompt in PROMPTS:
            theirs = {swapped[name]: scale for name, scale in scales.items()}
            other.reset()
            counted = tokens_read(other, lambda p=prompt, s=theirs: text(other, p, loras=s))
            assert counted == 1  # the prompt came out of the cache
            assert text(other, prompt, loras=theirs) == expected(prompt, scales)[1]


def test_keys_without_adapters_are_the_tokens(both, cache):
    both.set_cache(cache)
    text(both, PROMPTS[0], loras={"one": 1})
    tokens = both.tokenize(PROMPTS[0].encode())
    assert tokens not in cache
    text(both, PROMPTS[0])
    assert tokens in cache


class CarelessCache(LlamaRAMCache):
    """A user's cache, which returns the state that it got last."""

    def __setitem__(self, key, value):
        self.last = value

    def __getitem__(self, key):
        return self.last

    last = None


def test_a_cache_that_mixes_adapters_up(both, load, tied, expected):
    cache = CarelessCache()
    both.set_cache(cache)
    cache.last = both.save_state()
    text(both, PROMPTS[0], loras={"one": 1})
    assert text(both, PROMPTS[0], loras={"two": 1}) == expected(PROMPTS[0], {"two": 1.0})[1]
    other = load(tied, n_ctx=128)  # which has no adapter
    other.set_cache(cache)
    assert text(other, PROMPTS[0]) == expected(PROMPTS[0], {})[1]


def test_states_bring_their_adapters_back(both, load, tied, one, expected):
    tokens = both.tokenize(PROMPTS[3].encode())
    next(both.generate(tokens, temp=0, loras={"one": 1}))
    state = pickle.loads(pickle.dumps(both.save_state()))
    text(both, "w7", loras={"two": 1})
    both.load_state(state)
    assert both.n_tokens == len(tokens)
    counted = tokens_read(both, lambda: next(both.generate(tokens, temp=0, loras={"one": 1})))
    assert counted == 1
    both.load_state(state)
    assert_same(logits(both, PROMPTS[3]), expected(PROMPTS[3], {})[0])

    other = load(tied, n_ctx=128)
    with pytest.raises(llama_cpp.StateError, match="load_lora"):
        other.load_state(state)
    assert text(other, PROMPTS[0]) == expected(PROMPTS[0], {})[1]
    other.load_lora(one, "another name")
    other.load_state(state)
    other.eval(other.tokenize(b" w9", add_bos=False))
    whole = [*tokens, *other.tokenize(b" w9", add_bos=False)]
    fresh = load(tied, lora_path=one, n_ctx=128)
    fresh.eval(whole)
    assert_same(other.ctx.logits(-1), fresh.ctx.logits(-1))


def test_states_of_before_have_no_adapters(both):
    text(both, PROMPTS[0])
    state = both.save_state()
    vars(state).pop("adapters")
    both.load_state(pickle.loads(pickle.dumps(state)))
    assert both.n_tokens


def test_scores_and_logprobs_are_of_one_adapter(load, tied, one):
    llm, fresh = (load(tied, n_ctx=128, logits_all=True) for _ in range(2))
    for each in (llm, fresh):
        each.load_lora(one, "one")
    arguments = {"max_tokens": 1, "temperature": 0, "logprobs": 2, "echo": True}
    llm(PROMPTS[0], **arguments)
    llm(PROMPTS[0], max_tokens=1, loras={"one": 1})
    found, right = (
        each(PROMPTS[0], loras={"one": 1}, **arguments)["choices"][0]["logprobs"]
        for each in (llm, fresh)
    )
    assert found["tokens"] == right["tokens"]
    assert_same(found["token_logprobs"][1:], right["token_logprobs"][1:])
    assert_same(llm.scores[: llm.n_tokens], fresh.scores[: fresh.n_tokens])
    llm.set_loras({})
    assert llm.n_tokens == 0 and len(llm._scores) == 0


# ---- chats and embeddings


def formatter(messages, **kwargs):
    assert "loras" not in kwargs
    return llama_chat_format.ChatFormatterResponse(prompt=messages[-1]["content"])


TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]
HANDLERS = {
    "template": (None, {}),
    "formatter": (llama_chat_format.chat_formatter_to_chat_completion_handler(formatter), {}),
    "named": (llama_chat_format.get_chat_completion_handler("chatml"), {}),
    "function calling": (
        llama_chat_format.get_chat_completion_handler("chatml-function-calling"),
        {"tools": TOOLS, "tool_choice": "auto"},
    ),
}


def without_ids(message):
    """Returns a message without the ids of its calls, which are random."""
    calls = [{**call, "id": ""} for call in message.get("tool_calls") or ()]
    return {"role": None, "content": None, **message, "tool_calls": calls}


@pytest.mark.parametrize(("handler", "more"), HANDLERS.values(), ids=HANDLERS)
@pytest.mark.parametrize("stream", [False, True])
def test_every_chat_handler(load, model_path, random_models, handler, more, stream):
    path = random_models / "lora-kjv-1.gguf"

    def answer(llm, **arguments):
        llm.chat_handler = handler
        found = llm.create_chat_completion(
            MESSAGES, max_tokens=8, temperature=0, stream=stream, **more, **arguments
        )
        if not stream:
            return without_ids(found["choices"][0]["message"])
        return [without_ids(chunk["choices"][0]["delta"]) for chunk in found]

    llm = load(model_path)
    llm.load_lora(path, "one")
    plain = answer(load(model_path))
    assert answer(llm, loras={"one": 1}) == answer(load(model_path, lora_path=path)) != plain
    assert answer(llm) == plain


def test_handlers_that_know_no_adapters_need_not(fresh):
    def handler(*, llama, messages, max_tokens, temperature, **kwargs):
        assert "loras" not in kwargs
        return {}

    fresh.chat_handler = handler
    assert fresh.create_chat_completion(MESSAGES) == {}


def test_embeddings(load, random_models):
    model, path = random_models / "embedding-f16.gguf", random_models / "lora-embedding.gguf"
    llm = load(model, embedding=True)
    name = llm.load_lora(path)
    texts = ["w1 w2", "w3 w4 w5"]
    plain = load(model, embedding=True).embed(texts)
    changed = load(model, embedding=True, lora_path=path).embed(texts)
    assert np.abs(np.subtract(plain, changed)).max() > 0.01
    for _ in range(2):
        assert llm.embed(texts, loras={name: 1}) == changed
        assert llm.embed(texts) == plain
    found = llm.create_embedding(texts, loras={name: 1})
    assert [each["embedding"] for each in found["data"]] == changed


# ---- names


def test_names(load, tied, one, two, tmp_path):
    llm = load(tied)
    assert llm.list_loras() == []
    assert llm.load_lora(one) == "lora-tied-1"
    assert llm.load_lora(one) == "lora-tied-1"  # once more
    assert llm.load_lora(one, "copy") == "copy"
    assert llm.list_loras() == ["lora-tied-1", "copy"]
    with pytest.raises(llama_cpp.AdapterError, match=r"'copy'.*lora-tied-1.gguf\n.*unload_lora"):
        llm.load_lora(two, "copy")
    with pytest.raises(llama_cpp.AdapterError, match="empty"):
        llm.load_lora(two, "")
    assert text(llm, "w7", loras={"copy": 1}) == text(llm, "w7", loras={"lora-tied-1": 1})
    llm.unload_lora("copy")
    assert llm.list_loras() == ["lora-tied-1"]
    llm.load_lora(two, "copy")


@pytest.mark.parametrize("use", ["call", "set", "unload"])
def test_unknown_names(both, use):
    function = {
        "call": lambda name: text(both, "w7", loras={name: 1}),
        "set": lambda name: both.set_loras({name: 1}),
        "unload": both.unload_lora,
    }[use]
    with pytest.raises(ValueError, match=r"named 'oen'.*\nDid you mean 'one'\?.*'one', 'two'"):
        function("oen")
    both.unload_lora("one")
    both.unload_lora("two")
    with pytest.raises(llama_cpp.AdapterError, match=r"\nLoad one first: llm.load_lora\(path\)"):
        function("one")


def test_paths(both, expected, one, two, tmp_path):
    copy = tmp_path / "copy.gguf"
    shutil.copyfile(two, copy)
    scales = {one: 1.0, copy: 0.5, two: 0.5}
    assert_same(
        logits(both, PROMPTS[0], loras=scales), expected(PROMPTS[0], {"one": 1.0, "two": 1.0})[0]
    )
    assert both.list_loras() == ["one", "two", str(copy)]
    text(both, "w7", loras={copy: 1})
    assert len(both.list_loras()) == 3


def test_an_unloaded_adapter_is_gone(both, expected, one):
    both.set_loras({"one": 1, "two": 1})
    text(both, PROMPTS[0])
    both.unload_lora("one")
    assert both.n_tokens == 0
    assert_same(logits(both, PROMPTS[0]), expected(PROMPTS[0], {"two": 1.0})[0])
    both.load_lora(one, "one")
    assert_same(logits(both, PROMPTS[0]), expected(PROMPTS[0], {"two": 1.0})[0])


def test_a_copy_of_an_unloaded_adapter(both, expected, one):
    """The context lets go of the adapter, although the default has the same numbers."""
    both.load_lora(one, "copy")
    native = weakref.ref(both._session.adapters._loaded["one"].native)
    text(both, PROMPTS[0], loras={"one": 1})
    both.set_loras({"copy": 1})
    both.unload_lora("one")
    assert native() is None and both.n_tokens == 0
    assert text(both, PROMPTS[0]) == expected(PROMPTS[0], {"one": 1.0})[1]


# ---- errors


def test_adapters_of_other_models(load, tied, model_path, random_models):
    llm = load(tied)
    before = text(llm, PROMPTS[0])
    for path, reason in (
        (random_models / "lora-gpt2.gguf", r"arch.*\nGive.*a 'llama'; this one is for a 'gpt2'"),
        (random_models / "lora-kjv-1.gguf", r"(shape|base model).*\nGive an adapter"),
        (tied, r"'adapter'.*\nGive an adapter"),
    ):
        with pytest.raises(llama_cpp.ModelLoadError, match=reason) as caught:
            llm.load_lora(path)
        assert str(path) in str(caught.value)
    assert llm.list_loras() == [] and text(llm, PROMPTS[0]) == before


@pytest.mark.parametrize(
    ("loras", "message"),
    [
        (["one"], "loras has to be a dict"),
        ({"one": "much"}, r"loras\['one'\] has to be a number"),
        ({"one": float("nan")}, r"loras\['one'\] has to be a finite number"),
        ({1: 1.0}, "A key of loras has to be a path"),
    ],
)
def test_wrong_choices(both, loras, message):
    for call in (
        lambda: text(both, "w7", loras=loras),
        lambda: both.create_chat_completion(MESSAGES, loras=loras),
        lambda: both.set_loras(loras),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            call()


def test_without_weights(load, tied, one):
    llm = load(tied, vocab_only=True)
    with pytest.raises(llama_cpp.ModelLoadError, match="vocab_only"):
        llm.load_lora(one)


def test_close_frees_adapters(both):
    stream = both(PROMPTS[0], stream=True, loras={"one": 1})
    next(stream)
    adapters = [weakref.ref(lora.native) for lora in both._session.adapters._loaded.values()]
    both.close()
    assert [adapter() for adapter in adapters] == [None, None]
    for call in (
        lambda: both.load_lora("x"),
        lambda: both.set_loras({}),
        lambda: both.unload_lora("one"),
        lambda: text(both, "w7", loras={"one": 1}),
        lambda: next(stream),
    ):
        with pytest.raises(llama_cpp.ClosedError):
            call()
    assert both.list_loras() == []


def test_adapters_for_a_part_of_the_tokens_warn(load, tied, one, tmp_path):
    writer = gguf.GGUFWriter(tmp_path / "alora.gguf", "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    kinds = gguf.GGUFValueType
    writer.add_key_value(
        "adapter.alora.invocation_tokens", [7, 8], kinds.ARRAY, sub_type=kinds.UINT32
    )
    for tensor in gguf.GGUFReader(one).tensors:
        writer.add_tensor(tensor.name, tensor.data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.warns(UserWarning, match=r"after \[7, 8\] \(aLoRA\)"):
        load(tied).load_lora(tmp_path / "alora.gguf")


# ---- pickling


def test_pickles_keep_adapters(load, tied, one, two, expected):
    llm = load(tied, n_ctx=128, lora_path=one, lora_scale=0.5)
    assert llm.list_loras() == ["lora-tied-1"]
    llm.load_lora(two, "two")
    again = pickle.loads(pickle.dumps(llm))
    assert again.list_loras() == ["lora-tied-1", "two"]
    assert_same(logits(again, PROMPTS[0]), expected(PROMPTS[0], {"one": 0.5})[0])
    llm.unload_lora("lora-tied-1")
    llm.set_loras({"two": 1})
    again = pickle.loads(pickle.dumps(llm))
    assert again.list_loras() == ["two"]
    assert_same(logits(again, PROMPTS[0]), expected(PROMPTS[0], {"two": 1.0})[0])


# ---- signals


def test_an_interrupted_swap_is_made_up_for(both, expected, monkeypatch):
    """A signal handler may raise between two native calls."""
    from llama_cpp._engine import adapters

    apply = adapters.Choice.apply

    def interrupted(self, context):
        context.clear_lora()
        raise KeyboardInterrupt

    text(both, PROMPTS[0])
    monkeypatch.setattr(adapters.Choice, "apply", interrupted)
    with pytest.raises(KeyboardInterrupt):
        text(both, PROMPTS[0], loras={"one": 1})
    monkeypatch.setattr(adapters.Choice, "apply", apply)
    assert both.n_tokens == 0
    assert text(both, PROMPTS[0], loras={"one": 1}) == expected(PROMPTS[0], {"one": 1.0})[1]
    assert text(both, PROMPTS[0]) == expected(PROMPTS[0], {})[1]
