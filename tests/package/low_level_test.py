"""The low-level names: functions of llama.h, and the small classes of _internals."""

from __future__ import annotations

import numpy as np
import pytest

import llama_cpp
from llama_cpp import _internals as internals


def test_what_the_library_supports():
    assert llama_cpp.llama_supports_mmap() is True
    assert isinstance(llama_cpp.llama_supports_mlock(), bool)
    assert isinstance(llama_cpp.llama_supports_gpu_offload(), bool)
    assert isinstance(llama_cpp.llama_supports_rpc(), bool)
    assert llama_cpp.llama_max_devices() == llama_cpp.LLAMA_MAX_DEVICES > 0
    assert llama_cpp.llama_max_parallel_sequences() > 0
    assert b"CPU" in llama_cpp.llama_print_system_info()
    before = llama_cpp.llama_time_us()
    assert llama_cpp.llama_time_us() >= before > 0
    llama_cpp.llama_backend_init()
    llama_cpp.llama_backend_free()


@pytest.mark.parametrize("as_bytes", [True, False])
def test_quantize(random_models, tmp_path, load, as_bytes):
    source = str(random_models / "llama-f16.gguf")
    target = tmp_path / "q4_0.gguf"
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0
    params.nthread = 1
    names = [source.encode(), str(target).encode()] if as_bytes else [source, str(target)]
    assert llama_cpp.llama_model_quantize(*names, llama_cpp.byref(params)) == 0
    assert target.stat().st_size < (random_models / "llama-f16.gguf").stat().st_size / 2
    assert load(target)("a b", max_tokens=3)["usage"]["completion_tokens"] > 0


def test_quantize_refuses(random_models, tmp_path):
    params = llama_cpp.llama_model_quantize_default_params()
    with pytest.raises(llama_cpp.LlamaError, match="missing"):
        llama_cpp.llama_model_quantize(b"missing.gguf", str(tmp_path / "x").encode(), params)
    text = tmp_path / "text.gguf"
    text.write_text("no model")
    with pytest.raises(llama_cpp.LlamaError):
        llama_cpp.llama_model_quantize(str(text), str(tmp_path / "x.gguf"), params)


@pytest.mark.parametrize(
    "numbers", [(-1, 0, 1), (1, -1, 1), (1, 0, 0), (1, 0, -5), (2**31 - 1, 2, 1)]
)
def test_a_batch_of_a_wrong_size_is_refused(numbers):
    n_tokens, embd, n_seq_max = numbers
    with pytest.raises(ValueError, match="has to be|too large"):
        internals.LlamaBatch(n_tokens=n_tokens, embd=embd, n_seq_max=n_seq_max)


def test_a_grammar_in_a_chain_refuses(llm):
    sampler = internals.LlamaSampler()
    with pytest.raises(llama_cpp.GrammarError):
        sampler.add_grammar(llm._model, llama_cpp.LlamaGrammar(_grammar='root ::= "'))
    grammar = llama_cpp.LlamaGrammar.from_string('root ::= "a"')
    with pytest.raises(llama_cpp.GrammarError):
        sampler.add_grammar_lazy_patterns(llm._model, grammar, ["("], [])
    sampler.add_grammar(llm._model, grammar)
    (other, *_) = llm.tokenize(b"b", add_bos=False)
    with pytest.raises(llama_cpp.GrammarError):
        sampler.accept(other)


def test_token_by_token(model_path, llm):
    """A loop without Llama gives the same text as Llama."""
    params = llama_cpp.llama_model_default_params()
    params.load_mode = llama_cpp.LLAMA_LOAD_MODE_NONE
    model = internals.LlamaModel(path_model=model_path, params=params)
    context_params = llama_cpp.llama_context_default_params()
    context_params.n_ctx = context_params.n_batch = context_params.n_ubatch = 256
    context_params.n_threads = context_params.n_threads_batch = 1
    context = internals.LlamaContext(model=model, params=context_params)

    prompt = "In the beginning God created"
    tokens = model.tokenize(prompt.encode(), add_bos=True, special=True)
    assert tokens == llm.tokenize(prompt.encode())
    batch = internals.LlamaBatch(n_tokens=len(tokens), embd=0, n_seq_max=1)
    sampler = internals.LlamaSampler()
    sampler.add_top_k(40)
    sampler.add_greedy()
    found, n_past = [], 0
    for _ in range(5):
        batch.set_batch(tokens, n_past=n_past, logits_all=False)
        context.decode(batch)
        n_past += len(tokens)
        tokens = [sampler.sample(context, -1)]
        found += tokens
    expected = llm(prompt, max_tokens=5, temperature=0)["choices"][0]["text"]
    assert model.detokenize(found).decode() == expected

    model.close()
    assert context.ctx is None
    with pytest.raises(llama_cpp.LlamaError, match="closed"):
        context.decode(batch)
    with pytest.raises(llama_cpp.LlamaError, match="closed"):
        model.n_vocab()


