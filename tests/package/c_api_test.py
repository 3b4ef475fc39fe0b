"""The C API for ctypes: on plain addresses as in C, and on objects of the package with checks."""

from __future__ import annotations

import ctypes
import json
from pathlib import Path

import numpy as np
import pytest

import llama_cpp
from llama_cpp import llama_cpp as low

HERE = Path(__file__).parent
PROMPT = b"In the beginning God created"


def tokenized(vocab, text: bytes = PROMPT) -> list[int]:
    tokens = (low.llama_token * 64)()
    count = low.llama_tokenize(vocab, text, len(text), tokens, len(tokens), True, False)
    return list(tokens[:count])


def test_as_in_c(model_path, llm):
    """A whole generation on addresses: the same tokens as Llama's own."""
    model_params = low.llama_model_default_params()
    model_params.load_mode = low.LLAMA_LOAD_MODE_NONE
    context_params = low.llama_context_default_params()
    context_params.n_ctx = context_params.n_batch = 64
    context_params.n_threads = context_params.n_threads_batch = 1
    model = low.llama_model_load_from_file(model_path.encode(), model_params)
    context = low.llama_init_from_model(model, context_params)
    vocab = low.llama_model_get_vocab(model)
    assert type(model) is type(context) is type(vocab) is int
    tokens = tokenized(vocab)
    assert tokens == llm.tokenize(PROMPT)

    chain = low.llama_sampler_chain_init(low.llama_sampler_chain_default_params())
    low.llama_sampler_chain_add(chain, low.llama_sampler_init_greedy())
    batch = low.llama_batch_init(64, 0, 1)
    found, position = [], 0
    for _ in range(5):
        batch.n_tokens = len(tokens)
        for index, token in enumerate(tokens):
            batch.token[index] = token
            batch.pos[index] = position + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = index == len(tokens) - 1
        assert low.llama_decode(context, batch) == 0
        position += len(tokens)
        row = np.ctypeslib.as_array(
            low.llama_get_logits_ith(context, -1), (low.llama_vocab_n_tokens(vocab),)
        )
        tokens = [low.llama_sampler_sample(chain, context, -1)]
        assert tokens == [int(row.argmax())]
        found += tokens
    text = llm(PROMPT.decode(), max_tokens=5, temperature=0)["choices"][0]["text"]
    assert llm.detokenize(found) == text.encode()
    low.llama_batch_free(batch)
    low.llama_sampler_free(chain)
    low.llama_free(context)
    low.llama_model_free(model)


@pytest.mark.parametrize("name", ["model", "_model"])
def test_an_object_stands_for_a_model(llm, name):
    model = getattr(llm, name)
    vocab = low.llama_model_get_vocab(model)
    assert low.llama_vocab_n_tokens(vocab) == llm.n_vocab()
    assert low.llama_vocab_n_tokens(model) == llm.n_vocab()
    assert low.llama_model_n_embd(model) == llm.n_embd()
    assert tokenized(vocab) == llm.tokenize(PROMPT)


@pytest.mark.parametrize("name", ["ctx", "_ctx"])
def test_an_object_stands_for_a_context(fresh, name):
    context = getattr(fresh, name)
    assert low.llama_n_ctx(context) == fresh.n_ctx()
    tokens = fresh.tokenize(PROMPT)
    fresh.eval(tokens)
    memory = low.llama_get_memory(context)
    assert low.llama_memory_seq_pos_max(memory, 0) == len(tokens) - 1
    logits = np.ctypeslib.as_array(low.llama_get_logits_ith(context, -1), (fresh.n_vocab(),))
    assert int(logits.argmax()) == fresh.sample(temp=0)


def test_functions_that_ctypes_makes_take_them_too(llm):
    """Users declare functions themselves; then ctypes asks the object for its pointer."""
    library = low.load_shared_library("llama", low._base_path)
    library.llama_n_ctx.argtypes = [low.llama_context_p_ctypes]
    library.llama_n_ctx.restype = ctypes.c_uint32
    assert library.llama_n_ctx(llm.ctx) == library.llama_n_ctx(llm._ctx) == llm.n_ctx()

    @low.ctypes_function("llama_model_n_layer", [low.llama_model_p_ctypes], ctypes.c_int32)
    def n_layer(model: low.llama_model_p, /) -> int: ...

    assert n_layer(llm.model) == llm.model.n_layer


