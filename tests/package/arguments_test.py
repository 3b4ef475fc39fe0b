"""Arguments of the wrong kind: an error that names the parameter, whatever the method."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

import llama_cpp
from llama_cpp import llama_chat_format
from llama_cpp._engine import arguments as _arguments

MESSAGES = [{"role": "user", "content": "Who?"}]
NAN, INF = float("nan"), float("inf")
WRONG = [object(), b"text", "rubbish", [object()], {"type": "rubbish"}, -5.5, NAN, 1j, -(10**400)]

# Parameters that take some of the values above, and those values.
TAKES = {
    "prompt": ["rubbish"],
    "suffix": ["rubbish"],
    "model": ["rubbish"],
    "stop": ["rubbish"],
    "input": ["rubbish"],
    "query": ["rubbish"],
    "text": [b"text"],
    "name": ["rubbish"],
    "temperature": [-5.5],
    "temp": [-5.5],
    "frequency_penalty": [-5.5],
    "presence_penalty": [-5.5],
    "tfs_z": [-5.5],
    "chat_template_kwargs": [{"type": "rubbish"}],
    "reasoning_effort": ["rubbish"],
}
# Not checked: they reach the template or handler as they are, or have tests of their own.
FREE = {"self", "verbose", "args", "kwargs", "cls", "more"}
REQUIRED = {"prompt": "In", "messages": MESSAGES, "tokens": [1, 2], "text": b"In", "input": "In"}
REQUIRED.update(query="In", documents=["the"], path="lora.gguf")


def methods():
    llama = llama_cpp.Llama
    for name in (
        *("create_completion", "__call__", "create_chat_completion", "generate", "sample"),
        *("eval", "tokenize", "detokenize", "embed", "create_embedding", "rank"),
        *("set_cache", "set_seed", "load_state", "load_lora", "set_loras", "unload_lora"),
    ):
        for parameter in inspect.signature(getattr(llama, name)).parameters:
            if parameter not in FREE:
                yield name, parameter


def names_it(error, parameter):
    assert isinstance(error, (TypeError, ValueError)), repr(error)
    assert not isinstance(error, UnicodeError)
    assert parameter in str(error), f"{parameter} is not in: {error}"
    assert "incompatible function arguments" not in str(error)


@pytest.mark.parametrize(("method", "parameter"), list(methods()))
def test_methods(llm, method, parameter):
    function = getattr(llm, method)
    needed = [
        name
        for name, each in inspect.signature(function).parameters.items()
        if each.default is inspect.Parameter.empty and name not in (parameter, "more")
    ]
    arguments = {name: REQUIRED[name] for name in needed}
    if method in ("create_completion", "__call__", "create_chat_completion"):
        arguments["max_tokens"] = 1
    for value in WRONG:
        if any(value is allowed or value == allowed for allowed in TAKES.get(parameter, ())):
            continue
        if parameter in ("grammar", "tool_choice", "function_call") and isinstance(value, str):
            continue  # text of a grammar, or a name: errors of their own
        with pytest.raises((TypeError, ValueError)) as caught:
            result = function(**{**arguments, parameter: value})
            if inspect.isgenerator(result):
                next(result)
        names_it(caught.value, parameter)


@pytest.mark.parametrize(
    "parameter", [p for p in inspect.signature(llama_cpp.Llama).parameters if p not in FREE]
)
def test_constructor(model_path, parameter):
    takes = {
        **dict.fromkeys(
            ("model_path", "lora_base", "lora_path", "mmproj_path"), ["rubbish", b"text"]
        ),
        **dict.fromkeys(("yarn_ext_factor", "yarn_attn_factor"), [-5.5]),
        **dict.fromkeys(("yarn_beta_fast", "yarn_beta_slow", "lora_scale"), [-5.5]),
        "chat_format": ["rubbish"],
        "kv_overrides": [{"type": "rubbish"}],
    }
    for value in WRONG:
        if value in takes.get(parameter, ()):
            continue
        with pytest.raises((TypeError, ValueError)) as caught:
            llama_cpp.Llama(**{"model_path": model_path, "verbose": False, parameter: value})
        names_it(caught.value, parameter)


def test_every_parameter_has_a_kind():
    llama = llama_cpp.Llama
    for name in ("__init__", "from_pretrained", *{method for method, _ in methods()}):
        kinds = _arguments.CHAT_KINDS if "chat" in name else _arguments.KINDS
        for parameter in inspect.signature(getattr(llama, name)).parameters:
            checked_elsewhere = {"n_gpu_layers"} | FREE - {"verbose"}
            assert parameter in kinds or parameter in checked_elsewhere, (name, parameter)


@pytest.mark.parametrize("parameter", ["temperature", "top_p", "min_p", "repeat_penalty", "tfs_z"])
def test_numbers_are_finite(llm, parameter):
    for value in (NAN, INF, -INF, np.float32("nan"), 1e300, 10**400):
        for call in (
            lambda p, v: llm("In", max_tokens=1, **{p: v}),
            lambda p, v: llm.create_chat_completion(MESSAGES, max_tokens=1, **{p: v}),
            lambda p, v: llama_chat_format.get_chat_completion_handler("chatml")(
                llama=llm, messages=MESSAGES, max_tokens=1, **{p: v}
            ),
        ):
            with pytest.raises(ValueError, match=parameter):
                call(parameter, value)


def test_values_that_users_pass(llm):
    """None for the default, numpy's numbers, whole floats, JSON's keys, tuples, arrays."""
    expected = llm("In the", max_tokens=3, temperature=0, seed=1)["choices"]
    for arguments in (
        dict.fromkeys(("top_p", "top_k", "min_p", "repeat_penalty", "stop", "stream", "echo")),
        {"top_k": np.int64(40), "top_p": np.float32(0.95), "stop": ("§§",)},
        {"top_k": 40.0, "repeat_penalty": 1, "echo": np.bool_(False), "stream": 0},
        {"logit_bias": {"5": 0}, "logits_processor": lambda ids, scores: scores},
        {"logits_processor": [], "stopping_criteria": [lambda ids, scores: False]},
    ):
        arguments = {"max_tokens": 3, "temperature": 0, "seed": 1, **arguments}
        assert llm("In the", **arguments)["choices"] == expected, arguments
    tokens = llm.tokenize(b"In the")
    for prompt in (tokens, tuple(tokens), np.array(tokens), np.array(tokens, np.uint16)):
        assert llm(prompt, max_tokens=3, temperature=0, seed=1)["choices"] == expected
    assert llm.tokenize(bytearray(b"In the")) == tokens
    assert llm.detokenize(np.array(tokens)) == llm.detokenize(tokens)
    for seed in (-1, 0, 2**32 - 1, 2**63):
        assert llm("In", max_tokens=1, seed=seed)["choices"]
    for max_tokens in (None, 0, -1):
        assert llm("In", max_tokens=max_tokens, stop=["a", "e", " "])["choices"]


def test_none_for_the_constructor(load, model_path):
    arguments = [n for n in inspect.signature(llama_cpp.Llama).parameters if n not in FREE]
    # tests/accelerators:gpu_layers_test: None is no number of layers.
    arguments = dict.fromkeys(n for n in arguments if n not in ("model_path", "n_gpu_layers"))
    assert load(model_path, **arguments).n_ctx() == 512


@pytest.mark.parametrize("token", [-1, 10**6, 2**31, 2**70])
def test_vocabulary(llm, token):
    generated = llm.generate([1, 2])
    next(generated)
    for name, call in (
        ("prompt", lambda: llm([1, token], max_tokens=1)),
        ("tokens", lambda: llm.eval([1, token])),
        ("tokens", lambda: next(llm.generate([1, token]))),
        ("tokens", lambda: generated.send([token])),
        ("tokens", lambda: llm.detokenize([1, token])),
        ("logit_bias", lambda: llm("In", max_tokens=1, logit_bias={token: 1.0})),
        ("logit_bias", lambda: llm.create_chat_completion(MESSAGES, logit_bias={token: 1.0})),
    ):
        with pytest.raises(ValueError, match=f"{name}.*vocabulary"):
            call()


@pytest.mark.parametrize("bias", [{"x": 1}, {1.5: 1}, {True: 1}, {5: NAN}, {5: INF}, {5: "a"}])
def test_logit_bias(llm, bias):
    with pytest.raises((TypeError, ValueError), match="logit_bias"):
        llm("In", max_tokens=1, logit_bias=bias)
    assert llm("In", max_tokens=1, logit_bias={5: -INF})["choices"]


@pytest.mark.parametrize("stop", [[""], "", ["a", None], [b"a"], [1], 5])
def test_stop(llm, stop):
    with pytest.raises((TypeError, ValueError), match="stop"):
        llm("In", max_tokens=1, stop=stop)


@pytest.mark.parametrize(
    "messages", ["hi", {"role": "user", "content": "hi"}, ["hi"], [["user", "hi"]], 5, b"hi"]
)
def test_messages(llm, messages):
    with pytest.raises(TypeError, match="messages"):
        llm.create_chat_completion(messages)
    for name in ("chatml", "llama-2", "chatml-function-calling"):
        with pytest.raises(TypeError, match="messages"):
            llama_chat_format.get_chat_completion_handler(name)(llama=llm, messages=messages)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tools", [{"type": "function"}]),
        ("tools", [{"type": "function", "function": {"name": 5}}]),
        ("tools", [{"type": "web_search"}]),
        ("tools", [{"type": "function", "function": {"name": "f", "parameters": "x"}}]),
        ("functions", [{"description": "x"}]),
        ("tool_choice", {"type": "auto"}),
        ("tool_choice", {"type": "function", "function": "f"}),
        ("function_call", {"nome": "f"}),
        ("response_format", {"typ": "json_object"}),
        ("response_format", {"type": "json_schema", "json_schema": "x"}),
    ],
)
def test_forms_of_a_chat(llm, name, value):
    with pytest.raises(ValueError, match=name):
        llm.create_chat_completion(MESSAGES, max_tokens=1, **{name: value})


@pytest.mark.parametrize("value", [{"type": "object"}, 5, None, b"{}", ["a"]])
def test_grammars(value):
    grammar = llama_cpp.LlamaGrammar
    with pytest.raises(TypeError, match="json_schema.*json.dumps"):
        grammar.from_json_schema(value)
    with pytest.raises(TypeError, match="grammar"):
        grammar.from_string(value)


@pytest.mark.parametrize("value", [{"type": "object"}, 5, None, ["a"]])
def test_grammar_files(value):
    with pytest.raises(TypeError, match="file"):
        llama_cpp.LlamaGrammar.from_file(value)


def test_sampling_extras(load, model_path):
    llm = load(model_path)
    for extras in ({"xtc_probability": NAN}, {"dry_multiplier": "x"}, {"samplers": 5}, [1]):
        llm.sampling_extras = extras
        with pytest.raises((TypeError, ValueError), match="sampling_extras"):
            llm("In", max_tokens=1)


# ---- names that were parameters once


@pytest.mark.parametrize(
    "name", ["f16_kv", "low_vram", "mul_mat_q", "n_gqa", "n_parts", "rms_norm_eps"]
)
def test_parameters_of_the_past_are_silent(load, model_path, name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(model_path, **{name: True})


def test_an_unknown_parameter_that_is_none_is_silent(load, model_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(model_path, device=None)
    with pytest.warns(UserWarning, match="no parameter 'device'"):
        load(model_path, device="cuda")
