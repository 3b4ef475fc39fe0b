"""The chat formats "functionary", "functionary-v1" and "functionary-v2".

The prompts are those of the models' training: convert_message_to_prompt() and the templates in
functionary/prompt_template, and the declarations of functionary/schema.py, of MeetKai/functionary.
The first format is known from llama-cpp-python 0.3.36 (functionary_chat_handler) only.
"""

from __future__ import annotations

import json
import re

import pytest
from chats import CLOCK, FORCE_CLOCK, WEATHER, check_call, join
from scripted import saying

import llama_cpp
from llama_cpp import llama_chat_format
from llama_cpp._chat import functionary
from llama_cpp._chat.request import ChatRequest
from llama_cpp._chat.typescript import namespace

TOOLS = [WEATHER, CLOCK]
QUESTION = [{"role": "user", "content": "How late is it?"}]
CONVERSATION = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "How late is it?"},
    {
        "role": "assistant",
        "content": "I look.",
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
        ],
    },
    {"role": "tool", "tool_call_id": "a", "content": "Noon"},
    {"role": "assistant", "content": "Noon."},
    {"role": "user", "content": "Thanks"},
]
SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives"
    " helpful, detailed, and polite answers to the user's questions. The assistant calls functions"
    " with appropriate input when necessary"
)
DECLARED = """// Supported function definitions that should be called when necessary.
namespace functions {

// Weather of a city
type get_weather = (_: {
city: "Rome" | "Cairo",
days: 1 | 2,
}) => any;

} // namespace functions"""
INDENTED = """// Supported function definitions that should be called when necessary.
namespace functions {

  // Weather of a city
  type get_weather = (_: {
    city: "Rome" | "Cairo",
    days: 1 | 2,
  }) => any;

} // namespace functions
"""

PROMPTS = {
    "first": (
        functionary.FIRST,
        f"system:\n{INDENTED}\nsystem:\n{SYSTEM}\n"
        "system:\nBe brief.\n"
        "user:\n</s>How late is it?</s>\n"
        "assistant:\nI look.\n"
        "assistant to=functions.get_time:\n{}</s>\n"
        "function name=functions.get_time:\nNoon\n"
        "assistant:\nNoon.\n"
        "user:\n</s>Thanks</s>\n"
        "assistant",
    ),
    "v1": (
        functionary.V1,
        f"system:\n{DECLARED}<|END_OF_SYSTEM|>\nsystem:\n{SYSTEM}<|END_OF_SYSTEM|>\n"
        "system:\nBe brief.<|END_OF_SYSTEM|>\n"
        "user:\nHow late is it?<|END_OF_USER|>\n"
        "assistant:\nI look.\n<|START_OF_FUNCTION_CALL|>get_time:\n{}<|END_OF_FUNCTION_CALL|>\n"
        "function name=get_time:\nNoon<|END_OF_FUNCTION_RESULT|>\n"
        "assistant:\nNoon.<|END_OF_ASSISTANT|>\n"
        "user:\nThanks<|END_OF_USER|>\n"
        "assistant:\n",
    ),
    "v2": (
        functionary.V2,
        f"<|from|>system\n<|recipient|>all\n<|content|>{DECLARED}\n"
        f"<|from|>system\n<|recipient|>all\n<|content|>{SYSTEM}\n"
        "<|from|>system\n<|recipient|>all\n<|content|>Be brief.\n"
        "<|from|>user\n<|recipient|>all\n<|content|>How late is it?\n"
        "<|from|>assistant\n<|recipient|>all\n<|content|>I look.\n"
        "<|from|>assistant\n<|recipient|>get_time\n<|content|>{}<|stop|>\n"
        "<|from|>get_time\n<|recipient|>all\n<|content|>Noon\n"
        "<|from|>assistant\n<|recipient|>all\n<|content|>Noon.<|stop|>\n"
        "<|from|>user\n<|recipient|>all\n<|content|>Thanks\n"
        "<|from|>assistant\n<|recipient|>",
    ),
}