def test_functions_of_a_loaded_library_have_the_results_of_the_headers():
    """Read as an integer, a C `bool` is garbage; a pointer loses its upper half."""
    library = low.load_shared_library("llama", low._base_path)
    declared = {name: f for name, f in vars(low._lib).items() if hasattr(f, "restype")}
    assert declared["llama_supports_gpu_offload"].restype is ctypes.c_bool
    assert len(declared) > 200
    for name, function in declared.items():
        found = getattr(library, name)
        assert found is not function
        assert found.restype is function.restype, name


def test_helpers_are_there():
    assert set(low._HELPERS) <= set(low.__all__)
    assert low.byref is ctypes.byref


def test_closed_objects(load, model_path):
    llm = load(model_path)
    objects = [llm.model, llm._model, llm.ctx, llm._ctx, low.llama_model_get_vocab(llm.model)]
    llm.close()
    functions = [low.llama_model_n_embd] * 2 + [low.llama_n_ctx] * 2 + [low.llama_vocab_n_tokens]
    for function, thing in zip(functions, objects):
        with pytest.raises(llama_cpp.ClosedError):
            function(thing)
    low.llama_free(llm.ctx)  # once more, as close()
    low.llama_model_free(llm.model)


def test_freeing_an_object_closes_it(load, model_path):
    llm = load(model_path)
    low.llama_free(llm.ctx)
    with pytest.raises(llama_cpp.ClosedError):
        llm("In the beginning")
    low.llama_model_free(llm.model)
    with pytest.raises(llama_cpp.ClosedError):
        low.llama_model_n_embd(llm.model)


def test_wrong_arguments(llm):
    vocab = low.llama_model_get_vocab(llm.model)
    for token in (-1, llm.n_vocab(), 2**31 - 1):
        with pytest.raises(llama_cpp.TokenizeError, match="not in the vocabulary"):
            low.llama_vocab_get_text(vocab, token)
    with pytest.raises(TypeError, match="argument 1 is a Model, not a Context"):
        low.llama_n_ctx(llm.model)
    with pytest.raises(TypeError, match=r"llama_n_ctx\(ctx\) takes 1 argument"):
        low.llama_n_ctx()
    for wrong in ("a text", b"bytes"):
        with pytest.raises(TypeError, match="argument 1 is a .*, not an address"):
            low.llama_n_ctx(wrong)
    with pytest.raises(ctypes.ArgumentError):
        low.llama_n_ctx(1.5)
    for null in (None, 0, ctypes.c_void_p()):
        with pytest.raises(ValueError, match="argument 1 is NULL"):
            low.llama_n_ctx(null)
    low.llama_free(None)


def test_arrays_have_the_size_that_is_passed(llm):
    tokens = (low.llama_token * 4)()
    for text, size, array, most in (
        (PROMPT, len(PROMPT) + 1, tokens, 4),
        (PROMPT, -1, tokens, 4),
        (PROMPT, len(PROMPT), tokens, 5),
        (PROMPT, len(PROMPT), ctypes.byref(tokens), 5),
        (PROMPT, len(PROMPT), ctypes.byref(low.llama_token()), 2),
        (None, 1, tokens, 4),
    ):
        with pytest.raises(ValueError, match="elements, and argument"):
            low.llama_tokenize(llm.model, text, size, array, most, True, False)
    n_tokens = len(llm.tokenize(PROMPT))
    assert low.llama_tokenize(llm.model, PROMPT, len(PROMPT), None, 0, True, False) == -n_tokens
    pointer = ctypes.cast(tokens, ctypes.POINTER(low.llama_token))
    assert low.llama_tokenize(llm.model, PROMPT, 2, pointer, 4, True, False) > 0


def test_other_pointers_may_not_be_null(llm):
    with pytest.raises(ValueError, match="argument 2 is NULL"):
        low.llama_model_meta_val_str(llm.model, None, ctypes.create_string_buffer(8), 8)
    assert low.llama_model_chat_template(llm.model, None) is not None


def test_tokens_in_an_array_are_checked(llm):
    text = ctypes.create_string_buffer(16)
    for kind in (lambda array: array, ctypes.byref, ctypes.pointer):
        tokens = kind((low.llama_token * 2)(5, llm.n_vocab()))
        if not isinstance(tokens, ctypes.Array) and not hasattr(tokens, "_obj"):
            tokens = ctypes.cast(tokens, ctypes.POINTER(low.llama_token))
        with pytest.raises(llama_cpp.TokenizeError, match="not in the vocabulary"):
            low.llama_detokenize(llm.model, tokens, 2, text, 16, False, False)