def test_batches_have_a_size():
    batch = internals.LlamaBatch(n_tokens=2, embd=0, n_seq_max=1)
    with pytest.raises(ValueError, match="holds 2"):
        batch.set_batch([1, 2, 3], 0, False)
    batch.add_sequence([1, 2], 0, False)
    with pytest.raises(ValueError, match="holds 2"):
        batch.add_sequence([3], 1, False)
    assert batch.n_tokens() == 2
    batch.close()
    with pytest.raises(llama_cpp.ClosedError):
        batch.n_tokens()


@pytest.fixture
def context(llm):
    """Returns a context with the logits of each token of a text."""
    params = llama_cpp.llama_context_default_params()
    params.n_ctx = params.n_batch = 64
    params.n_threads = params.n_threads_batch = 1
    made = internals.LlamaContext(model=llm._model, params=params)
    tokens = llm.tokenize(b"In the beginning God created")
    batch = internals.LlamaBatch(n_tokens=len(tokens), embd=0, n_seq_max=2)
    batch.add_sequence(tokens, 0, True)
    made.decode(batch)
    yield made
    made.close()


def test_every_sampler_of_the_chain(llm, context):
    """Each leaves the token that greedy sampling takes, which is the first of a narrow choice."""
    model = llm._model
    n_vocab = model.n_vocab()
    greedy = internals.LlamaSampler()
    greedy.add_greedy()
    best = greedy.sample(context, -1)
    grammar = llama_cpp.LlamaGrammar.from_string("root ::= [^$]+", verbose=False)
    additions = [
        lambda sampler: sampler.add_top_k(1),
        lambda sampler: sampler.add_top_p(0.0),
        lambda sampler: sampler.add_min_p(1.0),
        lambda sampler: (sampler.add_typical(1.0), sampler.add_top_k(1)),
        lambda sampler: sampler.add_temp(0.0),
        lambda sampler: (sampler.add_temp_ext(1.0, 0.5, 1.0), sampler.add_top_k(1)),
        lambda sampler: (sampler.add_xtc(0.0, 0.1, 1, 0), sampler.add_top_k(1)),
        lambda sampler: (sampler.add_top_n_sigma(1.0), sampler.add_top_k(1)),
        lambda sampler: (sampler.add_penalties(n_vocab, 64, 1.1, 0.1, 0.1), sampler.add_top_k(1)),
        lambda sampler: (sampler.add_dry(model, 0.8, 1.75, 2, 64, ["\n"]), sampler.add_top_k(1)),
        lambda sampler: (sampler.add_grammar(model, grammar), sampler.add_top_k(1)),
        lambda sampler: (
            sampler.add_grammar_lazy_patterns(model, grammar, ["^never$"], []),
            sampler.add_top_k(1),
        ),
        lambda sampler: sampler.add_logit_bias(n_vocab, {best: 100.0}),
    ]
    for add in additions:
        sampler = internals.LlamaSampler()
        add(sampler)
        sampler.add_dist(7)
        assert sampler.get_seed() == 7
        assert sampler.sample(context, -1) == best
        sampler.accept(best)
        copy = sampler.clone()
        sampler.reset()
        sampler.close()
        assert copy.get_seed() == 7
        copy.close()
        with pytest.raises(llama_cpp.ClosedError):
            copy.reset()


def test_a_custom_sampler(llm, context):
    """A function of Python's chooses among the candidates, and a biased token wins."""
    wanted = llm.tokenize(b" heaven", add_bos=False)[0]

    def choose(pointer) -> None:
        array = pointer.contents
        ids = [array.data[index].id for index in range(array.size)]
        array.selected = ids.index(wanted)

    sampler = internals.LlamaSampler()
    sampler.add_custom(choose)
    assert sampler.sample(context, -1) == wanted
    with pytest.raises(NotImplementedError, match="cannot be cloned"):
        sampler.clone()
    sampler.close()


