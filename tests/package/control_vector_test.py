"""Control vectors: their files, and that tokens, caches and states belong to one.

//tests/native/numerics compares the numbers with an implementation in NumPy.
"""

from __future__ import annotations

import os
import pickle

import gguf
import numpy as np
import pytest

import llama_cpp
from llama_cpp import LlamaRAMCache, _core

PROMPT = "w1 w2 w3 w4 w5"
N_LAYER, N_EMBD = 2, 768  # of llama-f32.gguf


def write_vector(path, tensors):
    """Writes tensors by name as cvector-generator does."""
    writer = gguf.GGUFWriter(path, "controlvector")
    writer.add_string("controlvector.model_hint", "llama")
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return str(path)


def direction(seed, size=N_EMBD):
    return np.random.default_rng(seed).standard_normal(size, np.float32)


@pytest.fixture(scope="module")
def model(random_models):
    return random_models / "llama-f32.gguf"


@pytest.fixture(scope="module")
def vector(tmp_path_factory):
    """Returns a vector of the one layer that can have one."""
    path = tmp_path_factory.mktemp("vectors") / "vector.gguf"
    return write_vector(path, {"direction.1": direction(1)})


@pytest.fixture
def llm(load, model):
    return load(model, n_ctx=128)


def logits(llm, prompt=PROMPT, **arguments):
    next(llm.generate(llm.tokenize(prompt.encode()), temp=0, **arguments))
    return np.array(llm.ctx.logits(-1))


def changes(found, plain):
    """Whether two arrays differ by far more than by rounding."""
    return np.abs(found - plain).max() > 0.1


def test_zeros_change_nothing(llm, tmp_path):
    plain = logits(llm)
    llm.load_control_vector(
        write_vector(tmp_path / "zeros.gguf", {"direction.1": np.zeros(N_EMBD, np.float32)})
    )
    np.testing.assert_array_equal(logits(llm), plain)


def test_set_and_cleared(llm, vector):
    plain = logits(llm)
    llm.load_control_vector(vector)
    assert llm.n_tokens == 0
    assert changes(logits(llm), plain)
    llm.clear_control_vector()
    assert llm.n_tokens == 0
    np.testing.assert_array_equal(logits(llm), plain)


def test_strengths_and_files_add_up(llm, tmp_path):
    paths = [
        write_vector(tmp_path / f"{seed}.gguf", {"direction.1": direction(seed)}) for seed in (1, 2)
    ]
    total = write_vector(
        tmp_path / "sum.gguf", {"direction.1": np.float32(0.5) * direction(1) - direction(2)}
    )
    llm.load_control_vector(total)
    expected = logits(llm)
    for files in (
        {paths[0]: 0.5, paths[1]: -1},
        [(paths[0], 0.25), (paths[1], -1.0), (paths[0], 0.25)],
        {os.fsencode(total): 1.0},
    ):
        llm.clear_control_vector()
        llm.load_control_vector(files)
        np.testing.assert_allclose(logits(llm), expected, atol=1e-4)


def test_a_shorter_vector_leaves_nothing_of_a_longer_one(load, model_path, tmp_path):
    """llama.cpp keeps the numbers of layers that the next vector does not reach."""
    size = 256  # of the trained model, which has four layers
    long = write_vector(
        tmp_path / "long.gguf", {f"direction.{layer}": direction(layer, size) for layer in (1, 3)}
    )
    short = write_vector(tmp_path / "short.gguf", {"direction.1": direction(1, size)})
    llm, fresh = load(model_path), load(model_path)
    llm.load_control_vector(long)
    logits(llm)
    llm.load_control_vector(short)
    fresh.load_control_vector(short)
    np.testing.assert_array_equal(logits(llm), logits(fresh))


def test_ranges_of_layers(load, model_path, tmp_path):
    size = 256
    rows = {layer: direction(layer, size) for layer in (1, 2, 3)}
    whole = write_vector(
        tmp_path / "whole.gguf", {f"direction.{layer}": row for layer, row in rows.items()}
    )
    part = write_vector(tmp_path / "part.gguf", {"direction.2": rows[2]})
    llm = load(model_path)
    llm.load_control_vector(whole, layer_start=2, layer_end=2)
    found = logits(llm)
    llm.load_control_vector(part)
    np.testing.assert_array_equal(logits(llm), found)
    llm.load_control_vector(whole, layer_start=2)
    assert changes(logits(llm), found)
    for wrong in ((0, 2), (3, 2), (1, 4)):
        with pytest.raises(llama_cpp.AdapterError, match=r"layer_start.*\n.*layers 1 to 3"):
            llm.load_control_vector(whole, *wrong)


def test_tokens_belong_to_a_vector(llm, vector, random_models):
    plain = logits(llm)
    steps = llm.generate(llm.tokenize(PROMPT.encode()), temp=0)
    next(steps)
    llm.load_control_vector(vector)
    with pytest.raises(llama_cpp.OvertakenError):
        next(steps)
    steered = logits(llm)
    cache = LlamaRAMCache()
    llm.set_cache(cache)
    llm(PROMPT, max_tokens=1)
    assert llm.tokenize(PROMPT.encode()) not in cache
    state = llm.save_state()
    llm.clear_control_vector()
    np.testing.assert_array_equal(logits(llm), plain)
    with pytest.raises(llama_cpp.StateError, match=r"\n.*load_control_vector"):
        llm.load_state(state)
    llm.load_control_vector(vector)
    llm.load_state(state)
    assert llm.n_tokens == state.n_tokens
    llm.reset()
    np.testing.assert_array_equal(logits(llm), steered)


