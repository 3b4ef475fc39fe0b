"""Parameters of llama.cpp that llama-cpp-python's Llama does not have, each by its effect.

The machines that run this have no GPU. Where tensors lie is seen in llama.cpp's log, which names
each one that an override moves, and the buffers; on the CPU alone both ends are RAM.
//tests/accelerators:placement_test tries the same with devices.
"""

from __future__ import annotations

import gc
import logging
import pickle
import re
import shutil
import threading
import time
import weakref

import gguf
import numpy as np
import pytest

import llama_cpp

PROMPT = "w1 w2 w3 w4 w5 w6 w7 w8"


@pytest.fixture
def log_of(load, caplog):
    """Returns a function that loads a model, and llama.cpp's messages meanwhile."""

    def loaded(path, **arguments):
        caplog.clear()
        with caplog.at_level(logging.DEBUG, "llama-cpp-python"):
            llm = load(path, verbose=True, **arguments)
        llama_cpp.set_verbose(False)
        return llm, caplog.text

    return loaded


def moved(log):
    """Returns tensor -> buffer type of those that an override moved."""
    return dict(re.findall(r"tensor (\S+) \(.*buffer type overridden to (\S+)", log))


def experts(layers):
    return {
        f"blk.{layer}.ffn_{part}_exps.weight" for layer in layers for part in ("gate", "up", "down")
    }


# ---- where tensors lie


@pytest.fixture(scope="module")
def mixture(random_models):
    """Returns a model of three layers, of which the last two have experts."""
    return random_models / "deepseek2-f16.gguf"


@pytest.mark.parametrize(
    ("arguments", "layers"),
    [
        ({}, ()),
        ({"n_cpu_moe": 1}, ()),  # the first layer has no experts
        ({"n_cpu_moe": 2}, (1,)),
        ({"n_cpu_moe": 3}, (1, 2)),
        ({"n_cpu_moe": 10**6}, (1, 2)),
        ({"cpu_moe": True}, (1, 2)),
        ({"cpu_moe": True, "n_cpu_moe": 2}, (1, 2)),
    ],
)
def test_experts_in_ram(log_of, mixture, arguments, layers):
    llm, log = log_of(mixture, n_ctx=128, **arguments)
    assert set(moved(log)) == experts(layers)
    assert llm("w1", max_tokens=1)


def test_overrides_of_tensors(log_of, mixture):
    overrides = {r"blk\.[01]\.attn_": "CPU", "output_norm": "CPU"}
    llm, log = log_of(mixture, n_ctx=128, tensor_buft_overrides=overrides, n_cpu_moe=2)
    names = set(moved(log))
    assert {"blk.0.attn_q_a.weight", "blk.1.attn_output.weight", "output_norm.weight"} < names
    assert experts([1]) < names
    assert not any(name.startswith("blk.2") for name in names)
    again = pickle.loads(pickle.dumps(llm))
    assert again.model_params.tensor_buft_overrides == llm.model_params.tensor_buft_overrides


def test_the_pattern_is_llama_cpps():
    """Of n_cpu_moe: llm_ffn_block_regex() and LLM_FFN_EXPS_REGEX in common/common.h."""
    options = _options(n_cpu_moe=12)
    ((pattern, buffer_type),) = options.native().tensor_buft_overrides
    assert buffer_type == "CPU"
    for name, fits in (
        ("blk.0.ffn_gate_up_exps.weight", True),
        ("blk.11.ffn_down_chexps.weight", True),
        ("blk.12.ffn_down_exps.weight", False),
        ("blk.1.ffn_down.weight", False),
        ("blk.21.ffn_up_exps.weight", False),
    ):
        assert bool(re.search(pattern, name)) == fits, name


def _options(**arguments):
    import inspect

    from llama_cpp._engine.options import ModelOptions

    defaults = inspect.signature(llama_cpp.Llama).parameters
    fields = inspect.signature(ModelOptions).parameters
    return ModelOptions(**{name: defaults[name].default for name in fields} | arguments)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"attn": "Moon"}, r"no buffer type named 'Moon'\nThe buffer types are: .*CPU"),
        ({"(": "CPU"}, r"'\(' is not a regular expression"),
        ({"x" * 5000: "CPU"}, "a pattern has 5000 characters"),
        ({"a\0b": "CPU"}, "NUL"),
        ({f"x{i}": "CPU" for i in range(5000)}, "5000 entries"),
    ],
)
def test_wrong_overrides(load, mixture, overrides, message):
    with pytest.raises(llama_cpp.ModelLoadError, match=f"tensor_buft_overrides.*{message}"):
        load(mixture, tensor_buft_overrides=overrides)