@pytest.mark.parametrize("version", PROMPTS)
def test_prompt(version):
    dialect, expected = PROMPTS[version]
    assert dialect.prompt(ChatRequest(CONVERSATION, {"tools": [WEATHER]})) == expected


@pytest.mark.parametrize("version", PROMPTS)
def test_prompt_without_calls_declares_nothing(version):
    dialect, _ = PROMPTS[version]
    prompts = {
        dialect.prompt(ChatRequest(QUESTION, arguments))
        for arguments in ({}, {"tools": TOOLS, "tool_choice": "none"})
    }
    assert len(prompts) == 1 and "type get_" not in prompts.pop()


@pytest.mark.parametrize("version", PROMPTS)
def test_results_stand_in_the_order_of_the_calls(version):
    """As reorder_tool_messages_by_tool_call_ids() of MeetKai/functionary has them."""
    dialect, _ = PROMPTS[version]
    call = {"type": "function", "function": {"name": "get_time", "arguments": "{}"}}
    calls = {"role": "assistant", "content": None}
    calls["tool_calls"] = [{**call, "id": "a"}, {**call, "id": "b"}]
    results = [
        {"role": "tool", "tool_call_id": "b", "content": "second"},
        {"role": "tool", "tool_call_id": "a", "content": "first"},
    ]
    later = {"role": "tool", "tool_call_id": "none", "content": "third"}
    messages = [*QUESTION, calls, *results, later, *QUESTION, *results]
    prompt = dialect.prompt(ChatRequest(messages, {}))
    found = re.findall("first|second|third", prompt)
    assert found == ["first", "second", "third", "second", "first"]


def test_unknown_role():
    for dialect, _ in PROMPTS.values():
        with pytest.raises(llama_cpp.ChatTemplateError, match="'ipython'.*'tool'"):
            dialect.prompt(ChatRequest([{"role": "ipython", "content": "1"}], {}))


def test_declarations():
    """Types, remarks, nesting and references; the values are those of functionary/schema.py."""
    schema = {
        "$defs": {"unit": {"enum": ["C", "F"]}, "node": {"$ref": "#/$defs/node"}},
        "type": "object",
        "properties": {
            "place": {
                "type": "object",
                "description": "Where",
                "properties": {"lat": {"type": "number", "minimum": -90}},
                "required": ["lat"],
            },
            "days": {"type": "array", "items": {"type": "integer"}},
            "unit": {"$ref": "#/$defs/unit", "default": "C"},
            "when": {"type": ["string", "null"], "format": "date"},
            "units": {"type": "array", "items": {"$ref": "#/$defs/unit"}},
            "endless": {"$ref": "#/$defs/node"},
        },
        "required": ["place"],
    }
    function = {"name": "look", "description": "Looks\nup", "parameters": schema}
    tools = [{"function": function}, {"function": {"name": "stop"}}]
    expected = [
        "// Looks up",
        "type look = (_: {",
        "// Where.",
        "place: {",
        "    // Minimum=-90",
        "    lat: number,",
        "},",
        "days?: number[],",
        '// Default="C".',
        'unit?: "C" | "F",',
        "// Format=date",
        "when?: string | null,",
        'units?: ("C" | "F")[],',
        "endless?: any,",
        "}) => any;",
        "",
        "// ",
        "type stop = () => any;",
    ]
    assert namespace(tools).split("\n")[3:-2] == expected


# ---- answers


FORMATS = {
    "functionary": ("functionary", "functionary-v2", ":\n", " to=functions."),
    "v1": ("functionary-v1", "functionary-v1", "", "<|START_OF_FUNCTION_CALL|>"),
    "v2": ("functionary-v2", "functionary-v2", "all\n<|content|>", ""),
    # Marks that are no tokens of the model.
    "v1-spelled": ("functionary-v1", "llama-q8_0", "", "<|START_OF_FUNCTION_CALL|>"),
}
CALL_ENDS = {"functionary": "", "v1": "<|END_OF_FUNCTION_CALL|>", "v2": "<|stop|>"}
TEXT_ENDS = {"functionary": "\nuser:\n", "v1": "<|END_OF_ASSISTANT|>", "v2": "<|stop|>"}
NEXT_CALLS = {
    "functionary": "\nassistant to=functions.",
    "v1": "\n<|START_OF_FUNCTION_CALL|>",
    "v2": "\n<|from|>assistant\n<|recipient|>",
}
ARGUMENTS = {"functionary": ":\n", "v1": ":\n", "v2": "\n<|content|>"}


