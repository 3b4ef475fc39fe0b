"""Messages: every text reaches the prompt or raises, and returned messages may be sent back."""

from __future__ import annotations

import itertools
import json

import pytest

import llama_cpp
from llama_cpp import llama_chat_format
from llama_cpp._chat import messages as chat_messages
from llama_cpp._chat.named_formats import FORMATS

NAMED = [*FORMATS, "llama-2", "mistral-instruct", "saiga"]
CLOCK = {
    "type": "function",
    "function": {
        "name": "get_time",
        "parameters": {
            "type": "object",
            "properties": {"zone": {"enum": ["Coordinated", "Central"]}},
            "required": ["zone"],
        },
    },
}
OTHER = {"type": "function", "function": {"name": "get_weather", "parameters": {}}}
PARSING_TEMPLATE = (  # reads the arguments as an object, as Qwen's and many others do
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls %}"
    "<tool_call>{{ c.function.name }}{% for k, v in c.function.arguments|items %}({{ k }}={{ v }})"
    "{% endfor %}</tool_call>{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


class PromptTaken(Exception):
    pass


@pytest.fixture
def prompt_of(load, model_path):
    """Returns the prompt that a handler makes of messages, as the model sees it."""
    llm = load(model_path)
    handlers = {
        name: llama_chat_format.get_chat_completion_handler(name)
        for name in [*NAMED, "chatml-function-calling"]
    }
    handlers["jinja"] = llama_chat_format.Jinja2ChatFormatter(
        llama_chat_format.CHATML_CHAT_TEMPLATE, eos_token="<|im_end|>", bos_token=""
    ).to_chat_handler()
    handlers["model"] = llm._chat_handlers["chat_template.default"]
    handlers["parsing"] = llama_chat_format.TemplateChatHandler(llm.model, PARSING_TEMPLATE)

    def take(text, *rest):
        raise PromptTaken(text.decode())

    llm.tokenizer_.tokenize = take

    def prompt_of(name, messages, **arguments):
        with pytest.raises(PromptTaken) as taken:
            handlers[name](llama=llm, messages=messages, **arguments)
        return str(taken.value)

    prompt_of.names = list(handlers)
    return prompt_of


