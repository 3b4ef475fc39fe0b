"""The low-level names: functions of llama.h, and the small classes of _internals."""

from __future__ import annotations

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

    with pytest.raises(llama_cpp.LlamaError, match="before sample"):
        sampler.add_top_k(1)
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
    with pytest.raises(ValueError, match="next sequence"):
        batch.add_sequence([1], 5, False)


def test_normalize_embedding():
    assert internals.normalize_embedding([3.0, 4.0]) == pytest.approx([0.6, 0.8])
    assert internals.normalize_embedding([0.0, 0.0]) == [0.0, 0.0]