def test_a_sampler_refuses(llm, context):
    sampler = internals.LlamaSampler()
    sampler.add_top_k(1)
    with pytest.raises(llama_cpp.LlamaError, match="selects a token\nadd_dist"):
        sampler.sample(context, -1)
    sampler.add_greedy()
    for index in (-99, 99):
        with pytest.raises(IndexError, match=f"no logits at {index}"):
            sampler.sample(context, index)
    with pytest.raises(llama_cpp.GrammarError):
        sampler.add_grammar(llm._model, llama_cpp.LlamaGrammar(_grammar="root ::= nowhere"))


def test_a_chain_keeps_the_vocabulary_of_its_model(load, model_path, context):
    other = load(model_path)
    sampler = internals.LlamaSampler()
    sampler.add_infill(other._model)
    sampler.add_greedy()
    other.close()
    assert sampler.sample(context, -1) >= 0


def test_a_batch_that_is_too_large(llm, context):
    batch = internals.LlamaBatch(n_tokens=65, embd=0, n_seq_max=1)
    batch.set_batch([1] * 65, 0, False)
    with pytest.raises(llama_cpp.ContextError, match="65 tokens.*n_batch is 64"):
        context.decode(batch)
    batch.set_batch([llm.n_vocab()], 0, False)
    with pytest.raises(llama_cpp.DecodeError, match="llama_decode returned -1"):
        context.decode(batch)


def test_questions_of_a_model(llm):
    """Methods, as in llama-cpp-python, with the values of the native object's properties."""
    model, native = llm._model, llm.model
    for name in ("n_vocab", "n_ctx_train", "n_embd", "desc", "size", "n_params"):
        assert getattr(model, name)() == getattr(native, name)
    for name in ("token_bos", "token_eos", "token_nl", "rope_freq_scale_train"):
        assert getattr(model, name)() == getattr(native, name)
    assert model.vocab_type() == llama_cpp.LLAMA_VOCAB_TYPE_SPM
    assert model.metadata() == llm.metadata
    assert model.token_get_attr(llm.token_bos()) & llama_cpp.LLAMA_TOKEN_ATTR_CONTROL
    assert isinstance(model.token_get_score(5), float)
    text = b"In the beginning"
    tokens = model.tokenize(text, True, True)
    assert model.detokenize(tokens) == text
    assert isinstance(model.default_params(), llama_cpp.llama_model_params)
    context = llm._ctx
    assert context.n_ctx() == llm.n_ctx()
    assert isinstance(context.default_params(), llama_cpp.llama_context_params)
    with pytest.raises(NotImplementedError, match="LlamaSampler"):
        context.sample_top_k(None, 1, 1)


def test_parameters_with_pointers(model_path):
    params = llama_cpp.llama_model_default_params()
    override = llama_cpp.llama_model_kv_override
    params.kv_overrides = (override * 3)(
        override(llama_cpp.LLAMA_KV_OVERRIDE_TYPE_INT, b"llama.context_length", val_i64=77),
        override(
            llama_cpp.LLAMA_KV_OVERRIDE_TYPE_BOOL, b"tokenizer.ggml.add_bos_token", val_bool=False
        ),
    )
    model = internals.LlamaModel(path_model=model_path, params=params)
    assert model.n_ctx_train() == 77
    assert model.add_bos_token() is False
    callback = llama_cpp.llama_progress_callback(lambda progress, data: True)
    params.progress_callback = callback
    with pytest.raises(llama_cpp.LlamaError, match="progress_callback cannot be used here"):
        internals.LlamaModel(path_model=model_path, params=params)


def test_candidates(llm):
    """llama.cpp's samplers work on the array, and numpy sees the result."""
    candidates = internals.LlamaTokenDataArray(n_vocab=4)
    candidates.copy_logits(np.array([0.0, 3.0, 1.0, 2.0], dtype=np.single))
    sampler = llama_cpp.llama_sampler_init_top_k(2)
    llama_cpp.llama_sampler_apply(sampler, llama_cpp.byref(candidates.candidates))
    llama_cpp.llama_sampler_free(sampler)
    assert candidates.candidates.size == 2
    assert candidates.candidates_data.id[:2].tolist() == [1, 3]


def test_normalize_embedding():
    assert internals.normalize_embedding([3.0, 4.0]) == pytest.approx([0.6, 0.8])
    assert internals.normalize_embedding([0.0, 0.0]) == [0.0, 0.0]