def texts_of(value):
    """Returns the strings that a message says to the model."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return list(itertools.chain.from_iterable(map(texts_of, value)))
    if isinstance(value, dict):
        silent = ("role", "type", "id", "tool_call_id", "cache_control", "index")
        return [t for k, v in value.items() if k not in silent for t in texts_of(v)]
    return []


def call(arguments="{}", name="get_time", id="call_1"):
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


ASK = {"role": "user", "content": "Frage {0} Grüße"}
SHAPES = {
    "text": [{"role": "system", "content": "Be {terse}."}, ASK],
    "parts": [{"role": "user", "content": [{"type": "text", "text": "A1"}, "B2"]}],
    "system parts": [{"role": "system", "content": [{"type": "text", "text": "S1"}]}, ASK],
    "assistant parts": [ASK, {"role": "assistant", "content": [{"type": "text", "text": "A1"}]}],
    "remarks": [
        {"role": "user", "content": [{"type": "text", "text": "A1", "cache_control": {"x": "y"}}]}
    ],
    "two systems": [
        {"role": "system", "content": "S1"},
        {"role": "system", "content": [{"type": "text", "text": "S2"}]},
        ASK,
    ],
    "system in the middle": [ASK, {"role": "system", "content": "S1"}, ASK],
    "system only": [{"role": "system", "content": "S1"}],
    "system at the end": [ASK, {"role": "system", "content": "S1"}],
    "developer": [{"role": "developer", "content": "D1"}, ASK],
    "two users": [ASK, {"role": "user", "content": "U2"}],
    "assistant first": [{"role": "assistant", "content": "A1"}, ASK],
    "assistant last": [ASK, {"role": "assistant", "content": "A1"}],
    "refusal": [ASK, {"role": "assistant", "content": None, "refusal": "R1"}],
    "refusal part": [
        ASK,
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "R1"}]},
    ],
    "no content": [ASK, {"role": "assistant", "content": None, "refusal": None, "audio": None}],
    "unknown role": [ASK, {"role": "narrator", "content": "N1"}],
}
CALLS = {
    "tool": [
        ASK,
        {"role": "assistant", "content": None, "tool_calls": [call('{"zone": "Z1"}')]},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "T1"}]},
    ],
    "call with text": [
        ASK,
        {"role": "assistant", "content": "A1", "tool_calls": [call()]},
        {"role": "tool", "tool_call_id": "call_1", "content": "T1"},
    ],
    "no content key": [
        ASK,
        {"role": "assistant", "tool_calls": [call('{"zone": "Z1"}')]},
        {"role": "tool", "tool_call_id": "call_1", "content": "T1"},
    ],
    "two calls": [
        ASK,
        {"role": "assistant", "content": "", "tool_calls": [call(), call(name="f2", id="call_2")]},
        {"role": "tool", "tool_call_id": "call_2", "content": "T2"},
        {"role": "tool", "tool_call_id": "call_1", "content": "T1"},
    ],
    "function_call": [
        ASK,
        {"role": "assistant", "content": None, "function_call": call()["function"]},
        {"role": "function", "name": "get_time", "content": "F1"},
    ],
    "name": [{"role": "user", "name": "Anna", "content": "A1"}],
}


def test_all_texts_are_in_the_prompt(prompt_of):
    for name, (shape, messages) in itertools.product(prompt_of.names, SHAPES.items()):
        try:
            prompt = prompt_of(name, messages)
        except llama_cpp.ChatTemplateError:
            assert shape == "unknown role", (name, shape)
            continue
        for text in texts_of([message.get("content") for message in messages]):
            assert text in prompt, (name, shape, prompt)
        for message in messages:
            assert (message.get("refusal") or "") in prompt, (name, shape, prompt)


def test_calls_results_and_names_are_in_the_prompt(prompt_of):
    for name, (shape, messages) in itertools.product(
        [*NAMED, "chatml-function-calling"], CALLS.items()
    ):
        prompt = prompt_of(name, messages)
        for text in texts_of(messages):
            assert text in prompt, (name, shape, prompt)


@pytest.mark.parametrize("name", [*NAMED, "chatml-function-calling"])
def test_unknown_roles_raise(llm, name):
    handler = llama_chat_format.get_chat_completion_handler(name)
    with pytest.raises(llama_cpp.ChatTemplateError, match=f"{name}.*narrator|narrator.*{name}"):
        handler(llama=llm, messages=[ASK, {"role": "narrator", "content": "N1"}], max_tokens=1)


WRONG = {
    "image": {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]},
    "audio": {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]},
    "file": {"role": "user", "content": [{"type": "file", "file": {}}]},
    "poem": {"role": "user", "content": [{"type": "poem", "poem": "x"}]},
    "caption": {"role": "user", "content": [{"type": "text", "text": "x", "caption": "y"}]},
    "'text'": {"role": "user", "content": [{"type": "text", "content": "x"}]},
    "content": {"role": "user"},
    "None": {"role": "user", "content": None},
    "5": {"role": "user", "content": 5},
    "dict": {"role": "user", "content": {"type": "text", "text": "x"}},
    "role": {"content": "x"},
    "custom": {"role": "assistant", "tool_calls": [{"type": "custom", "custom": {}}]},
    "tool_calls": {"role": "assistant", "content": "x", "tool_calls": "x"},
    "name": {"role": "assistant", "tool_calls": [{"type": "function", "function": {}}]},
    "images": {"role": "user", "content": "x", "images": ["y"]},
}


@pytest.mark.parametrize("word", WRONG)
def test_messages_that_cannot_be_shown_raise(llm, word):
    errors = (llama_cpp.ChatTemplateError, llama_cpp.MediaError)
    formatter = llama_chat_format.Jinja2ChatFormatter(
        llama_chat_format.CHATML_CHAT_TEMPLATE, eos_token="", bos_token=""
    )
    with pytest.raises(errors, match=rf"messages\[0\](.|\n)*{word}"):
        formatter(messages=[WRONG[word]])
    for name in NAMED:
        with pytest.raises(errors, match=rf"messages\[0\](.|\n)*{word}"):
            llama_chat_format.get_chat_completion_handler(name)(llama=llm, messages=[WRONG[word]])
    with pytest.raises(errors, match=rf"messages\[0\](.|\n)*{word}"):
        llm.create_chat_completion([WRONG[word]])


# ---- returned messages are sent back


def test_cut_off_arguments_are_closed():
    whole = {"città": 'a "b" \\ é\n', "n": [1.5e3, {"x": True}, None, False], "e": {}}
    for text in (json.dumps(whole), json.dumps(whole, ensure_ascii=False, indent=1)):
        for end in range(len(text) + 1):
            closed = chat_messages.as_object(text[:end])
            assert isinstance(json.loads(closed), dict), text[:end]
            assert "arguments" not in json.loads(closed), text[:end]
        assert chat_messages.as_object(text) == text
    for text in ("Rome", "[1]", "}", '{"a": 1} x', "NaN", '{"a": NaN}', "[" * 10**5):
        assert json.loads(chat_messages.as_object(text)) == {"arguments": text}


def assembled(chunks):
    """Puts a stream together as clients do that add up whatever comes."""
    message, calls, reason = {"content": ""}, {}, None
    for chunk in chunks:
        choice = chunk["choices"][0]
        reason = choice["finish_reason"] or reason
        for key, value in choice["delta"].items():
            if key == "tool_calls":
                for piece in value:
                    known = calls.setdefault(piece["index"], {"function": {"arguments": ""}})
                    known.update({k: v for k, v in piece.items() if k != "function"})
                    function = piece["function"]
                    known["function"]["arguments"] += function["arguments"]
                    known["function"].setdefault("name", function["name"])
            elif key != "function_call":
                message[key] = (message.get(key) or "") + value
    if calls:
        message["tool_calls"] = list(calls.values())
    return message, reason


FORCE = {"type": "function", "function": {"name": "get_time"}}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("choice", [FORCE, "required"], ids=["forced", "required"])
@pytest.mark.parametrize("format", [None, "chatml", "chatml-function-calling"])
def test_a_call_cut_off_by_max_tokens(load, model_path, format, choice, stream):
    llm = load(model_path, chat_format=format, n_ctx=2048)
    whole_calls = 0
    for max_tokens in (1, 3, 5, 8, 200):
        answer = llm.create_chat_completion(
            [ASK], tools=[CLOCK], tool_choice=choice, max_tokens=max_tokens, stream=stream
        )
        if stream:
            message, reason = assembled(answer)
        else:
            message, reason = answer["choices"][0]["message"], answer["choices"][0]["finish_reason"]
        calls = message.get("tool_calls") or []
        whole = calls and chat_messages.is_object(calls[-1]["function"]["arguments"])
        assert whole or reason == "length", (max_tokens, reason, message)
        assert not (max_tokens == 200 and format is None) or reason == "tool_calls"
        whole_calls += bool(whole)
        history = [ASK, message, {"role": "tool", "content": "x", "tool_call_id": "1"}, ASK]
        registered = ("chatml", "llama-2", "chatml-function-calling")
        for handler in (
            *map(llama_chat_format.get_chat_completion_handler, registered),
            llm._chat_handlers["chat_template.default"],
            llama_chat_format.TemplateChatHandler(llm.model, PARSING_TEMPLATE),
            llama_chat_format.Jinja2ChatFormatter(
                llama_chat_format.CHATML_CHAT_TEMPLATE, eos_token="", bos_token=""
            ).to_chat_handler(),
        ):
            again = handler(llama=llm, messages=history, max_tokens=1)
            assert again["choices"][0]["message"]["role"] == "assistant"
    assert whole_calls


def test_other_answers_come_back(prompt_of):
    for message in (
        {"role": "assistant", "content": "A1", "reasoning_content": "thought"},
        {"role": "assistant", "content": None, "tool_calls": None, "function_call": None},
        {"role": "assistant", "content": "", "name": None, "tool_calls": [], "annotations": []},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"a'}},
        {"role": "assistant", "tool_calls": [{"index": 0, **call('{"a": "Ro')}], "content": ""},
        {"role": "assistant", "tool_calls": [call({"a": 1})], "content": None},
    ):
        for name in prompt_of.names:
            assert prompt_of(name, [ASK, message, ASK])


# ---- which tool


@pytest.mark.parametrize("format", [None, "chatml", "chatml-function-calling"])
def test_tool_choice_by_name(load, model_path, format):
    llm = load(model_path, chat_format=format, n_ctx=1024)
    for arguments in (
        {"tools": [OTHER, CLOCK], "tool_choice": "get_time"},
        {"functions": [OTHER["function"], CLOCK["function"]], "function_call": "get_time"},
        {"tools": [OTHER, CLOCK], "tool_choice": CLOCK},
    ):
        answer = llm.create_chat_completion([ASK], max_tokens=100, **arguments)
        (made,) = answer["choices"][0]["message"]["tool_calls"]
        assert made["function"]["name"] == "get_time"
    answer = llm.create_chat_completion([ASK], tools=[CLOCK], tool_choice="any", max_tokens=200)
    assert answer["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "get_time"
    with pytest.raises(ValueError, match="get_tim.*get_weather, get_time"):
        llm.create_chat_completion([ASK], tools=[OTHER, CLOCK], tool_choice="get_tim")