@pytest.mark.parametrize(
    "arguments",
    [{"tensor_buft_overrides": {"attn": "CPU"}}, {"cpu_moe": True}, {"n_cpu_moe": 1}],
)
def test_overrides_and_auto(load, mixture, arguments):
    with pytest.raises(ValueError, match=r'n_gpu_layers="auto".*\nLeave tensor_buft_overrides'):
        load(mixture, n_gpu_layers="auto", **arguments)


def test_devices(load, mixture):
    plain = load(mixture, n_ctx=128)("w1", max_tokens=4, temperature=0)["choices"]
    for none in ("none", ["none"], " none "):
        llm = load(mixture, n_ctx=128, devices=none)
        assert llm.model_params.devices == ["none"]
        assert llm("w1", max_tokens=4, temperature=0)["choices"] == plain
    assert load(mixture, n_ctx=128, devices="none", n_gpu_layers="auto")


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        ("Moon0", r"no device named 'Moon0'\nThe devices are: .*CPU"),
        (["none", "CPU"], "no device named 'none'"),
        ("CPU", r"'CPU' is the CPU, which is always used\n.*'none'"),
        ([], "devices has to be at least one name"),
        ("", "no device named ''"),
        ([1], r"devices\[0\] has to be a string"),
    ],
)
def test_wrong_devices(load, mixture, devices, message):
    with pytest.raises((ValueError, TypeError), match=message):
        load(mixture, devices=devices)


# ---- loading


def with_nan(source, target):
    shutil.copyfile(source, target)
    target.chmod(0o600)
    tensor = next(t for t in gguf.GGUFReader(target, "r+").tensors if "ffn_up" in t.name)
    tensor.data[0, 0] = np.nan
    return target


def test_check_tensors(load, random_models, tmp_path):
    path = with_nan(random_models / "tied-f32.gguf", tmp_path / "nan.gguf")
    assert load(path)
    with pytest.raises(llama_cpp.ModelLoadError, match="invalid"):
        load(path, check_tensors=True)
    assert load(random_models / "tied-f32.gguf", check_tensors=True)


def buffers(log):
    """Returns the names of the buffers of weights."""
    return set(re.findall(r"(\S+) model buffer size", log))


def test_use_extra_bufts(log_of, random_models):
    path = random_models / "llama-q4_0.gguf"
    llm, with_extra = log_of(path, n_ctx=128)
    plain, without = log_of(path, n_ctx=128, use_extra_bufts=False)
    assert buffers(without) <= {"CPU", "CPU_Mapped"}
    if not buffers(with_extra) - {"CPU", "CPU_Mapped"}:
        pytest.skip("this CPU variant repacks no weights")
    assert llm.model_params.use_extra_bufts and not plain.model_params.use_extra_bufts


def test_load_mtp(log_of, mixture):
    """A file that says that its last layer predicts several tokens."""

    def loaded(**arguments):
        overrides = {"deepseek2.nextn_predict_layers": 1}
        llm, log = log_of(mixture, n_ctx=128, kv_overrides=overrides, **arguments)
        assert llm.model.n_layer == 2
        return sum(map(float, re.findall(r"model buffer size = +([\d.]+) MiB", log)))

    assert loaded(load_mtp=True) > loaded()


@pytest.mark.parametrize("name", ["no_host", "load_mtp"])
def test_switches_reach_llama_cpp(load, mixture, name):
    """No_host shows on a machine with a GPU alone, whose driver has buffers of its own in RAM."""
    llm = load(mixture, n_ctx=128, **{name: True})
    assert getattr(llm.model_params, name) is True
    assert getattr(load(mixture, n_ctx=128).model_params, name) is False


def test_lazy_mode(load, mixture):
    """It acts on tables that no model of the tests has (per_layer_token_embd of Gemma 3n)."""
    plain = load(mixture, n_ctx=128)
    assert plain.model_params.lazy_mode == llama_cpp.LLAMA_LAZY_MODE_AUTO
    for mode in (llama_cpp.LLAMA_LAZY_MODE_OFF, llama_cpp.LLAMA_LAZY_MODE_ON):
        llm = load(mixture, n_ctx=128, lazy_mode=mode)
        assert llm.model_params.lazy_mode == mode
    with pytest.raises(ValueError, match="lazy_mode"):
        load(mixture, lazy_mode=3)


def test_progress(load, mixture):
    seen = []
    assert load(mixture, progress_callback=seen.append)
    assert seen == sorted(seen) and seen[0] < 1 and seen[-1] == 1
    with pytest.raises(llama_cpp.ModelLoadError, match="callback returned False"):
        load(mixture, progress_callback=lambda part: part < 0.5)
    with pytest.raises(ZeroDivisionError):
        load(mixture, progress_callback=lambda part: 1 / 0)
    with pytest.raises(TypeError, match="progress_callback has to be a function"):
        load(mixture, progress_callback=5)


