"""Every sampling argument reaches llama.cpp, whichever way a text is asked for."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

import llama_cpp
from llama_cpp._engine.sampling import Sampling
from llama_cpp._engine.session import Session

MESSAGES = [{"role": "user", "content": "In the beginning"}]
# Other than the defaults, and such that the model still ends at once.
VALUES = {
    "temperature": 0.75,
    "top_k": 7,
    "top_p": 0.5,
    "min_p": 0.125,
    "typical_p": 0.25,
    "repeat_penalty": 1.5,
    "frequency_penalty": 0.625,
    "presence_penalty": 0.375,
    "mirostat_mode": 2,
    "mirostat_tau": 4.5,
    "mirostat_eta": 0.25,
    "grammar": 'root ::= "a" | "b"',
    "logit_bias": {5: 1.5},
    "more": {"xtc_probability": 0.25},
}
TEMP = {"sample": "temp", "generate": "temp"}
WITHOUT_BIAS = ("sample", "generate")


def formatter(messages, **kwargs):
    return llama_cpp.llama_chat_format.ChatFormatterResponse(prompt=messages[-1]["content"])


def chat(llm, handler):
    llm.chat_handler = handler
    return lambda **arguments: llm.create_chat_completion(MESSAGES, max_tokens=1, **arguments)


def paths(llm):
    """Returns, by name, functions that generate a token with sampling arguments."""
    tokens = llm.tokenize(b"In the beginning")
    llm.eval(tokens)
    formats = llama_cpp.llama_chat_format
    handlers = {
        "template": llm._chat_handlers["chat_template.default"],
        "formatter": formats.chat_formatter_to_chat_completion_handler(formatter),
        "function calling": formats.get_chat_completion_handler("chatml-function-calling"),
    }
    return {
        "sample": llm.sample,
        "generate": lambda **arguments: next(llm.generate(tokens, **arguments)),
        "create_completion": lambda **more: llm.create_completion("In", max_tokens=1, **more),
        "__call__": lambda **arguments: llm("In", max_tokens=1, **arguments),
        **{
            name: lambda handler=handler, **arguments: chat(llm, handler)(**arguments)
            for name, handler in handlers.items()
        },
    }


@pytest.fixture
def native(monkeypatch):
    """Returns the llama.cpp parameters that were made, as text."""
    made = []
    original = Session.native_sampling

    def record(session, sampling):
        params = original(session, sampling)
        made.append(sampling)
        return params

    monkeypatch.setattr(Session, "native_sampling", record)
    return made


def test_the_table_is_complete():
    assert set(VALUES) == {field.name for field in dataclasses.fields(Sampling)}
    default = Sampling()
    assert all(getattr(default, name) != value for name, value in VALUES.items())


@pytest.mark.parametrize("option", sorted(VALUES))
def test_every_path_passes_it_on(fresh, native, option):
    value = VALUES[option]
    for name, call in paths(fresh).items():
        if option == "logit_bias" and name in WITHOUT_BIAS:
            continue  # llama-cpp-python's sample() and generate() have no such parameter
        native.clear()
        named = TEMP.get(name, option) if option == "temperature" else option
        call(**(value if option == "more" else {named: value}))
        (sampling,) = native
        found = getattr(sampling, option)
        if option == "grammar" and not isinstance(found, str):
            found = found._grammar
        assert found == value, name


@pytest.mark.parametrize("option", sorted(set(VALUES) - {"more"}))
def test_it_changes_llama_cpps_parameters(option):
    changed = Sampling(**{option: VALUES[option]}).native(1, 64, {})
    default = Sampling().native(1, 64, {})
    native = Sampling.__dataclass_fields__[option].metadata["native"]
    if not option.startswith("mirostat_t") and not option.startswith("mirostat_e"):
        assert getattr(changed, native) != getattr(default, native)
    else:
        assert getattr(changed, native) == pytest.approx(VALUES[option])


def test_llama_cpps_own_names(fresh):
    arguments = {"max_tokens": 12, "temperature": 0}
    plain = fresh("In the beginning", **arguments)["choices"][0]["text"]
    forced = {"logit_bias": {}, "dry_multiplier": 0.0}
    assert fresh("In the beginning", **arguments, **forced)["choices"][0]["text"] == plain
    with pytest.raises(TypeError, match="xtc_probability has to be a number"):
        fresh("In", max_tokens=1, xtc_probability="x")


@pytest.mark.parametrize("name", ["create_completion", "generate", "sample"])
def test_an_unknown_name_is_a_type_error(fresh, name):
    arguments = {"create_completion": ["In"], "generate": [[1]], "sample": []}[name]
    with pytest.raises(TypeError, match=rf"{name}\(\) got an unexpected .*'top_b'; did you mean"):
        getattr(fresh, name)(*arguments, top_b=1)


def test_the_defaults_are_those_of_the_signature():
    parameters = inspect.signature(llama_cpp.Llama.create_completion).parameters
    for field in dataclasses.fields(Sampling):
        if field.name != "more":
            assert parameters[field.name].default == getattr(Sampling(), field.name), field.name