@pytest.fixture(scope="module", params=["functionary", "v1", "v2"])
def version(request):
    return request.param


@pytest.fixture(scope="module")
def model(version, load, random_models):
    chat_format, name, _, _ = FORMATS[version]
    return load(random_models / f"{name}.gguf", chat_format=chat_format, n_ctx=4096)


def call_text(version, name, arguments, begin=None):
    begin = FORMATS[version][3] if begin is None else begin
    return f"{begin}{name}{ARGUMENTS[version]}{arguments}"


def ask(model, stream=False, said=None, **arguments):
    """Returns the message with its finish_reason, the same for streams."""
    if said is not None:
        arguments["logits_processor"] = saying(model, said)
    answer = model.create_chat_completion(
        QUESTION, stream=stream, **{"max_tokens": 200, "tools": TOOLS, **arguments}
    )
    if stream:
        message = join(answer)
        message["tool_calls"] = [
            {"id": call["id"], "type": "function", "function": {k: call[k] for k in FUNCTION}}
            for _, call in sorted(message["tool_calls"].items())
        ]
        return message
    message = answer["choices"][0]["message"]
    finish_reason = answer["choices"][0]["finish_reason"]
    message = {"tool_calls": [], **message, "finish_reason": finish_reason}
    return {**message, "content": message["content"] or ""}


FUNCTION = ("name", "arguments")


@pytest.mark.parametrize("stream", [False, True])
def test_text(model, version, stream):
    """Line breaks belong to a text; llama-cpp-python ends one of v1 at the first."""
    text = "It is\n\nlate <|in the| day, a < b."
    said = FORMATS[version][2] + text + TEXT_ENDS[version]
    message = ask(model, stream, said)
    assert message["content"] == text
    assert not message["tool_calls"] and message["finish_reason"] == "stop"