# ---- contexts


def test_sequences(load, random_models):
    model = random_models / "embedding-f16.gguf"
    texts = ["w1 w2", "w3", "w4 w5 w6"]
    plain = load(model, embedding=True)
    few = load(model, embedding=True, n_seq_max=2)
    assert few.ctx.n_seq_max == 2 < plain.ctx.n_seq_max
    np.testing.assert_allclose(few.embed(texts), plain.embed(texts), atol=3e-3)
    with pytest.raises(ValueError, match="kv_unified=False cannot be set with embedding"):
        load(model, embedding=True, kv_unified=False)


def test_native_vectors_of_several_texts_need_one_cache(load, random_models):
    """The native class takes such a context; llama.cpp would give vectors of parts of texts."""
    model = load(random_models / "embedding-f16.gguf").model
    params = llama_cpp._core.ContextParams()
    params.n_ctx, params.n_seq_max, params.embeddings = 512, 2, True
    texts = [[5, 6, 7], [8]]
    context = llama_cpp._core.Context(model, params)
    with pytest.raises(llama_cpp.ContextError, match="\nCreate.*kv_unified = True"):
        context.decode_sequences(texts)
    context.decode_sequences(texts[:1])
    alone = context.embeddings_seq(0)
    params.kv_unified = True
    context = llama_cpp._core.Context(model, params)
    context.decode_sequences(texts)
    np.testing.assert_allclose(context.embeddings_seq(0), alone, atol=3e-3)


def test_a_sequence_has_its_part_of_the_context(load, random_models):
    llm = load(random_models / "tied-f32.gguf", n_seq_max=2, n_ctx=512)
    assert llm.n_ctx() == 256
    llm.eval([5] * 256)
    with pytest.raises(llama_cpp.ContextOverflowError, match="exceed context window of 256"):
        llm.eval([5])
    unified = load(random_models / "tied-f32.gguf", n_seq_max=2, n_ctx=512, kv_unified=True)
    assert unified.n_ctx() == 512


def test_outputs(load, random_models):
    model = random_models / "tied-f32.gguf"
    arguments = {"max_tokens": 1, "logprobs": 1, "echo": True, "temperature": 0}
    plain, few = load(model), load(model, n_outputs_max=2)
    assert few.context_params.n_outputs_max == 2
    found, expected = (
        llm(PROMPT, **arguments)["choices"][0]["logprobs"]["token_logprobs"][1:]
        for llm in (few, plain)
    )
    np.testing.assert_allclose(found, expected, atol=1e-3)
    with pytest.raises(ValueError, match="n_outputs_max cannot be set with embedding"):
        load(random_models / "embedding-f16.gguf", embedding=True, n_outputs_max=2)
    with pytest.raises(llama_cpp.ContextError, match="n_outputs_max = 2 is less than n_seq_max"):
        load(model, n_seq_max=3, n_outputs_max=2)


def test_states_that_can_be_taken_back(log_of, random_models):
    """None of the architectures for which llama.cpp does it is among the tests' models."""
    model = random_models / "qwen3next-f16.gguf"
    llm, log = log_of(model, n_ctx=128, n_rs_seq=4)
    assert llm.context_params.n_rs_seq == 4 and "n_rs_seq=4 requested" in log
    with pytest.raises(llama_cpp.ContextError, match="n_rs_seq = 128 is out of range: 0 to 127"):
        log_of(model, n_ctx=128, n_rs_seq=128)


@pytest.mark.parametrize(("kind", "word"), [(-1, "auto"), (0, "disabled"), (1, "enabled")])
def test_flash_attn_type(log_of, random_models, kind, word):
    llm, log = log_of(random_models / "tied-f32.gguf", flash_attn_type=kind, flash_attn=True)
    assert llm.context_params.flash_attn_type == kind
    assert re.search(rf"flash_attn\s+= {word}", log)


@pytest.mark.parametrize(
    "arguments",
    [{"n_seq_max": 0}, {"n_seq_max": 10**6}, {"n_rs_seq": -1}, {"n_outputs_max": 0}]
    + [{"flash_attn_type": 2}, {"kv_unified": 2}, {"n_cpu_moe": -1}],
)
def test_values_out_of_range(load, model_path, arguments):
    with pytest.raises((ValueError, TypeError), match=next(iter(arguments))):
        load(model_path, **arguments)


# ---- abort_callback


class Asked:
    """Counts its calls; answers True from `limit` on."""

    def __init__(self, limit=10**9):
        self.count = 0
        self.limit = limit

    def __call__(self):
        self.count += 1
        return self.count >= self.limit


