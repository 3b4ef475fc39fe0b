"""Pieces of llama-cpp-python's handlers and formatters, which other programs' own are made of."""

from __future__ import annotations

import json

import pytest
from chats import MESSAGES, check_call, join

import llama_cpp
from llama_cpp import LlamaGrammar
from llama_cpp import llama_chat_format as chat_format

SCHEMA = {"type": "object", "properties": {"zone": {"enum": ["UTC", "CET"]}}, "required": ["zone"]}


def make_handler(prompt, tool=None):
    """Returns a handler as programs write one, out of llama-cpp-python's pieces."""

    def handler(*, llama, messages, stream=False, response_format=None, **arguments):
        system = chat_format._get_system_message(messages)
        turns = chat_format._map_roles(messages, {"user": "Q", "assistant": "A"})
        text = chat_format._format_add_colon_single(system, [*turns, ("A", None)], "\n")
        prompt.append(text)
        grammar = chat_format._grammar_for_json_schema(json.dumps(SCHEMA)) if tool else None
        if response_format is not None:
            grammar = chat_format._grammar_for_response_format(response_format)
        run = llama.create_completion(
            text, stream=stream, grammar=grammar, max_tokens=40, logprobs=1, temperature=0.0
        )
        if tool is not None:
            return chat_format._convert_completion_to_chat_function(tool, run, stream)
        return chat_format._convert_completion_to_chat(run, stream=stream)

    return handler


@pytest.mark.parametrize("stream", [False, True])
def test_handler_that_answers(fresh, stream):
    prompts = []
    fresh.chat_handler = make_handler(prompts)
    answer = fresh.create_chat_completion(MESSAGES, stream=stream)
    text = fresh("You are terse.\nQ: Who made the heaven?\nA:", max_tokens=40, temperature=0.0)
    assert prompts == ["You are terse.\nQ: Who made the heaven?\nA:"]
    message = join(answer) if stream else answer["choices"][0]["message"]
    assert message["content"] == text["choices"][0]["text"] and message["role"] == "assistant"
    if not stream:
        assert answer["object"] == "chat.completion" and answer["id"].startswith("chatcmpl-")
        assert answer["choices"][0]["logprobs"]["content"]
        assert answer["usage"]["completion_tokens"] > 0


@pytest.mark.parametrize("stream", [False, True])
def test_handler_that_calls(fresh, stream):
    fresh.chat_handler = make_handler([], "get_time")
    answer = fresh.create_chat_completion(MESSAGES, stream=stream)
    if stream:
        message = join(answer)
        check_call({"type": "function", "function": message["tool_calls"][0]}, ("get_time",))
        assert message["finish_reason"] == "tool_calls"
        return
    message = answer["choices"][0]["message"]
    check_call(message["tool_calls"][0], ("get_time",))
    assert message["function_call"]["name"] == "get_time" and message["content"] is None
    assert answer["choices"][0]["finish_reason"] == "tool_calls"


def test_conversions(llm):
    run = llm("In the", max_tokens=5, temperature=0.0)
    whole = chat_format._convert_text_completion_to_chat(run)
    text = run["choices"][0]["text"]
    assert whole["choices"][0]["message"] == {"role": "assistant", "content": text}
    chunks = llm("In the", max_tokens=5, temperature=0.0, stream=True)
    assert join(chat_format._convert_text_completion_chunks_to_chat(chunks))["content"] == text
    run = llm("In the", max_tokens=2, logprobs=2, temperature=0.0)
    logprobs = chat_format._convert_text_completion_logprobs_to_chat(run["choices"][0]["logprobs"])
    assert [len(each["top_logprobs"]) for each in logprobs["content"]] == [2, 2]
    assert chat_format._convert_text_completion_logprobs_to_chat(None) is None


