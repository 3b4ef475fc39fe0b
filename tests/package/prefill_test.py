"""A last message of the assistant is continued.

The rules are llama-server's: oaicompat_chat_params_parse() in tools/server/server-common.cpp of
llama.cpp, and test_chat_template_assistant_prefill in its tests.
"""

from __future__ import annotations

import json

import pytest
from scripted import saying

import llama_cpp
from llama_cpp import llama_chat_format
from llama_cpp._chat.named_formats import FORMATS

NAMED = [*FORMATS, "llama-2", "mistral-instruct", "saiga"]
ASK = {"role": "user", "content": "What is the best book"}
BEGUN = "The best one, without doubt"
CHAT = [ASK, {"role": "assistant", "content": BEGUN}]
CLOCK = {
    "type": "function",
    "function": {
        "name": "get_time",
        "parameters": {
            "type": "object",
            "properties": {"zone": {"enum": ["UTC", "CET"]}},
            "required": ["zone"],
        },
    },
}
THINKING = (  # as DeepSeek's and Qwen's templates write thoughts
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.reasoning_content %}<think>\n"
    "{{ m.reasoning_content }}\n</think>\n\n{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


class PromptTaken(Exception):
    pass


@pytest.fixture
def prompt_of(fresh):
    """Returns the prompt that a handler makes of messages, as the model sees it."""

    def take(text, *rest):
        raise PromptTaken(text.decode())

    def prompt_of(handler, messages, **arguments):
        tokenize, fresh.tokenizer_.tokenize = fresh.tokenizer_.tokenize, take
        try:
            with pytest.raises(PromptTaken) as taken:
                handler(llama=fresh, messages=messages, **arguments)
        finally:
            fresh.tokenizer_.tokenize = tokenize
        return str(taken.value)

    prompt_of.llm = fresh
    return prompt_of


def handlers(llm):
    yield from (llama_chat_format.get_chat_completion_handler(name) for name in NAMED)
    yield llama_chat_format.get_chat_completion_handler("chatml-function-calling")
    yield llama_chat_format.Jinja2ChatFormatter(
        llama_chat_format.CHATML_CHAT_TEMPLATE, eos_token="<|im_end|>", bos_token=""
    ).to_chat_handler()
    yield llm._chat_handlers["chat_template.default"]


def test_prompt_ends_with_the_beginning_of_the_answer(prompt_of):
    """It is the beginning of the chat in which the whole answer is a turn of the past."""
    for handler in handlers(prompt_of.llm):
        prompt = prompt_of(handler, CHAT)
        assert prompt.endswith(BEGUN)
        past = [ASK, {"role": "assistant", "content": BEGUN + ", is this."}, ASK]
        assert prompt_of(handler, past).startswith(prompt)
        assert prompt_of(handler, [ASK]).rstrip() == prompt[: -len(BEGUN)].rstrip()


def test_prompt_of_a_template(prompt_of):
    handler = prompt_of.llm._chat_handlers["chat_template.default"]
    assert prompt_of(handler, CHAT) == (
        f"<|im_start|>user\n{ASK['content']}<|im_end|>\n<|im_start|>assistant\n{BEGUN}"
    )
    parts = [{"type": "text", "text": "The best"}, {"type": "text", "text": "one"}]
    prompt = prompt_of(handler, [ASK, {"role": "assistant", "content": parts}])
    assert prompt.endswith("<|im_start|>assistant\nThe best\n\none")  # so in llama-server's tests


@pytest.mark.parametrize("name", ["template", "chatml", "vicuna", "chatml-function-calling"])
@pytest.mark.parametrize("stream", [False, True])
def test_answer_goes_on_and_does_not_repeat(fresh, name, stream):
    if name != "template":
        fresh.chat_format = name
    answer = fresh.create_chat_completion(
        CHAT, stream=stream, max_tokens=60, logits_processor=saying(fresh, ", is this.")
    )
    if stream:
        deltas = [chunk["choices"][0]["delta"] for chunk in answer]
        assert "".join(delta.get("content") or "" for delta in deltas) == ", is this."
    else:
        assert answer["choices"][0]["message"]["content"] == ", is this."


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("arguments", [{"tools": [CLOCK]}, {"reasoning_format": "auto"}])
def test_parsed_answer_does_not_repeat(fresh, stream, arguments):
    """llama.cpp parses the answer together with its beginning."""
    answer = fresh.create_chat_completion(
        CHAT,
        stream=stream,
        max_tokens=60,
        logits_processor=saying(fresh, ", is this."),
        **arguments,
    )
    if stream:
        deltas = [chunk["choices"][0]["delta"] for chunk in answer]
        assert "".join(delta.get("content") or "" for delta in deltas) == ", is this."
    else:
        message = answer["choices"][0]["message"]
        assert message == {"role": "assistant", "content": ", is this."}


def test_call_after_the_beginning(fresh):
    said = ', is\n<tool_call>\n{"name": "get_time", "arguments": {"zone": "CET"}}\n</tool_call>'
    answer = fresh.create_chat_completion(
        CHAT, tools=[CLOCK], max_tokens=100, logits_processor=saying(fresh, said)
    )
    message = answer["choices"][0]["message"]
    assert message["content"].strip() == ", is"
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"zone": "CET"}


@pytest.mark.parametrize("name", ["template", "chatml", "chatml-function-calling"])
def test_forced_call_after_the_beginning(fresh, name):
    if name != "template":
        fresh.chat_format = name
    answer = fresh.create_chat_completion(
        CHAT, tools=[CLOCK], tool_choice="get_time", temperature=0, max_tokens=100
    )
    (call,) = answer["choices"][0]["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"])["zone"] in ("UTC", "CET")