def test_it_is_asked_for_each_micro_batch(load, random_models):
    asked = Asked()
    llm = load(random_models / "tied-f32.gguf", n_ctx=512, n_ubatch=32, abort_callback=asked)
    llm.eval([5] * 320)
    assert 10 <= asked.count < 20
    plain = load(random_models / "tied-f32.gguf", n_ctx=512, n_ubatch=32)
    plain.eval([5] * 320)
    np.testing.assert_allclose(llm.ctx.logits(-1), plain.ctx.logits(-1), atol=1e-5)


@pytest.mark.parametrize("limit", [1, 4])
def test_it_ends_a_call(load, random_models, limit):
    asked = Asked(limit)
    llm = load(random_models / "tied-f32.gguf", n_ctx=512, n_ubatch=32, abort_callback=asked)
    with pytest.raises(llama_cpp.AbortedError, match="the abort callback"):
        llm([5] * 300, max_tokens=1)
    assert asked.count == limit and llm.n_tokens == 0
    asked.count, asked.limit = 0, 10**9
    expected = load(random_models / "tied-f32.gguf", n_ctx=512)(PROMPT, temperature=0)
    assert llm(PROMPT, temperature=0)["choices"] == expected["choices"]


def test_it_ends_one_long_computation(load, random_models):
    """Within a micro-batch, too: one of 4096 tokens takes some seconds."""
    began = []
    llm = load(
        random_models / "llama-f32.gguf",
        n_ctx=4096,
        n_batch=4096,
        n_ubatch=4096,
        abort_callback=lambda: began and time.monotonic() - began[0] > 0.2,
    )
    began.append(time.monotonic())
    with pytest.raises(llama_cpp.AbortedError):
        llm.eval([5] * 4096)
    aborted = time.monotonic() - began[0]
    began.clear()
    start = time.monotonic()
    llm.eval([5] * 4096)
    if time.monotonic() - start < 1:
        pytest.skip("this machine is too fast for the comparison")
    assert aborted < 0.75 * (time.monotonic() - start)


def test_its_exception_comes_out(load, random_models):
    class Stop(BaseException):
        pass

    raising = []

    def callback():
        if raising:
            raise raising[0]

    llm = load(random_models / "tied-f32.gguf", abort_callback=callback)
    for error in (Stop("now"), ZeroDivisionError()):
        raising[:] = [error]
        for call in (
            lambda: llm(PROMPT),
            lambda: llm.eval([5]),
            lambda: next(llm.generate([5], temp=0)),
        ):
            with pytest.raises(type(error)) as caught:
                call()
            assert caught.value is error and llm.n_tokens == 0
    raising.clear()
    assert llm(PROMPT, max_tokens=1)


def test_it_ends_embeddings(load, random_models):
    asked = Asked(1)
    llm = load(random_models / "embedding-f16.gguf", embedding=True, abort_callback=asked)
    with pytest.raises(llama_cpp.AbortedError):
        llm.embed("w1")
    asked.limit = 10**9
    assert llm.embed("w1")


def test_abort_from_elsewhere_has_its_own_words(load, random_models):
    llm = load(random_models / "tied-f32.gguf", abort_callback=Asked())
    llm.ctx.abort()
    with pytest.raises(llama_cpp.AbortedError, match=r"abort\(\)"):
        llm.eval([5])


def test_a_callback_that_uses_its_llama(load, random_models):
    """The context is busy; the error comes out like any other of the callback."""
    holder = []
    llm = load(random_models / "tied-f32.gguf", abort_callback=lambda: holder[0].eval([5]))
    holder.append(llm)
    with pytest.raises(llama_cpp.BusyError):
        llm.eval([5])


def test_callbacks_of_two_threads(load, random_models):
    """Each call ends with the exception of its own thread's callback."""
    llm = load(random_models / "tied-f32.gguf", abort_callback=lambda: raise_thread())
    results = []

    def raise_thread():
        raise RuntimeError(threading.get_ident())

    def work():
        for _ in range(50):
            with pytest.raises(RuntimeError) as caught:
                llm.eval([5])
            results.append(caught.value.args[0] == threading.get_ident())

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 150


def test_a_callback_does_not_keep_its_llama(load, random_models):
    """Though it refers to it: the garbage collector finds the circle."""

    class Callback:
        llama = None

        def __call__(self):
            return False

    callback = Callback()
    llm = load(random_models / "tied-f32.gguf", abort_callback=callback)
    callback.llama = llm
    session = weakref.ref(llm._session)
    del llm, callback
    gc.collect()
    assert session() is None


def test_native_callbacks_can_be_taken_away(load, random_models):
    llm = load(random_models / "tied-f32.gguf")
    llm.ctx.set_abort_callback(lambda: True)
    with pytest.raises(llama_cpp.AbortedError):
        llm.eval([5])
    llm.ctx.set_abort_callback(None)
    llm.eval([5])