def test_grammars(llm):
    for response_format in (
        {"type": "json_object", "schema": SCHEMA},
        {"type": "json_schema", "json_schema": {"schema": SCHEMA}},
    ):
        grammar = chat_format._grammar_for_response_format(response_format)
        text = llm("In the", grammar=grammar, max_tokens=40)["choices"][0]["text"]
        assert json.loads(text)["zone"] in ("UTC", "CET")
    assert chat_format._grammar_for_response_format({"type": "text"}) is None
    any_json = chat_format._grammar_for_response_format({"type": "json_object"})
    assert any_json._grammar == chat_format._grammar_for_json()._grammar
    assert isinstance(any_json, LlamaGrammar)
    unusable = '{"type": "colour"}'
    assert chat_format._grammar_for_json_schema(unusable)._grammar == any_json._grammar
    with pytest.raises(llama_cpp.GrammarError):
        chat_format._grammar_for_json_schema(unusable, fallback_to_json=False)


# The prompts that llama-cpp-python 0.3.36 writes, in the order of its functions.
TURNS = [("U", "one"), ("A", "two"), ("U", "three"), ("A", None)]


@pytest.mark.parametrize(
    ("write", "separators", "expected"),
    [
        ("_format_llama2", ("~", "#"), "S~one~Atwo #Uthree ~A "),
        ("_format_add_colon_single", ("~",), "S~U: one~A: two~U: three~A:"),
        ("_format_add_colon_two", ("~", "#"), "S~U: one~A: two#U: three~A:"),
        ("_format_no_colon_single", ("~",), "SUone~Atwo~Uthree~A"),
        ("_format_add_colon_space_single", ("~",), "S~U: one~A: two~U: three~A: "),
        ("_format_chatml", ("~",), "S~\nU\none~\nA\ntwo~\nU\nthree~\nA\n"),
        ("_format_chatglm3", ("~",), "SU\n oneA\n twoU\n threeA"),
    ],
)
def test_styles(write, separators, expected):
    assert getattr(chat_format, write)("S", TURNS, *separators) == expected


def test_parts_are_texts():
    """llama-cpp-python leaves their text out."""
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    messages = [{"role": "system", "content": parts}, {"role": "user", "content": parts}]
    assert chat_format._get_system_message(messages) == "a\nb"
    assert chat_format._map_roles(messages, {"user": "Q"}) == [("Q", "a\nb")]
    assert chat_format._get_system_message(messages[1:]) == ""


# ---- formatters


def test_format_is_the_formatter_of_vicuna():
    assert chat_format.format is chat_format.format_vicuna
    assert "USER: " in chat_format.format(messages=[{"role": "user", "content": "Hi"}]).prompt


def test_tojson():
    """As in Hugging Face's templates: no HTML escapes, characters as they are, the keys' order."""
    tojson = chat_format.Jinja2ChatFormatter.tojson
    assert tojson({"b": "<é>", "a": [1, None]}) == '{"b": "<é>", "a": [1, null]}'
    assert tojson({"b": 1, "a": "é"}, True, None, (",", ":"), True) == '{"a":"\\u00e9","b":1}'
    assert tojson([1], indent=2) == "[\n  1\n]"
    formatter = chat_format.Jinja2ChatFormatter("{{ messages | tojson }}", "</s>", "<s>")
    messages = [{"role": "user", "content": "<é>"}]
    assert formatter(messages=messages).prompt == tojson(messages)


def test_generation_tags():
    """The package needs no jinja2; with it, the extension is one for its engine."""
    template = "{% generation %}{{ 1 + 1 }}{% endgeneration %}!"
    formatter = chat_format.Jinja2ChatFormatter(template, "</s>", "<s>")
    assert formatter(messages=[]).prompt == "2!"
    try:
        import jinja2
    except ImportError:
        with pytest.raises(AttributeError, match="pip install jinja2"):
            chat_format.Jinja2ChatFormatter.IgnoreGenerationTags  # noqa: B018
        return
    extension = chat_format.Jinja2ChatFormatter.IgnoreGenerationTags
    environment = jinja2.Environment(extensions=[extension])
    assert environment.from_string(template).render() == "2!"
