"""Private members of llama-cpp-python's Llama that programs use."""

from __future__ import annotations

import ctypes
import gc
import weakref

import numpy as np
import pytest

import llama_cpp
from llama_cpp import LlamaGrammar, _internals

PROMPT = b"In the beginning God created"


@pytest.fixture
def evaluated(fresh):
    fresh.eval(fresh.tokenize(PROMPT))
    return fresh


def test_clean_up_of_pixeltable(load, model_path):
    """pixeltable 0.7.21, functions/llama_cpp.py: cleanup(), after any use."""
    for used in (False, True):
        model = load(model_path)
        if used:
            model("In the", max_tokens=3)
        if model._sampler is not None:
            model._sampler.close()
        model.close()


# ---- the sampler


@pytest.mark.parametrize("mirostat_mode", [0, 1, 2])
@pytest.mark.parametrize("temp", [0.0, 0.8, -1.0])
def test_sampler_draws(evaluated, temp, mirostat_mode):
    tokens = []
    for _ in range(2):
        evaluated.set_seed(5)
        sampler = evaluated._init_sampler(
            temp=temp, mirostat_mode=mirostat_mode, repeat_penalty=1.1
        )
        assert isinstance(sampler, _internals.LlamaSampler)
        tokens.append(sampler.sample(evaluated._ctx, -1))
        sampler.close()
    assert tokens[0] == tokens[1]
    if temp == 0:
        assert tokens[0] == evaluated.sample(temp=0.0)


def test_sampler_has_the_arguments(evaluated):
    """top_k=1 leaves the best token; min_p=0 and top_p=1 leave all, so that seeds differ."""
    best = evaluated.sample(temp=0.0)
    drawn = set()
    for seed in range(20):
        evaluated.set_seed(seed)
        assert evaluated._init_sampler(top_k=1, temp=2.0).sample(evaluated._ctx) == best
        sampler = evaluated._init_sampler(top_k=0, top_p=1.0, min_p=0.0, temp=2.0)
        drawn.add(sampler.sample(evaluated._ctx))
    assert len(drawn) > 5


def test_sampler_with_processors_and_grammar(evaluated):
    seen = []

    def only(token):
        def process(input_ids, logits):
            seen.append((input_ids.tolist(), logits.shape))
            logits[:] = -np.inf
            logits[token] = 0
            return logits

        return llama_cpp.LogitsProcessorList([process])

    token = evaluated.tokenize(b" heaven", add_bos=False)[0]
    sampler = evaluated._init_sampler(temp=0.0, logits_processor=only(token))
    assert sampler.sample(evaluated._ctx) == token
    assert seen == [(evaluated._input_ids.tolist(), (evaluated.n_vocab(),))]
    grammar = LlamaGrammar.from_string('root ::= "7"')
    sampler = evaluated._init_sampler(temp=0.0, grammar=grammar)
    assert evaluated.detokenize([sampler.sample(evaluated._ctx)]) == b"7"


def test_sample_draws_with_the_sampler_that_was_set(evaluated):
    evaluated._sampler = evaluated._init_sampler(grammar=LlamaGrammar.from_string('root ::= "7"'))
    assert evaluated.detokenize([evaluated.sample(temp=0.0)]) == b"7"
    with pytest.raises(IndexError, match="position"):
        evaluated.sample(idx=10_000)
    evaluated._sampler.close()
    evaluated._sampler = None
    assert evaluated.detokenize([evaluated.sample(temp=0.0)]) != b"7"


def test_sample_by_position(load, model_path):
    model = load(model_path, logits_all=True)
    tokens = model.tokenize(PROMPT)
    model.eval(tokens)
    expected = [model.sample(temp=0.0, idx=i) for i in range(len(tokens))]
    model._sampler = model._init_sampler(temp=0.0)
    assert [model.sample(idx=i) for i in range(len(tokens))] == expected


# ---- batch and candidates


def test_batch(load, model_path):
    """The loop of programs that decode by themselves gives Llama's logits."""
    model, other = load(model_path), load(model_path)
    tokens = model.tokenize(PROMPT)
    assert model._batch is model._batch
    model._ctx.kv_cache_clear()
    model._batch.set_batch(batch=tokens, n_past=0, logits_all=False)
    assert model._batch.n_tokens() == len(tokens)
    model._ctx.decode(model._batch)
    other.eval(tokens)
    logits = np.ctypeslib.as_array(model._ctx.get_logits_ith(-1), shape=(model.n_vocab(),))
    assert np.allclose(logits, other.ctx.logits(-1), atol=1e-4)


def test_candidates(evaluated):
    candidates = evaluated._candidates
    assert isinstance(candidates, _internals.LlamaTokenDataArray)
    candidates.copy_logits(evaluated.ctx.logits(-1))
    best = int(candidates.candidates_data.logit.argmax())
    assert candidates.candidates_data.id[best] == evaluated.sample(temp=0.0)


# ---- the stack of close()


def test_stack(load, model_path):
    model, seen = load(model_path), []
    model._stack.callback(lambda: seen.append(model.ctx.closed))
    model.close()
    model.close()
    assert seen == [False] and model.ctx.closed


def test_closing_the_stack_closes_the_model(load, model_path):
    model = load(model_path)
    model._stack.close()
    with pytest.raises(llama_cpp.ClosedError):
        model("In the")


def test_stack_of_an_object_that_is_gone(load, model_path):
    model, seen = load(model_path), []
    model._stack.callback(seen.append, "closed")
    reference = weakref.ref(model)
    del model
    gc.collect()
    assert reference() is None and seen == ["closed"]


# ---- others


@pytest.mark.parametrize("stream", [False, True])
def test_create_completion(load, model_path, stream):
    arguments = {"max_tokens": 6, "temperature": 0.0, "stream": stream}
    answers = list(load(model_path)._create_completion("In the", **arguments))
    expected = load(model_path).create_completion("In the", **arguments)
    expected = list(expected) if stream else [expected]
    texts = [[each["choices"][0]["text"] for each in run] for run in (answers, expected)]
    assert texts[0] == texts[1] and len(answers) == len(expected)


def test_numbers(load, model_path):
    model = load(model_path, tensor_split=[0.5, 0.25])
    split = model._c_tensor_split
    assert isinstance(split, ctypes.Array) and len(split) == llama_cpp.LLAMA_MAX_DEVICES
    assert list(split[:2]) == [0.5, 0.25] and not any(split[2:])
    assert load(model_path)._c_tensor_split is None
    # llama.py of llama-cpp-python: 2 * mirostat_tau, whose default is 5.
    assert model._mirostat_mu.value == 2 * 5.0
    assert (model._token_eos, model._token_nl) == (model.token_eos(), model.token_nl())
    assert model._requires_eval
    model.eval(model.tokenize(PROMPT))
    assert not model._requires_eval


def test_pickling_leaves_them_out(load, model_path):
    model = load(model_path)
    assert model._batch and model._stack and model._candidates
    copy = model.__class__.__new__(model.__class__)
    copy.__setstate__(model.__getstate__())
    assert "_batch" not in vars(copy)
    assert copy("In the", max_tokens=2)