def test_prompt_of_a_forced_call(prompt_of):
    """The text comes first, then the call, as in a message with both."""
    handler = prompt_of.llm._chat_handlers["chat_template.default"]
    prompt = prompt_of(handler, CHAT, tools=[CLOCK], tool_choice="get_time")
    call = '<tool_call>\n{"name": "get_time", "arguments": '
    assert prompt.endswith(f"<|im_start|>assistant\n{BEGUN}{call}")
    handler = llama_chat_format.get_chat_completion_handler("chatml-function-calling")
    prompt = prompt_of(handler, CHAT, tools=[CLOCK], tool_choice="get_time")
    assert prompt.endswith(f"<|im_start|>assistant\nmessage:\n{BEGUN}\nfunctions.get_time:\n")


SCHEMA = {
    "type": "object",
    "properties": {"maker": {"enum": ["God", "man"]}},
    "required": ["maker"],
}


@pytest.mark.parametrize("tools", [None, [CLOCK]])
@pytest.mark.parametrize("name", ["template", "thinking", "chatml", "chatml-function-calling"])
def test_json_goes_on(fresh, name, tools):
    """The grammar of the answer begins where its beginning ends."""
    if name == "thinking":
        fresh.chat_handler = llama_chat_format.TemplateChatHandler(fresh.model, THINKING)
    elif name != "template":
        fresh.chat_format = name
    answer = fresh.create_chat_completion(
        [ASK, {"role": "assistant", "content": '{"maker": "m'}],
        response_format={"type": "json_object", "schema": SCHEMA},
        tools=tools,
        tool_choice="none" if tools else None,
        temperature=0,
        max_tokens=40,
    )
    text = answer["choices"][0]["message"]["content"]
    assert json.loads('{"maker": "m' + text) == {"maker": "man"}


@pytest.mark.parametrize("name", ["template", "chatml"])
def test_a_beginning_that_is_no_such_json_raises(fresh, name):
    if name != "template":
        fresh.chat_format = name
    with pytest.raises(llama_cpp.GrammarError, match="beginning of the answer(.|\n)*Begin it as"):
        fresh.create_chat_completion(
            CHAT, response_format={"type": "json_object", "schema": SCHEMA}, max_tokens=40
        )


def test_a_grammar_of_the_caller_begins_after_the_beginning(fresh):
    """As in llama-server: common_sampler_init() gives it no beginning."""
    for name in (fresh.chat_format, "chatml", "chatml-function-calling"):
        fresh.chat_format = name
        grammar = llama_cpp.LlamaGrammar.from_string('root ::= ", yea"')
        answer = fresh.create_chat_completion(CHAT, grammar=grammar, max_tokens=20)
        assert answer["choices"][0]["message"]["content"] == ", yea"


def test_thought_goes_on(prompt_of):
    handler = llama_chat_format.TemplateChatHandler(prompt_of.llm.model, THINKING)
    thought = {"role": "assistant", "content": "", "reasoning_content": "Let me"}
    assert prompt_of(handler, [ASK, thought]).endswith("assistant\n<think>\nLet me")
    both = {"role": "assistant", "content": "It", "reasoning_content": "Let me see."}
    prompt = prompt_of(handler, [ASK, both])
    assert prompt.endswith("assistant\n<think>\nLet me see.\n</think>\n\nIt")

    llm = prompt_of.llm
    llm.chat_handler = handler
    answer = llm.create_chat_completion(
        [ASK, thought],
        reasoning_format="auto",
        logits_processor=saying(llm, "see.\n</think>\n\nThis."),
    )
    message = answer["choices"][0]["message"]
    assert message["reasoning_content"].strip() == "see." and message["content"] == "This."


def test_thought_goes_on_in_templates_only(fresh):
    for name in ("chatml", "chatml-function-calling"):
        fresh.chat_format = name
        thought = {"role": "assistant", "content": "", "reasoning_content": "Let me"}
        with pytest.raises(llama_cpp.ChatTemplateError, match=r"alone(.|\n)*Pass the beginning"):
            fresh.create_chat_completion([ASK, thought])


def test_an_empty_message_begins_nothing(prompt_of):
    for handler in handlers(prompt_of.llm):
        empty = [ASK, {"role": "assistant", "content": ""}]
        assert prompt_of(handler, empty) == prompt_of(handler, [ASK])


def test_two_messages_of_the_assistant_raise(fresh):
    """llama-server: "Cannot have 2 or more assistant messages at the end of the list."."""
    with pytest.raises(llama_cpp.ChatTemplateError, match=r"messages\[2\](.|\n)*Join the two"):
        fresh.create_chat_completion([*CHAT, CHAT[1]])


def test_a_call_cannot_be_continued(fresh):
    """llama-server: "Cannot continue an assistant message that contains tool calls."."""
    call = {"id": "c", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    with pytest.raises(llama_cpp.ChatTemplateError, match=r"messages\[1\](.|\n)*Append their"):
        fresh.create_chat_completion([ASK, message], tools=[CLOCK])


def test_choices_go_on(fresh):
    answer = fresh.create_chat_completion(
        CHAT, n=2, max_tokens=20, logits_processor=saying(fresh, ", is this.")
    )
    assert [c["message"]["content"] for c in answer["choices"]] == [", is this."] * 2