def test_beside_adapters(load, random_models, tmp_path):
    """Changing the adapters keeps the vector, and the other way round."""
    model, path = random_models / "embedding-f16.gguf", random_models / "lora-embedding.gguf"
    vector = write_vector(tmp_path / "vector.gguf", {"direction.1": direction(1, 256)})
    llm = load(model, n_ctx=128)
    name = llm.load_lora(path)
    llm.load_control_vector(vector)
    llm.set_loras({name: 1})
    both = logits(llm)
    assert changes(logits(llm, loras={}), both)
    fresh = load(model, n_ctx=128, lora_path=path)
    fresh.load_control_vector(vector)
    np.testing.assert_allclose(both, logits(fresh), atol=1e-3)
    llm.clear_control_vector()
    only_lora = logits(llm)
    np.testing.assert_allclose(only_lora, logits(load(model, n_ctx=128, lora_path=path)), atol=1e-3)
    assert changes(only_lora, both)


def test_embeddings(load, random_models, tmp_path):
    vector = write_vector(tmp_path / "vector.gguf", {"direction.1": direction(1, 256)})
    llm = load(random_models / "embedding-f16.gguf", embedding=True)
    plain = llm.embed("w1 w2")
    llm.load_control_vector(vector)
    assert np.abs(np.subtract(llm.embed("w1 w2"), plain)).max() > 0.01
    llm.clear_control_vector()
    assert llm.embed("w1 w2") == plain


def test_pickles_keep_it(llm, vector):
    llm.load_control_vector({vector: 0.5})
    expected = logits(llm)
    again = pickle.loads(pickle.dumps(llm))
    np.testing.assert_array_equal(logits(again), expected)


# ---- files


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"direction.0": direction(1)}, "'direction.0' is not named direction.<layer>"),
        ({"direction.x": direction(1)}, "'direction.x' is not named"),
        ({"direction.-1": direction(1)}, "'direction.-1' is not named"),
        ({"direction.": direction(1)}, "'direction.' is not named"),
        ({"direction.99999999999999999999": direction(1)}, "is not named"),
        ({"other.1": direction(1)}, "'other.1' is not named"),
        ({"direction.1": direction(1).astype(np.float16)}, "not a row of float32"),
        ({"direction.1": direction(1).reshape(2, -1)}, "not a row of float32"),
        ({"direction.1": direction(1), "direction.2": direction(1)[:9]}, "has 9 numbers"),
        ({}, "no tensors"),
    ],
)
def test_files_that_are_none(llm, tmp_path, tensors, message):
    path = write_vector(tmp_path / "wrong.gguf", tensors)
    with pytest.raises(llama_cpp.ModelLoadError, match=message) as caught:
        llm.load_control_vector(path)
    assert path in str(caught.value) and "\nGive a file" in str(caught.value)
    assert llm(PROMPT, max_tokens=1)


@pytest.mark.parametrize(
    "tensors",
    [
        {"direction.1": direction(1)[:9]},
        {"direction.2": direction(1)},
        {"direction.1": direction(1), "direction.999": direction(1)},
    ],
)
def test_vectors_of_other_models(llm, tmp_path, tensors):
    path = write_vector(tmp_path / "other.gguf", tensors)
    with pytest.raises(llama_cpp.AdapterError, match=r"another model.*\nThis model has 768"):
        llm.load_control_vector(path)


def test_damaged_files(llm, vector, model, tmp_path):
    with open(vector, "rb") as file:
        data = file.read()
    path = tmp_path / "damaged.gguf"
    for size in (*range(0, len(data), max(1, len(data) // 40)), len(data) - 1):
        path.write_bytes(data[:size])
        with pytest.raises(llama_cpp.ModelLoadError, match="[Cc]ontrol vector"):
            llm.load_control_vector(path)
    with pytest.raises(llama_cpp.ModelLoadError, match="does not exist"):
        llm.load_control_vector(tmp_path / "missing.gguf")
    with pytest.raises(llama_cpp.ModelLoadError, match="is not named"):
        llm.load_control_vector(model)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (5, "vectors has to be a path"),
        ([], "vectors has to be at least one path"),
        (["a.gguf"], r"vectors\[0\] has to be a pair"),
        ([("a.gguf", "much")], r"vectors\[0\]\[1\] has to be a number"),
        ({5: 1.0}, r"vectors\[0\]\[0\] has to be a path"),
    ],
)
def test_wrong_arguments(llm, vectors, message):
    with pytest.raises((TypeError, ValueError), match=message):
        llm.load_control_vector(vectors)


def test_without_weights_and_after_close(load, model, vector):
    llm = load(model, vocab_only=True)
    with pytest.raises(llama_cpp.AdapterError, match="vocab_only"):
        llm.load_control_vector(vector)
    llm = load(model)
    llm.close()
    for call in (lambda: llm.load_control_vector(vector), llm.clear_control_vector):
        with pytest.raises(llama_cpp.ClosedError):
            call()


def test_the_native_context_checks(llm):
    rows = np.zeros((1, N_EMBD), np.float32)
    for wrong in ((rows[:, 1:], 1, 1), (rows, 0, 1), (rows, 1, 2), (rows[:0], 1, 1)):
        with pytest.raises(llama_cpp.ContextError):
            llm.ctx.set_control_vector(*wrong)
    assert isinstance(llm.ctx, _core.Context)
