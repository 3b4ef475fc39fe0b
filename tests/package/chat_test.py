"""Chats: templates, tools, response formats, named formats, handlers."""

from __future__ import annotations

import json

import pytest
from chats import CLOCK, FORCE_CLOCK, MESSAGES, WEATHER, check_call, counts, join
from scripted import saying

import llama_cpp
from llama_cpp import llama_chat_format

# ---- the template in the model file


def test_format_comes_from_the_model(llm):
    assert llm.chat_format == "chat_template.default"
    assert set(llm._chat_handlers) == {"chat_template.default"}


def test_answer(llm):
    answer = llm.create_chat_completion(MESSAGES, max_tokens=8, temperature=0)
    assert answer["id"].startswith("chatcmpl-")
    assert answer["object"] == "chat.completion"
    (choice,) = answer["choices"]
    assert choice["index"] == 0 and choice["logprobs"] is None
    assert choice["message"]["role"] == "assistant" and choice["message"]["content"]
    assert set(choice["message"]) == {"role", "content"}
    assert choice["finish_reason"] in ("stop", "length")
    assert answer["usage"]["completion_tokens"] <= 8


def test_prompt_is_the_rendered_template(llm):
    handler = llm._chat_handlers["chat_template.default"]
    prompt = handler.format(messages=MESSAGES).prompt
    assert prompt == (
        "<|im_start|>system\nYou are terse.<|im_end|>\n"
        "<|im_start|>user\nWho made the heaven?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    answer = llm.create_chat_completion(MESSAGES, max_tokens=8, temperature=0)
    text = llm.create_completion(prompt, max_tokens=8, temperature=0)
    assert answer["choices"][0]["message"]["content"] == text["choices"][0]["text"]
    assert counts(answer["usage"]) == counts(text["usage"])


def test_stream_has_the_same_text(llm):
    arguments = {"max_tokens": 16, "temperature": 0.9, "seed": 4}
    answer = llm.create_chat_completion(MESSAGES, **arguments)
    message = join(llm.create_chat_completion(MESSAGES, stream=True, **arguments))
    assert message["content"] == answer["choices"][0]["message"]["content"]
    assert message["finish_reason"] == answer["choices"][0]["finish_reason"]


def test_logprobs(load, model_path):
    llm = load(model_path, logits_all=True)
    answer = llm.create_chat_completion(
        MESSAGES, max_tokens=4, temperature=0, logprobs=True, top_logprobs=2
    )
    content = answer["choices"][0]["logprobs"]["content"]
    assert (
        "".join(entry["token"] for entry in content) == (answer["choices"][0]["message"]["content"])
    )
    assert all(entry["top_logprobs"][0]["logprob"] == entry["logprob"] for entry in content)


def test_messages_that_are_no_messages(llm):
    with pytest.raises(ValueError, match="role"):
        llm.create_chat_completion([{"content": "hi"}])
    with pytest.raises(ValueError):
        llm.create_chat_completion([{"role": "user", "content": object()}])
    with pytest.raises(llama_cpp.TokenizeError, match="D800"):
        llm.create_chat_completion([{"role": "user", "content": "\ud800"}])


def test_chat_template_kwargs_reach_the_template(load, model_path):
    llm = load(model_path)
    template = "{{ mood }}:{{ messages[0].content }}"
    llm._chat_handlers["moody"] = llama_chat_format.Jinja2ChatFormatter(
        template, eos_token="</s>", bos_token="<s>"
    ).to_chat_handler()
    llm.chat_format = "moody"
    prompts = []
    original = llm.tokenizer_.tokenize
    llm.tokenizer_.tokenize = lambda text, *rest, **named: (
        prompts.append(text) or original(text, *rest, **named)
    )
    llm.chat_template_kwargs = {"mood": "glad"}
    llm.create_chat_completion(MESSAGES, max_tokens=1)
    assert prompts[-1] == b"glad:You are terse."


# ---- tools through the template


@pytest.mark.parametrize("stream", [False, True])
def test_forced_tool(llm, stream):
    answer = llm.create_chat_completion(
        MESSAGES, tools=[WEATHER, CLOCK], tool_choice=FORCE_CLOCK, max_tokens=100, stream=stream
    )
    if stream:
        message = join(answer)
        call = message["tool_calls"][0]
        assert call["name"] == "get_time"
        assert json.loads(call["arguments"])["zone"] in ("UTC", "CET")
        assert call["id"].startswith("call__0_get_time_cmpl-")
        assert message["finish_reason"] == "tool_calls"
        return
    message = answer["choices"][0]["message"]
    (call,) = message["tool_calls"]
    check_call(call, ("get_time",))
    assert call["id"] == f"call__0_get_time_{answer['id'][len('chat') :]}"
    assert message["function_call"] == call["function"]
    assert message["content"] is None
    assert answer["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("stream", [False, True])
def test_required_tool(llm, stream):
    for seed in (1, 2):
        answer = llm.create_chat_completion(
            MESSAGES,
            tools=[WEATHER, CLOCK],
            tool_choice="required",
            max_tokens=150,
            temperature=1.0,
            seed=seed,
            stream=stream,
        )
        if stream:
            message = join(answer)
            call = message["tool_calls"][0]
            check_call({"type": "function", "function": call})
            assert message["finish_reason"] == "tool_calls"
        else:
            check_call(answer["choices"][0]["message"]["tool_calls"][0])
            assert answer["choices"][0]["finish_reason"] == "tool_calls"


def test_auto_parses_a_call_that_the_model_makes(llm):
    """The model is made to say a call, by forcing its tokens, as a trained one would by itself."""
    said = '<tool_call>\n{"name": "get_time", "arguments": {"zone": "CET"}}\n</tool_call>'
    for stream in (False, True):
        answer = llm.create_chat_completion(
            MESSAGES,
            tools=[WEATHER, CLOCK],
            max_tokens=100,
            stream=stream,
            logits_processor=saying(llm, said),
        )
        if stream:
            message = join(answer)
            assert message["tool_calls"][0]["name"] == "get_time"
            assert json.loads(message["tool_calls"][0]["arguments"]) == {"zone": "CET"}
            assert "<tool_call>" not in message["content"]
            assert message["finish_reason"] == "tool_calls"
        else:
            (call,) = answer["choices"][0]["message"]["tool_calls"]
            check_call(call, ("get_time",))
            assert answer["choices"][0]["finish_reason"] == "tool_calls"


def test_auto_leaves_text_alone(llm):
    for stream in (False, True):
        answer = llm.create_chat_completion(
            MESSAGES,
            tools=[WEATHER],
            max_tokens=60,
            stream=stream,
            logits_processor=saying(llm, "It is sunny."),
        )
        message = join(answer) if stream else answer["choices"][0]["message"]
        assert message["content"] == "It is sunny."
        assert not message.get("tool_calls")


THINKING_TEMPLATE = """{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\n' }}
{%- if message.reasoning_content %}
{{- '<think>\n' + message.reasoning_content + '\n</think>\n\n' }}
{%- endif %}
{{- message.content + '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\n' }}
{%- endif %}"""


@pytest.mark.parametrize("stream", [False, True])
def test_reasoning(fresh, stream):
    """With reasoning_format the thinking is apart from the answer, without it the text stays."""
    said = "<think>\nLet me see.\n</think>\n\nGod did."
    handler = llama_chat_format.TemplateChatHandler(fresh.model, THINKING_TEMPLATE)
    fresh.chat_handler = handler

    def ask():
        answer = fresh.create_chat_completion(
            MESSAGES, max_tokens=60, stream=stream, logits_processor=saying(fresh, said)
        )
        if not stream:
            return answer["choices"][0]["message"]
        message = {}
        for chunk in answer:
            for key, text in chunk["choices"][0]["delta"].items():
                message[key] = message.get(key, "") + text
        return message

    assert ask() == {"role": "assistant", "content": said}
    fresh.chat_template_kwargs = {"reasoning_format": "auto"}
    message = ask()
    assert message["content"].strip() == "God did."
    assert message["reasoning_content"].strip() == "Let me see."


def test_none_renders_the_tools_and_calls_nothing(llm):
    answer = llm.create_chat_completion(MESSAGES, tools=[WEATHER], tool_choice="none", max_tokens=4)
    assert "tool_calls" not in answer["choices"][0]["message"]


def test_functions_are_tools(llm):
    answer = llm.create_chat_completion(
        MESSAGES,
        functions=[CLOCK["function"]],
        function_call={"name": "get_time"},
        max_tokens=100,
    )
    message = answer["choices"][0]["message"]
    assert message["function_call"]["name"] == "get_time"
    assert json.loads(message["function_call"]["arguments"])["zone"] in ("UTC", "CET")


def test_tool_messages_are_rendered(llm):
    history = [
        *MESSAGES,
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "1",
                    "type": "function",
                    "function": {"name": "get_time", "arguments": '{"zone": "UTC"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "1", "content": "12:00"},
    ]
    prompt = llm._chat_handlers["chat_template.default"].format(messages=history, tools=[CLOCK])
    assert '"name": "get_time"' in prompt.prompt and "12:00" in prompt.prompt


def test_unknown_tool_choice(llm):
    for choice in ({"type": "function", "function": {"name": "nope"}}, "sometimes"):
        with pytest.raises(ValueError, match="nope.*get_time|sometimes"):
            llm.create_chat_completion(MESSAGES, tools=[CLOCK], tool_choice=choice)
    with pytest.raises(ValueError, match="required"):
        llm.create_chat_completion(MESSAGES, tool_choice="required")


# ---- response formats


SCHEMA = {
    "type": "object",
    "properties": {"maker": {"enum": ["God", "man"]}, "day": {"type": "integer"}},
    "required": ["maker", "day"],
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "response_format",
    [
        {"type": "json_object", "schema": SCHEMA},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": True}},
    ],
    ids=["json_object", "json_schema"],
)
def test_schema(llm, response_format, stream):
    answer = llm.create_chat_completion(
        MESSAGES, response_format=response_format, max_tokens=80, temperature=0, stream=stream
    )
    message = join(answer) if stream else answer["choices"][0]["message"]
    found = json.loads(message["content"])
    assert found["maker"] in ("God", "man") and isinstance(found["day"], int)


def test_json_object_begins_like_json(llm):
    answer = llm.create_chat_completion(
        MESSAGES, response_format={"type": "json_object"}, max_tokens=20, temperature=0
    )
    assert answer["choices"][0]["message"]["content"].lstrip().startswith("{")


def test_text_format_is_free(llm):
    plain = llm.create_chat_completion(MESSAGES, max_tokens=6, temperature=0)
    text = llm.create_chat_completion(
        MESSAGES, max_tokens=6, temperature=0, response_format={"type": "text"}
    )
    assert plain["choices"] == text["choices"]


def test_bad_response_formats(llm):
    with pytest.raises(ValueError, match="json_schema"):
        llm.create_chat_completion(MESSAGES, response_format={"type": "json_schema"})
    with pytest.raises(ValueError, match="xml"):
        llm.create_chat_completion(MESSAGES, response_format={"type": "xml"})
    with pytest.raises(llama_cpp.GrammarError):
        bad = {"type": "json_schema", "json_schema": {"schema": {"type": "nonsense"}}}
        llm.create_chat_completion(MESSAGES, response_format=bad)


def test_grammar_argument(llm):
    grammar = llama_cpp.LlamaGrammar.from_string('root ::= "yea" | "nay"')
    answer = llm.create_chat_completion(MESSAGES, grammar=grammar, max_tokens=20)
    assert answer["choices"][0]["message"]["content"] in ("yea", "nay")


# ---- named formats

CONVERSATION = [
    {"role": "system", "content": "S"},
    {"role": "user", "content": "U1"},
    {"role": "assistant", "content": "A1"},
    {"role": "user", "content": "U2"},
]
PROMPTS = {  # the training format of these models, written out
    "chatml": (
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU1<|im_end|>\n"
        "<|im_start|>assistant\nA1<|im_end|>\n<|im_start|>user\nU2<|im_end|>\n"
        "<|im_start|>assistant\n"
    ),
    "llama-3": (
        "<|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nU1<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nA1<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nU2<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    ),
    "mistral-instruct": "[INST] S\n\nU1 [/INST]A1</s>[INST] U2 [/INST]",
    "gemma": (
        "<start_of_turn>user\nS\n\nU1<end_of_turn>\n<start_of_turn>model\nA1<end_of_turn>\n"
        "<start_of_turn>user\nU2<end_of_turn>\n<start_of_turn>model\n"
    ),
    "llama-2": "[INST] <<SYS>>\nS\n<</SYS>> U1 [/INST]A1 </s><s>[INST]U2  [/INST]",
    "zephyr": (
        "<|system|>\nS</s>\n<|user|>\n\nU1</s>\n<|assistant|>\n\nA1</s>\n<|user|>\n\nU2</s>\n"
        "<|assistant|>\n\n"
    ),
    "alpaca": (
        "S\n\n### Instruction: U1\n\n### Response: A1</s>### Instruction: U2\n\n### Response:"
    ),
    "open-orca": (
        "S<|end_of_turn|>\nUser: U1<|end_of_turn|>\nAssistant: A1<|end_of_turn|>\n"
        "User: U2<|end_of_turn|>\nAssistant: "
    ),
}


@pytest.mark.parametrize("name", PROMPTS)
def test_named_format(name):
    function = "format_" + name.replace("-", "_").replace("llama_", "llama")
    formatted = getattr(llama_chat_format, function)(messages=CONVERSATION)
    assert formatted.prompt == PROMPTS[name]


@pytest.mark.filterwarnings("ignore:The prompt begins with two")
def test_every_named_format_answers(llm):
    registry = llama_chat_format.LlamaChatCompletionHandlerRegistry()
    for name in registry._chat_handlers:
        handler = llama_chat_format.get_chat_completion_handler(name)
        answer = handler(llama=llm, messages=CONVERSATION, max_tokens=2, temperature=0)
        assert answer["choices"][0]["message"]["role"] == "assistant", name


def test_named_format_calls_tools(load, model_path):
    llm = load(model_path, chat_format="chatml")
    for choice in (FORCE_CLOCK, "required"):
        answer = llm.create_chat_completion(
            CONVERSATION, tools=[CLOCK], tool_choice=choice, max_tokens=100
        )
        check_call(answer["choices"][0]["message"]["tool_calls"][0], ("get_time",))
        message = join(
            llm.create_chat_completion(
                CONVERSATION, tools=[CLOCK], tool_choice=choice, max_tokens=100, stream=True
            )
        )
        assert message["tool_calls"][0]["name"] == "get_time"
        assert json.loads(message["tool_calls"][0]["arguments"])["zone"] in ("UTC", "CET")
    answer = llm.create_chat_completion(
        CONVERSATION,
        response_format={"type": "json_schema", "json_schema": {"schema": SCHEMA}},
        max_tokens=80,
    )
    assert json.loads(answer["choices"][0]["message"]["content"])["maker"] in ("God", "man")


def test_unknown_chat_format(load, model_path):
    llm = load(model_path, chat_format="no-such-format")
    missing = llama_chat_format.LlamaChatCompletionHandlerNotFoundException
    with pytest.raises(missing, match="no-such-format.*chatml"):
        llm.create_chat_completion(MESSAGES)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("choice", ["auto", "required", FORCE_CLOCK, "none"], ids=str)
def test_chatml_function_calling(load, model_path, choice, stream):
    llm = load(model_path, chat_format="chatml-function-calling", n_ctx=512)
    answer = llm.create_chat_completion(
        MESSAGES, tools=[CLOCK, WEATHER], tool_choice=choice, max_tokens=60, stream=stream
    )
    if stream:
        message = join(answer)
        calls = [{"type": "function", "function": c} for c in message["tool_calls"].values()]
    else:
        message = answer["choices"][0]["message"]
        calls = message.get("tool_calls", [])
        assert answer["usage"]["completion_tokens"] > 0
    if choice == "none":
        assert not calls
    elif choice != "auto":
        assert calls
    for call in calls:
        check_call(call)


# ---- handlers and formatters


def test_own_handler(load, model_path):
    seen = {}

    def handler(*, llama, messages, **arguments):
        seen.update(arguments, llama=llama)
        return {"answer": messages}

    llm = load(model_path, chat_handler=handler)
    assert llm.create_chat_completion(MESSAGES, seed=5) == {"answer": MESSAGES}
    assert seen["llama"] is llm and seen["seed"] == 5 and seen["repeat_penalty"] == 1.0


def test_registry():
    registry = llama_chat_format.LlamaChatCompletionHandlerRegistry()
    assert registry is llama_chat_format.LlamaChatCompletionHandlerRegistry()

    @llama_chat_format.register_chat_format("test-format")
    def formatter(messages, **kwargs):
        return llama_chat_format.ChatFormatterResponse(prompt=messages[0]["content"])

    try:
        assert llama_chat_format.get_chat_completion_handler("test-format")
        with pytest.raises(ValueError, match="already registered"):
            registry.register_chat_completion_handler("test-format", formatter)
        registry.register_chat_completion_handler("test-format", formatter, overwrite=True)
        assert llama_chat_format.get_chat_completion_handler("test-format") is formatter
    finally:
        registry.unregister_chat_handler("test-format")
    with pytest.raises(ValueError, match="test-format"):
        registry.unregister_chat_handler("test-format")


def test_jinja_formatter():
    template = (
        "{{ bos_token }}{% for message in messages %}{% if message.role == 'user' %}"
        "[INST] {{ message.content }} [/INST]{% else %}{{ message.content + eos_token }}"
        "{% endif %}{% endfor %}{% if add_generation_prompt %}>{% endif %}"
    )
    formatter = llama_chat_format.Jinja2ChatFormatter(
        template, eos_token="</s>", bos_token="<s>", stop_token_ids=[2]
    )
    formatted = formatter(messages=CONVERSATION[1:3])
    assert formatted.prompt == "<s>[INST] U1 [/INST]A1</s>>"
    assert formatted.stop == ["</s>"] and formatted.added_special
    assert formatted.stopping_criteria([1, 2], None) is True
    assert formatted.stopping_criteria([2, 1], None) is False


def test_jinja_knows_what_hugging_face_templates_use():
    cases = {
        "{% generation %}x{% endgeneration %}": "x",
        "{% for i in [1, 2, 3] %}{% if i == 2 %}{% continue %}{% endif %}{{ i }}{% endfor %}": "13",
        "{{ {'a': 'é'} | tojson }}": '{"a": "é"}',
        "a\n  {% if true %}\nb\n  {% endif %}\nc": "a\nb\nc",  # trim_blocks, lstrip_blocks
        "{% if tools %}T{% else %}N{% endif %}": "N",
        "{{ extra }}": "passed on",
    }
    for template, expected in cases.items():
        formatter = llama_chat_format.Jinja2ChatFormatter(template, eos_token="", bos_token="")
        assert formatter(messages=[], extra="passed on").prompt == expected, template
    year = llama_chat_format.Jinja2ChatFormatter("{{ strftime_now('%Y') }}", "", "")
    assert year(messages=[]).prompt == year.strftime_now("%Y")


def test_jinja_formatter_refuses_clearly():
    formatter = llama_chat_format.Jinja2ChatFormatter(
        "{{ raise_exception('roles must alternate') }}", eos_token="", bos_token=""
    )
    with pytest.raises(ValueError, match="roles must alternate"):
        formatter(messages=[])
    broken = llama_chat_format.Jinja2ChatFormatter("{% if %}", eos_token="", bos_token="")
    with pytest.raises(llama_cpp.ChatTemplateError):
        broken(messages=[])


def test_hf_tokenizer_config():
    config = {
        "bos_token": "<s>",
        "eos_token": {"content": "</s>"},
        "chat_template": (
            "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}"
            "[INST] {{ m.content }} [/INST]"
            "{% else %}{{ m.content + eos_token }}{% endif %}{% endfor %}"
        ),
    }
    formatter = llama_chat_format.hf_tokenizer_config_to_chat_formatter(config)
    formatted = formatter(messages=[{"role": "user", "content": "Hello"}])
    assert formatted.prompt == "<s>[INST] Hello [/INST]</s>"
    assert formatted.stop == ["</s>", "<s>"]
    with pytest.raises(ValueError, match="chat_template"):
        llama_chat_format.hf_tokenizer_config_to_chat_formatter({})


def test_guessing_a_format():
    guess = llama_chat_format.guess_chat_format_from_gguf_metadata
    for template, name in (
        (llama_chat_format.CHATML_CHAT_TEMPLATE, "chatml"),
        (llama_chat_format.MISTRAL_INSTRUCT_CHAT_TEMPLATE, "mistral-instruct"),
        (llama_chat_format.MIXTRAL_INSTRUCT_CHAT_TEMPLATE, "mistral-instruct"),
        (llama_chat_format.LLAMA3_INSTRUCT_CHAT_TEMPLATE, "llama-3"),
    ):
        assert guess({"tokenizer.chat_template": template}) == name
    assert guess({"tokenizer.chat_template": "other"}) is None
    assert guess({}) is None


def test_model_without_a_template_falls_back(load, random_models):
    llm = load(random_models / "llama-q8_0.gguf")
    if "tokenizer.chat_template" not in llm.metadata:
        assert llm.chat_format == "llama-2"