@pytest.mark.parametrize("stream", [False, True])
def test_call(model, version, stream):
    said = call_text(version, "get_time", '{"zone": "CET"}') + CALL_ENDS[version]
    message = ask(model, stream, said)
    (call,) = message["tool_calls"]
    assert call["function"] == {"name": "get_time", "arguments": '{"zone": "CET"}'}
    assert call["id"].startswith("call__0_get_time_cmpl-")
    assert message["content"] == "" and message["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("stream", [False, True])
def test_text_and_call(model, version, stream):
    said = FORMATS[version][2] + "I look."
    said += call_text(version, "get_time", '{"zone": "UTC"}', NEXT_CALLS[version])
    message = ask(model, stream, said + CALL_ENDS[version])
    assert message["content"] == "I look."
    assert [call["function"]["name"] for call in message["tool_calls"]] == ["get_time"]
    assert message["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("stream", [False, True])
def test_several_calls(load, random_models, stream):
    """v2 has them. SentencePiece puts spaces after marks, also in the models' own answers."""
    model = load(random_models / "functionary-v2.gguf", chat_format="functionary-v2", n_ctx=4096)
    said = call_text("v2", " get_time", ' {"zone": "UTC"}')
    said += "\n<|from|> assistant\n<|recipient|> get_weather\n<|content|>"
    said += '{"city": "Rome", "days": 2}<|stop|>'
    message = ask(model, stream, said)
    functions = [call["function"] for call in message["tool_calls"]]
    assert [function["name"] for function in functions] == ["get_time", "get_weather"]
    assert functions[0]["arguments"] == '{"zone": "UTC"}'
    assert json.loads(functions[1]["arguments"]) == {"city": "Rome", "days": 2}
    assert len({call["id"] for call in message["tool_calls"]}) == 2
    assert message["finish_reason"] == "tool_calls"


def test_one_call_when_asked(load, random_models):
    model = load(random_models / "functionary-v2.gguf", chat_format="functionary-v2", n_ctx=4096)
    for seed in (1, 2, 3):
        given = {"tool_choice": "required", "seed": seed, "temperature": 1.0}
        message = ask(model, parallel_tool_calls=False, **given)
        assert len(message["tool_calls"]) == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("choice", ["auto", "required", FORCE_CLOCK, "none"], ids=str)
def test_choice(model, version, choice, stream):
    """A model that is left alone, with random weights."""
    for seed in (1, 2):
        message = ask(model, stream, tool_choice=choice, seed=seed, temperature=1.0, max_tokens=80)
        calls = message["tool_calls"]
        if choice == "none":
            assert not calls
        elif choice != "auto":
            assert calls and message["finish_reason"] in ("tool_calls", "length")
        if message["finish_reason"] == "length":
            calls = calls[:-1]
        for call in calls:
            check_call(
                call, ("get_time",) if choice is FORCE_CLOCK else ("get_time", "get_weather")
            )


def test_functions_are_tools(model, version):
    functions = [tool["function"] for tool in TOOLS]
    given = {"tools": None, "functions": functions, "max_tokens": 80}
    message = ask(model, **given, function_call={"name": "get_time"})
    assert message["function_call"]["name"] == "get_time"
    said = call_text(version, "get_time", '{"zone": "CET"}')
    assert ask(model, said=said, **given)["function_call"]["name"] == "get_time"


def test_none_does_not_parse(model, version):
    """The answer ends before a text that looks like a call."""
    said = "No." + call_text(version, "get_time", '{"zone": "UTC"}', NEXT_CALLS[version])
    for stream in (False, True):
        message = ask(model, stream, said, tool_choice="none")
        assert not message["tool_calls"] and message["content"].strip() == "No."


def test_cut_off(model, version):
    said = call_text(version, "get_time", '{"zone": "CET"}')
    n_tokens = len(model.tokenize(said.encode(), add_bos=False, special=True))
    for stream in (False, True):
        message = ask(model, stream, said, max_tokens=n_tokens - 3)
        assert message["finish_reason"] == "length"
        (call,) = message["tool_calls"]
        assert '{"zone": "CET"}'.startswith(call["function"]["arguments"])
        assert ask(model, stream, said, max_tokens=2)["tool_calls"] == []


@pytest.mark.parametrize("tools", [None, TOOLS], ids=["no tools", "tools"])
def test_response_format(model, version, tools):
    """A schema is that of the text; calls are possible beside it."""
    schema = {"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"]}
    wanted = {"type": "json_schema", "json_schema": {"schema": schema}}
    given = {"tools": tools, "response_format": wanted}
    for seed in (1, 2, 3):
        message = ask(model, seed=seed, temperature=1.0, **given)
        if not message["tool_calls"]:
            assert json.loads(message["content"])["a"] in (1, 2)
    said = (FORMATS[version][2] if tools else "") + '{"a": 2}'
    assert ask(model, said=said, **given)["content"] == '{"a": 2}'


def test_grammar_is_that_of_the_text(model):
    message = ask(model, grammar=llama_cpp.LlamaGrammar.from_string('root ::= "yes" | "no"'))
    assert message["content"] in ("yes", "no") and not message["tool_calls"]


# ---- an answer that is begun


def go_on(model, begun, said, stream=False, **arguments):
    """Returns the rest of an answer that begins with a given text."""
    messages = [*QUESTION, {"role": "assistant", "content": begun}]
    seen = []
    process = saying(model, said)[0]

    def force(input_ids, scores):
        seen.append(input_ids.tolist()) if not seen else None
        return process(input_ids, scores)

    answer = model.create_chat_completion(
        messages,
        tools=TOOLS,
        stream=stream,
        max_tokens=200,
        logits_processor=llama_cpp.LogitsProcessorList([force]),
        **arguments,
    )
    message = join(answer) if stream else answer["choices"][0]["message"]
    return message, model.detokenize(seen[0], special=True).decode()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("choice", ["auto", "none"])
def test_text_goes_on(model, version, choice, stream):
    said = " late." + TEXT_ENDS[version]
    message, prompt = go_on(model, "It is", said, stream, tool_choice=choice)
    assert message["content"] == " late." and not message.get("tool_calls")
    assert prompt.endswith(FORMATS[version][2] + "It is")


def test_calls_follow_a_given_text(model, version):
    call = call_text(version, "get_time", '{"zone": "CET"}', NEXT_CALLS[version])
    message, _ = go_on(model, "I look", f" it up.{call}{CALL_ENDS[version]}")
    assert message["content"] == " it up."
    assert message["function_call"] == {"name": "get_time", "arguments": '{"zone": "CET"}'}
    said = call_text(version, "get_time", '{"zone": "CET"}', "")
    message, prompt = go_on(model, "I look.", said + CALL_ENDS[version], tool_choice="required")
    assert message["function_call"] == {"name": "get_time", "arguments": '{"zone": "CET"}'}
    assert prompt.endswith("I look." + NEXT_CALLS[version])
    message, prompt = go_on(model, "I look.", '{"zone": "CET"}', tool_choice=FORCE_CLOCK)
    assert message["function_call"] == {"name": "get_time", "arguments": '{"zone": "CET"}'}
    assert prompt.endswith(call_text(version, "get_time", "", NEXT_CALLS[version]))


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_json_goes_on(model, choice):
    """The grammar of the answer covers its given beginning."""
    schema = {"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"]}
    wanted = {"type": "json_schema", "json_schema": {"schema": schema}}
    message, prompt = go_on(model, '{"a":', "2}", tool_choice=choice, response_format=wanted)
    assert message["content"] == "2}" and prompt.endswith('{"a":')