def test_batches_that_llama_cpp_would_end_the_process_for(fresh):
    with pytest.raises(llama_cpp.ContextError, match="no encoder\nUse llama_decode"):
        low.llama_encode(fresh.ctx, low.llama_batch_get_one((low.llama_token * 1)(5), 1))
    most = fresh.ctx.n_batch
    tokens = (low.llama_token * (most + 1))()
    batch = low.llama_batch_get_one(tokens, most + 1)
    with pytest.raises(llama_cpp.ContextError, match=f"{most + 1} tokens.*n_batch is {most}"):
        low.llama_decode(fresh.ctx, batch)
    for wrong in (low.llama_batch(n_tokens=-1), low.llama_batch(n_tokens=1)):
        with pytest.raises(llama_cpp.ContextError):
            low.llama_decode(fresh.ctx, wrong)


@pytest.mark.parametrize(
    "field, value", [("type_k", 4), ("type_v", -1), ("type_k", 10**6), ("flash_attn_type", 7)]
)
def test_context_params_that_are_no_values_of_their_enums(llm, field, value):
    params = low.llama_context_default_params()
    setattr(params, field, value)
    with pytest.raises(llama_cpp.ContextError, match=f"{field} is {value}\nTake one of"):
        low.llama_init_from_model(llm.model, params)


@pytest.mark.parametrize(
    "numbers",
    [{"n_batch": 0}, {"n_outputs_max": 3, "n_seq_max": 4}, {"n_batch": 8, "n_seq_max": 9}],
)
def test_each_sequence_of_a_context_has_an_output(llm, numbers):
    params = low.llama_context_default_params()
    for name, value in numbers.items():
        setattr(params, name, value)
    with pytest.raises(llama_cpp.ContextError, match="room for"):
        low.llama_init_from_model(llm.model, params)


def test_the_number_of_threads_is_bounded(fresh):
    for count in (513, 2**31 - 1, 2**40, -(2**40)):
        with pytest.raises(ValueError, match="512 or less"):
            low.llama_set_n_threads(fresh.ctx, 1, count)
    params = low.llama_context_default_params()
    params.n_threads_batch = 513
    with pytest.raises(llama_cpp.ContextError, match="512 or fewer"):
        low.llama_init_from_model(fresh.model, params)


def test_the_memory_of_a_sampler_is_bounded(llm):
    for n in (2**24 + 1, 2**31 - 1):
        with pytest.raises(ValueError, match="argument 2 has to be 16777216 or less"):
            low.llama_sampler_init_penalties(llm.n_vocab(), n, 1.1, 0.0, 0.0)


@pytest.mark.parametrize("seed", range(2))
def test_random_calls(model_path, run_python, seed):
    """No call on an object of the package ends the process, whatever its numbers are."""
    code = (HERE / "c_api_worker.py").read_text()
    result = run_python(code, model_path, 1000 * seed, 5000, timeout=600)
    assert result.returncode == 0, result.stderr
    counts = json.loads(result.stdout.splitlines()[-1])
    print(counts)
    assert counts["functions"] > 100
    assert counts["returned"] + sum(counts.get(f"{kind}Error", 0) for kind in KINDS) == 5000
    assert counts["ClosedError"] > 100 and counts["TokenizeError"] > 10
    assert counts["returned"] > 1000


KINDS = ("Busy", "Closed", "Context", "Tokenize", "Value")


def test_log_callback(llm):
    lines = []
    callback = low.llama_log_callback(lambda level, text, data: lines.append((level, text)))
    low.llama_log_set(callback, ctypes.c_void_p(0))
    try:
        llama_cpp.Llama(llm.model_path, vocab_only=True)
    finally:
        low.llama_log_set(None)
    assert lines and {type(text) for _, text in lines} == {bytes}


def test_imported_on_demand(run_python):
    """Neither the package nor Llama pays for the C API."""
    code = (
        "import sys, llama_cpp; from llama_cpp import Llama, LLAMA_POOLING_TYPE_MEAN;"
        "print([name for name in sys.modules if name.startswith('llama_cpp._capi')])"
    )
    found = run_python(code).stdout.strip()
    assert found == "['llama_cpp._capi', 'llama_cpp._capi.constants']"
