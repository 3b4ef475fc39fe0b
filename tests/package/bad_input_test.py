"""Bad input: each kind gives a specific exception with a remedy, and never a crash."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import pytest

import llama_cpp
from llama_cpp import Llama

N_TRUNCATIONS = 20


def refused(load, path, match):
    with pytest.raises(llama_cpp.ModelLoadError, match=match) as error:
        load(path)
    assert isinstance(error.value, ValueError)
    assert str(path) in str(error.value)


# ---- model files


def test_missing_file(load, tmp_path):
    path = tmp_path / "missing.gguf"
    refused(load, path, f"^Model path does not exist: {path}\n")


def test_missing_relative_file_names_the_folder(load, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(load, "missing.gguf", str(tmp_path))


def test_directory(load, tmp_path):
    refused(load, tmp_path, "directory")


def test_empty_file(load, tmp_path):
    path = tmp_path / "empty.gguf"
    path.touch()
    refused(load, path, "empty")


def test_text_file(load, tmp_path):
    path = tmp_path / "text.gguf"
    path.write_text("This is not a model.\n" * 100)
    refused(load, path, "not a GGUF file")


def test_unreadable_file(load, tmp_path, model_path):
    path = tmp_path / "secret.gguf"
    path.write_bytes(Path(model_path).read_bytes()[:100])
    path.chmod(0)
    try:
        path.read_bytes()
    except PermissionError:
        refused(load, path, "cannot be read|[Pp]ermission")
    else:
        pytest.skip("this user may read everything")


@pytest.mark.parametrize("version", [0, 1, 99, 0x03000000])
def test_wrong_version(load, tmp_path, model_path, version):
    data = bytearray(Path(model_path).read_bytes())
    data[4:8] = struct.pack("<I", version)
    path = tmp_path / "version.gguf"
    path.write_bytes(data)
    refused(load, path, "Failed to load model|version|byte order|GGUFv1")


def test_unknown_architecture(load, tmp_path, model_path):
    data = Path(model_path).read_bytes()
    assert data.count(b"llama") > 1
    path = tmp_path / "arch.gguf"
    path.write_bytes(data.replace(b"llama", b"lamma"))
    refused(load, path, "architecture")


TRUNCATED = """
import sys
from llama_cpp import Llama, ModelLoadError
try:
    Llama(sys.argv[1], verbose=False)
except ModelLoadError as error:
    print("refused:", error)
"""


@pytest.mark.parametrize("part", range(N_TRUNCATIONS))
def test_truncated(run_python, tmp_path, model_path, part):
    """Cut off at 20 places: densely in the header and the metadata, then in the weights."""
    data = Path(model_path).read_bytes()
    if part < N_TRUNCATIONS // 2:
        size = [1, 4, 7, 8, 16, 24, 40, 100, 1000, 5000][part]
    else:
        size = len(data) * (part - N_TRUNCATIONS // 2) // (N_TRUNCATIONS // 2) or len(data) - 1
    path = tmp_path / "truncated.gguf"
    path.write_bytes(data[:size])
    done = run_python(TRUNCATED, path)
    assert done.returncode == 0, f"crashed at {size}: {done.returncode} {done.stderr[-500:]}"
    assert "refused:" in done.stdout and str(path) in done.stdout


# ---- arguments


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("n_ctxx", "n_ctx"), ("n_gpu_layer", "n_gpu_layers"), ("verbos", "verbose")],
)
def test_unknown_keyword_warns(load, model_path, name, nearest):
    with pytest.warns(UserWarning, match=f"{name!r}.*{nearest!r}"):
        assert load(model_path, **{name: 1}).n_ctx() == 512


def test_good_arguments_do_not_warn(load, model_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(model_path)


def test_gpu_layers_without_a_gpu_warn(load, model_path):
    if llama_cpp.llama_supports_gpu_offload():
        pytest.skip("this machine has a GPU that the build can use")
    with pytest.warns(UserWarning, match="no GPU.*llama_cpp info"):
        load(model_path, n_gpu_layers=-1)


def test_kv_overrides(load, model_path):
    assert load(model_path, kv_overrides={"general.name": "x", "a.b": 1, "a.c": 1.5, "a.d": True})
    with pytest.raises(ValueError, match="general.name.*128"):
        load(model_path, kv_overrides={"general.name": "ü" * 65})
    with pytest.raises(ValueError, match="a.b.*list|a.b"):
        load(model_path, kv_overrides={"a.b": [1]})


def test_too_many_tensor_splits(load, model_path):
    with pytest.raises(ValueError, match="LLAMA_MAX_DEVICES"):
        load(model_path, tensor_split=[1.0] * (llama_cpp.LLAMA_MAX_DEVICES + 1))


@pytest.mark.parametrize(
    "name, value, least", [("n_ctx", -1, 0), ("n_batch", 0, 1), ("n_ubatch", 0, 1)]
)
def test_impossible_contexts(load, model_path, name, value, least):
    message = f"^{name} is too small: {value}\nGive {name} of at least {least}.$"
    with pytest.raises(llama_cpp.ContextError, match=message):
        load(model_path, **{name: value})


@pytest.mark.parametrize("name, most", [("n_threads", 512), ("n_ctx", 2**31 - 1)])
def test_more_than_there_can_be(load, model_path, name, most):
    """512 is ggml.h's GGML_MAX_N_THREADS; a negative number of threads is the default."""
    with pytest.raises(ValueError, match=f"^{name} has to be a .*number.* of at most {most}, not "):
        load(model_path, **{name: most + 1})


def test_lora_that_is_none(load, model_path, tmp_path):
    missing = tmp_path / "lora.gguf"
    with pytest.raises(RuntimeError, match=str(missing)):
        load(model_path, lora_path=str(missing))
    with pytest.raises(RuntimeError):
        load(model_path, lora_path=model_path)  # a model is no adapter