# ---- which version


def test_version_follows_the_vocabulary(load, random_models):
    """The names v1 and v2 mean the same handler in llama-cpp-python, which asks the tokenizer."""
    for name, other in (("functionary-v1", "functionary-v2"), ("functionary-v2", "functionary-v1")):
        model = load(random_models / f"{name}.gguf", chat_format=other, n_ctx=4096)
        said = call_text(name[-2:], "get_time", '{"zone": "CET"}') + CALL_ENDS[name[-2:]]
        assert ask(model, said=said)["tool_calls"]


def test_marks_that_are_no_tokens(load, random_models):
    """The name decides; the marks are spelled."""
    for version in ("v1", "v2"):
        model = load(
            random_models / "llama-q8_0.gguf", chat_format=f"functionary-{version}", n_ctx=4096
        )
        said = call_text(version, "get_time", '{"zone": "CET"}') + CALL_ENDS[version]
        assert ask(model, said=said)["tool_calls"]


def test_version_follows_a_tokenizer(load, random_models):
    """A tokenizer of Hugging Face, as llama-cpp-python asks for, says what its marks are."""

    class Tokenizer(llama_cpp.LlamaTokenizer):
        class hf_tokenizer:
            additional_special_tokens = ["<|START_OF_FUNCTION_CALL|>"]

    path = random_models / "llama-q8_0.gguf"
    tokenizer = Tokenizer(load(path, vocab_only=True))
    model = load(path, chat_format="functionary-v2", tokenizer=tokenizer, n_ctx=4096)
    said = call_text("v1", "get_time", '{"zone": "CET"}') + CALL_ENDS["v1"]
    assert ask(model, said=said)["tool_calls"]


def test_handlers_are_registered():
    get = llama_chat_format.get_chat_completion_handler
    assert get("functionary") is llama_chat_format.functionary_chat_handler
    assert get("functionary-v2") is llama_chat_format.functionary_v1_v2_chat_handler