# ---- prompts


def test_prompt_longer_than_the_context(load, model_path):
    llm = load(model_path, n_ctx=64)
    prompt = "heaven and earth " * 100
    n_tokens = len(llm.tokenize(prompt.encode()))
    message = rf"^Requested tokens \({n_tokens}\) exceed context window of {llm.n_ctx()}\n.*n_ctx"
    for stream in (False, True):
        with pytest.raises(llama_cpp.ContextOverflowError, match=message):
            llm(prompt, stream=stream)
    with pytest.raises(ValueError, match="exceed context window"):
        llm.create_chat_completion([{"role": "user", "content": prompt}])
    with pytest.raises(llama_cpp.ContextOverflowError):
        llm.eval(llm.tokenize(prompt.encode()))
    assert llm("In the", max_tokens=2)["choices"][0]["text"] is not None


def test_generating_beyond_the_context(load, random_models):
    llm = load(random_models / "llama-q8_0.gguf", n_ctx=64)
    with pytest.raises(llama_cpp.ContextOverflowError):
        for _ in llm.generate([1, 300], temp=0):
            pass
    assert llm.n_tokens == llm.n_ctx()


@pytest.mark.parametrize("prompt", ["\ud800", "a\udcffb"])
def test_lone_surrogates(llm, prompt):
    for stream in (False, True):
        with pytest.raises(llama_cpp.TokenizeError, match="U\\+D.*position.*errors='replace'"):
            llm(prompt, stream=stream)
    with pytest.raises(llama_cpp.TokenizeError, match="stop string"):
        llm("fine", stop=prompt)


@pytest.mark.parametrize("data", [b"\xff\xfe", b"caf\xe9", b"\xe2\x82", b"ok \x80 ok"])
def test_invalid_utf8_bytes(llm, data):
    """Either the tokenizer takes the bytes as they are, or it names the fault."""
    try:
        tokens = llm.tokenize(data)
    except llama_cpp.TokenizeError as error:
        assert "UTF-8" in str(error)
    else:
        assert llm.detokenize(tokens) == data


def test_text_instead_of_bytes(llm):
    with pytest.raises(TypeError, match="encode"):
        llm.tokenize("text")


@pytest.mark.parametrize("token", [-1, 10**6, 2**31])
def test_tokens_outside_of_the_vocabulary(llm, token):
    with pytest.raises(ValueError, match="vocabulary"):
        llm([1, token], max_tokens=1)
    with pytest.raises((ValueError, OverflowError)):
        llm.eval([1, token])
    with pytest.raises((ValueError, IndexError, TypeError, OverflowError)):
        llm.detokenize([token])
    assert llm("In the", max_tokens=1)["choices"]


def test_nothing_to_generate_from(fresh):
    with pytest.raises(ValueError, match="no tokens"):
        next(fresh.generate([]))
    with pytest.raises(IndexError, match="eval"):
        fresh.sample()


@pytest.mark.parametrize(
    "arguments", [{"repeat_penalty": 0.0}, {"repeat_penalty": float("nan")}, {"top_k": "many"}]
)
def test_impossible_sampling(llm, arguments):
    with pytest.raises((ValueError, TypeError)):
        llm("In the", max_tokens=1, **arguments)
    assert llm("In the", max_tokens=1)["choices"]


def test_a_processor_that_forbids_everything(llm):
    def nothing(input_ids, scores):
        scores[:] = -float("inf")
        return scores

    with pytest.raises(ValueError, match="no token"):
        llm("In the", max_tokens=2, logits_processor=llama_cpp.LogitsProcessorList([nothing]))
    assert llm("In the", max_tokens=1)["choices"]


def test_a_processor_that_raises(llm):
    def broken(input_ids, scores):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        llm("In the", max_tokens=2, logits_processor=llama_cpp.LogitsProcessorList([broken]))
    assert llm("In the", max_tokens=1)["choices"]


def test_a_processor_that_returns_rubbish(llm):
    for result in (None, [1.0, 2.0], "x"):
        processors = llama_cpp.LogitsProcessorList([lambda ids, scores, r=result: r])
        with pytest.raises((ValueError, TypeError)):
            llm("In the", max_tokens=2, logits_processor=processors)


# ---- after close()


def test_use_after_close(load, model_path):
    llm = load(model_path)
    state = llm.save_state()
    chunks = llm("In the beginning", max_tokens=20, stream=True)
    next(chunks)
    llm.close()
    llm.close()
    for use in (
        lambda: llm("In the"),
        lambda: llm.create_chat_completion([{"role": "user", "content": "hi"}]),
        lambda: llm.tokenize(b"x"),
        lambda: llm.detokenize([1]),
        lambda: llm.eval([1]),
        lambda: llm.embed("x"),
        lambda: next(llm.generate([1])),
        lambda: next(chunks),
        lambda: llm.save_state(),
        lambda: llm.load_state(state),
        lambda: llm.n_vocab(),
        lambda: llm.pooling_type(),
    ):
        with pytest.raises(llama_cpp.ClosedError, match="closed"):
            use()


def test_failed_constructor_leaves_no_noise(run_python, tmp_path):
    done = run_python(
        "import llama_cpp, gc\n"
        "try: llama_cpp.Llama('nowhere.gguf')\n"
        "except ValueError: pass\n"
        "gc.collect()"
    )
    assert done.returncode == 0 and done.stderr == ""


def test_errors_are_one_family():
    for name in dir(llama_cpp):
        if name.endswith("Error"):
            assert issubclass(getattr(llama_cpp, name), llama_cpp.LlamaError), name
    assert issubclass(llama_cpp.OvertakenError, RuntimeError)
    assert Llama.__init__.__doc__
