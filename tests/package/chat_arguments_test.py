"""Arguments of one call, with every kind of chat handler.

Their meaning is that of OpenAI's API reference ("Create chat completion", "Create completion"), and
of llama-server (tools/server/README.md of llama.cpp) where OpenAI has no such argument.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from chats import counts
from scripted import saying

import llama_cpp
from llama_cpp import llama_chat_format
from llama_cpp._engine.choices import seeds

ASK = [{"role": "user", "content": "Who made the heaven?"}]
PROMPT = "In the beginning God created"
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
FORMATS = ("template", "chatml", "llama-2", "jinja", "chatml-function-calling", "user")


@llama_chat_format.register_chat_completion_handler("arguments-test")
def user_handler(*, llama, messages, **kwargs):
    """A user's handler, which hands its arguments on to one of ours and keeps them."""
    user_handler.kwargs = kwargs
    handler = llama_chat_format.get_chat_completion_handler("chatml")
    return handler(llama=llama, messages=messages, **kwargs)


@pytest.fixture(params=FORMATS)
def chat(request, load, model_path):
    """Returns a Llama that answers chats through one kind of handler."""
    llm = load(model_path)
    if request.param == "jinja":
        llm.chat_handler = llama_chat_format.Jinja2ChatFormatter(
            llama_chat_format.CHATML_CHAT_TEMPLATE, eos_token="<|im_end|>", bos_token=""
        ).to_chat_handler()
    elif request.param == "user":
        llm.chat_format = "arguments-test"
    elif request.param != "template":
        llm.chat_format = request.param
    return llm


def contents(answer):
    return [choice["message"]["content"] for choice in answer["choices"]]


def streamed(chunks):
    """Returns index -> text of a stream, of a chat or not."""
    texts: dict = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            text = choice["text"] if "text" in choice else choice["delta"].get("content")
            texts[choice["index"]] = texts.get(choice["index"], "") + (text or "")
    return texts


# ---- max_completion_tokens


def test_max_completion_tokens_is_max_tokens(chat):
    script = saying(chat, "Of the sea, and of the fowl of the air.")
    answer = chat.create_chat_completion(ASK, max_completion_tokens=3, logits_processor=script)
    assert answer["usage"]["completion_tokens"] == 3
    assert answer["choices"][0]["finish_reason"] == "length"
    same = chat.create_chat_completion(
        ASK, max_tokens=3, max_completion_tokens=3, logits_processor=script
    )
    assert contents(same) == contents(answer)


def test_two_different_limits_raise(chat):
    with pytest.raises(ValueError, match=r"max_tokens is 5 .*\nPass max_completion_tokens=3 alone"):
        chat.create_chat_completion(ASK, max_tokens=5, max_completion_tokens=3)


# ---- stream_options


@pytest.mark.parametrize("n", [1, 2])
def test_stream_ends_with_the_usage(chat, n):
    """One more chunk, with no choices; the others have the usage None."""
    arguments = {"max_tokens": 5, "seed": 3, "temperature": 1.0, "n": n}
    whole = chat.create_chat_completion(ASK, **arguments)
    *chunks, last = chat.create_chat_completion(
        ASK, stream=True, stream_options={"include_usage": True}, **arguments
    )
    assert last["choices"] == []
    assert counts(last["usage"]) == counts(whole["usage"])
    assert {key: last[key] for key in ("id", "object", "created", "model")} == {
        key: chunks[0][key] for key in ("id", "object", "created", "model")
    }
    assert all(chunk["usage"] is None and chunk["choices"] for chunk in chunks)
    assert list(streamed(chunks).values()) == contents(whole)


def test_text_stream_ends_with_the_usage(llm):
    arguments = {"max_tokens": 5, "seed": 3, "n": 2}
    whole = llm.create_completion(PROMPT, **arguments)
    *chunks, last = llm(PROMPT, stream=True, stream_options={"include_usage": True}, **arguments)
    assert last["object"] == "text_completion" and last["choices"] == []
    assert counts(last["usage"]) == counts(whole["usage"])
    assert all(chunk["usage"] is None and chunk["choices"] for chunk in chunks)


def test_streams_have_no_usage_unless_asked(llm):
    for options in (None, {"include_usage": False}, {}):
        for chunk in llm(PROMPT, max_tokens=2, stream=True, stream_options=options):
            assert "usage" not in chunk and chunk["choices"]
        for chunk in llm.create_chat_completion(
            ASK, max_tokens=2, stream=True, stream_options=options
        ):
            assert "usage" not in chunk and chunk["choices"]


def test_usage_of_streamed_calls(llm):
    """chatml-function-calling generates an answer in parts; their tokens are added up."""
    handler = llama_chat_format.get_chat_completion_handler("chatml-function-calling")
    arguments = {
        "tools": [CLOCK],
        "tool_choice": "required",
        "temperature": 0,
        "parallel_tool_calls": False,
    }
    whole = handler(llama=llm, messages=ASK, **arguments)
    *chunks, last = handler(
        llama=llm,
        messages=ASK,
        stream=True,
        stream_options={"include_usage": True},
        **arguments,
    )
    assert last["choices"] == [] and last["usage"] == whole["usage"]
    assert last["usage"]["prompt_tokens_details"]["cached_tokens"] > 0
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert all(chunk["usage"] is None for chunk in chunks)


@pytest.mark.parametrize("stream", [None, False])
def test_stream_options_need_a_stream(chat, stream):
    """OpenAI's words: "The 'stream_options' parameter is only allowed when 'stream' is enabled"."""
    for call, what in ((chat.create_chat_completion, ASK), (chat.create_completion, PROMPT)):
        with pytest.raises(ValueError, match=r"only allowed with stream=True\nPass stream=True"):
            call(what, stream=stream, stream_options={"include_usage": True})


def test_unknown_stream_options_raise(llm):
    with pytest.raises(ValueError, match=r"stream_options has 'usage'.*\nPass stream_options="):
        llm(PROMPT, stream=True, stream_options={"usage": True})
    with pytest.raises(TypeError, match=r"stream_options\['include_usage'\]"):
        llm(PROMPT, stream=True, stream_options={"include_usage": "yes"})


# ---- n


# The model knows the answer too well for choices to differ otherwise.
WILD = {"max_tokens": 6, "temperature": 4.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}


def test_choices_are_those_of_their_seeds(chat):
    """llama-server too gives choice i the seed + i (server_task::add_child)."""
    arguments = WILD
    answer = chat.create_chat_completion(ASK, n=3, seed=7, **arguments)
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    alone = [chat.create_chat_completion(ASK, seed=7 + i, **arguments) for i in range(3)]
    assert contents(answer) == [text for each in alone for text in contents(each)]
    assert len(set(contents(answer))) == 3
    usage = answer["usage"]
    assert usage["prompt_tokens"] == alone[0]["usage"]["prompt_tokens"]
    assert usage["completion_tokens"] == sum(x["usage"]["completion_tokens"] for x in alone)
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_choices_of_a_stream(chat):
    arguments = {**WILD, "n": 3, "seed": 7}
    whole = chat.create_chat_completion(ASK, **arguments)
    chunks = list(chat.create_chat_completion(ASK, stream=True, **arguments))
    assert list(streamed(chunks).values()) == contents(whole)
    indices = [choice["index"] for chunk in chunks for choice in chunk["choices"]]
    assert indices == sorted(indices) and set(indices) == {0, 1, 2}  # one after another
    assert len({chunk["id"] for chunk in chunks}) == 1
    ends = [c["choices"][0] for c in chunks if c["choices"][0]["finish_reason"]]
    assert [end["index"] for end in ends] == [0, 1, 2]
    assert [end["finish_reason"] for end in ends] == [
        choice["finish_reason"] for choice in whole["choices"]
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_choices_of_a_text(llm, stream):
    arguments = {**WILD, "echo": True}
    alone = [llm(PROMPT, seed=7 + i, **arguments)["choices"][0]["text"] for i in range(3)]
    answer = llm(PROMPT, n=3, seed=7, stream=stream, **arguments)
    if stream:
        assert list(streamed(answer).values()) == alone
    else:
        assert [choice["text"] for choice in answer["choices"]] == alone
        assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]


def test_choices_without_a_seed_repeat_in_a_new_object(load, model_path):
    texts = []
    for _ in range(2):
        answer = load(model_path)(PROMPT, n=3, **WILD)
        texts.append([choice["text"] for choice in answer["choices"]])
    assert texts[0] == texts[1] and len(set(texts[0])) == 3


def test_choices_share_the_evaluated_prompt(fresh):
    evaluated = []
    decode = fresh._session.eval

    def count(tokens, *rest, **named):
        evaluated.append(len(tokens))
        return decode(tokens, *rest, **named)

    fresh._session.eval = count
    answer = fresh(PROMPT, n=3, max_tokens=4)
    assert evaluated == [answer["usage"]["prompt_tokens"], 1, 1]


def test_tool_calls_of_choices_have_ids_of_their_own(llm):
    answer = llm.create_chat_completion(
        ASK, tools=[CLOCK], tool_choice="get_time", n=2, max_tokens=60
    )
    ids = [choice["message"]["tool_calls"][0]["id"] for choice in answer["choices"]]
    assert len(set(ids)) == 2


def test_logprobs_of_choices(llm):
    arguments = {**WILD, "logprobs": True, "top_logprobs": 2}
    answer = llm.create_chat_completion(ASK, n=2, seed=7, **arguments)
    for index, choice in enumerate(answer["choices"]):
        alone = llm.create_chat_completion(ASK, seed=7 + index, **arguments)["choices"][0]
        assert [e["token"] for e in choice["logprobs"]["content"]] == [
            e["token"] for e in alone["logprobs"]["content"]
        ]


def test_no_choices_raise(llm):
    for n in (0, -1):
        with pytest.raises(ValueError, match="n has to be"):
            llm.create_chat_completion(ASK, n=n)
        with pytest.raises(ValueError, match="n has to be"):
            llm(PROMPT, n=n)


def test_counting_seeds_never_meets_the_random_one():
    default = llama_cpp.LLAMA_DEFAULT_SEED
    assert seeds(None, 2) == [None, None]
    assert seeds(5, 3) == [5, 6, 7]
    assert seeds(default, 2) == [default, default]
    assert seeds(-1, 2) == [-1, -1]  # its lowest 32 bits are those of the default
    assert seeds(default - 1, 3) == [default - 1, 0, 1]
    assert seeds(2**40 + 5, 2) == [2**40 + 5, 6]


def test_choices_of_a_handler_that_counts_nothing(fresh):
    def handler(*, llama, messages, stream, seed, **kwargs):
        answer = llama.create_completion(PROMPT, max_tokens=2, seed=seed, stream=stream)
        if not stream:
            del answer["usage"]
        return answer

    fresh.chat_handler = handler
    answer = fresh.create_chat_completion(ASK, n=2, seed=1)
    assert len(answer["choices"]) == 2 and "usage" not in answer
    chunks = list(fresh.create_chat_completion(ASK, n=2, seed=1, stream=True))
    assert list(streamed(chunks).values()) == [choice["text"] for choice in answer["choices"]]


def test_closing_a_stream_of_choices_ends_it(fresh):
    chunks = fresh.create_chat_completion(ASK, n=3, stream=True)
    next(chunks)
    chunks.close()
    assert list(chunks) == []
    assert fresh(PROMPT, max_tokens=1)["usage"]["completion_tokens"] == 1


# ---- chat_template_kwargs


MOOD = "{{ mood }}-{{ tone }}:{{ messages[0].content }}"


@pytest.fixture
def moody(fresh):
    """Returns a Llama whose template has two variables, and the prompts that it made."""
    handler = llama_chat_format.TemplateChatHandler(fresh.model, MOOD)
    fresh.chat_handler = handler
    fresh.prompts = []
    render = handler.render

    def keep(*arguments):
        prompt = render(*arguments)
        fresh.prompts.append(prompt.prompt)
        return prompt

    handler.render = keep
    return fresh


def test_template_kwargs_of_a_call_go_before_the_attribute(moody):
    moody.chat_template_kwargs = {"mood": "glad", "tone": "low"}
    moody.create_chat_completion(ASK, max_tokens=1, chat_template_kwargs={"mood": "sad"})
    moody.create_chat_completion(ASK, max_tokens=1)
    assert moody.prompts == [f"{mood}-low:{ASK[0]['content']}" for mood in ("sad", "glad")]
    assert moody.chat_template_kwargs == {"mood": "glad", "tone": "low"}


def test_template_kwargs_reach_every_handler(chat):
    """Formats without a template have no variables, and a user's handler gets them as its own."""
    user_handler.kwargs = None
    chat.create_chat_completion(ASK, max_tokens=1, chat_template_kwargs={"mood": "sad"})
    if user_handler.kwargs is not None:
        assert user_handler.kwargs["mood"] == "sad"
        assert "chat_template_kwargs" not in user_handler.kwargs


@pytest.mark.parametrize("name", ["tools", "temperature", "messages", "n", "stream_options"])
def test_template_kwargs_that_are_arguments_raise(chat, name):
    with pytest.raises(ValueError, match=rf"has '{name}', which is an argument.*\nPass it as"):
        chat.create_chat_completion(ASK, chat_template_kwargs={name: None})


def test_a_handler_from_before_these_arguments_is_called_without_them(fresh):
    """Protocols of llama-cpp-python have **kwargs; not every handler does."""

    def handler(llama, messages, functions, function_call, tools, tool_choice, temperature, top_p,
                top_k, min_p, typical_p, stream, stop, seed, response_format, max_tokens,
                presence_penalty, frequency_penalty, repeat_penalty, tfs_z, mirostat_mode,
                mirostat_tau, mirostat_eta, model, logits_processor, grammar, logit_bias,
                logprobs, top_logprobs):  # fmt: skip
        return llama.create_completion(PROMPT, max_tokens=max_tokens, seed=seed)

    fresh.chat_handler = handler
    answer = fresh.create_chat_completion(ASK, max_completion_tokens=2, n=2, seed=1)
    assert answer["usage"]["completion_tokens"] == 4 and len(answer["choices"]) == 2
    with pytest.raises(TypeError, match="reasoning_budget"):
        fresh.create_chat_completion(ASK, reasoning_budget=5)


# ---- sampling by llama.cpp's names, logit_bias


def test_sampling_by_llama_cpps_names(chat):
    taken = []
    native = chat._session.native_sampling

    def keep(sampling):
        taken.append(native(sampling))
        return taken[-1]

    chat._session.native_sampling = keep
    chat.create_chat_completion(
        ASK, max_tokens=1, top_n_sigma=1.5, dry_multiplier=0.75, samplers=["top_k", "dry"]
    )
    params = taken[-1]
    assert (params.top_n_sigma, params.dry_multiplier) == (1.5, 0.75)
    assert params.samplers == ["top_k", "dry"]


def test_logit_bias_has_ids_as_strings(chat):
    (token,) = chat.tokenize(b"\n", add_bos=False)[-1:]
    arguments = {"max_tokens": 2, "temperature": 0}
    biased = chat.create_chat_completion(ASK, logit_bias={str(token): 100.0}, **arguments)
    assert contents(biased) == ["\n\n"]
    number = chat.create_chat_completion(ASK, logit_bias={token: 100}, **arguments)
    assert contents(number) == contents(biased)


def test_tool_choice_is_the_name_of_a_tool(chat):
    answer = chat.create_chat_completion(
        ASK, tools=[CLOCK], tool_choice="get_time", max_tokens=80, temperature=0
    )
    (call,) = answer["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "get_time"
    assert json.loads(call["function"]["arguments"])["zone"] in ("UTC", "CET")


# ---- parallel_tool_calls


def test_one_call_without_parallel_tool_calls(llm):
    """The model would say two calls; the grammar allows one."""
    one = '<tool_call>\n{"name": "get_time", "arguments": {"zone": "CET"}}\n</tool_call>'

    def calls(parallel):
        (script,) = saying(llm, f"{one}\n{one}")

        def prefer(tokens, logits):
            return logits + np.where(script(tokens, logits.copy()) == 0, 1000, 0)

        answer = llm.create_chat_completion(
            ASK, tools=[CLOCK], logits_processor=prefer, parallel_tool_calls=parallel
        )
        assert answer["choices"][0]["finish_reason"] == "tool_calls"
        return len(answer["choices"][0]["message"]["tool_calls"])

    assert (calls(True), calls(False)) == (2, 1)


def test_one_call_in_chatml_function_calling(llm, monkeypatch):
    from llama_cpp._chat import function_calling

    heads = []

    def choose(session, request, prompt, choices, may_end):
        heads.append(choices)
        return "functions.get_time:"

    monkeypatch.setattr(function_calling, "_choose", choose)
    handler = llama_chat_format.get_chat_completion_handler("chatml-function-calling")
    arguments = {"llama": llm, "messages": ASK, "tools": [CLOCK], "temperature": 0}
    several = handler(**arguments)["choices"][0]["message"]["tool_calls"]
    (one,) = handler(parallel_tool_calls=False, **arguments)["choices"][0]["message"]["tool_calls"]
    assert len(several) == 16 and one["function"] == several[0]["function"]


# ---- OpenAI's other keywords


def test_keywords_of_the_service_have_no_effect(chat):
    """llama-server ignores them, too."""
    arguments = {"max_tokens": 4, "temperature": 0}
    user_handler.kwargs = {}
    answer = chat.create_chat_completion(
        ASK,
        user="anna",
        metadata={"a": "b"},
        store=True,
        service_tier="auto",
        prompt_cache_key="x",
        prompt_cache_retention="24h",
        safety_identifier="y",
        prediction={"type": "content", "content": "x"},
        **arguments,
    )
    assert contents(answer) == contents(chat.create_chat_completion(ASK, **arguments))
    assert "user" not in user_handler.kwargs
    text = chat.create_completion(PROMPT, user="anna", **arguments)
    assert text["choices"] == chat.create_completion(PROMPT, **arguments)["choices"]


@pytest.mark.parametrize("name", ["audio", "modalities", "web_search_options", "verbosity"])
def test_keywords_that_an_answer_would_have_to_follow_raise(llm, name):
    with pytest.raises(TypeError, match=rf"cannot honour OpenAI's '{name}'.*\nLeave it out"):
        llm.create_chat_completion(ASK, **{name: "x"})


def test_other_keywords_raise(llm):
    with pytest.raises(TypeError, match="reasoning_budget_tokens.*'reasoning_budget'"):
        llm.create_chat_completion(ASK, reasoning_budget_tokens=5)
    with pytest.raises(TypeError, match="best_of"):
        llm(PROMPT, best_of=3)


# ---- objects of the package openai


def test_openai_objects(llm):
    openai = pytest.importorskip("openai")
    arguments = {"max_tokens": 3, "n": 2, "temperature": 1.0, "seed": 4}
    whole = llm.create_chat_completion_openai_v1(ASK, **arguments)
    assert isinstance(whole, openai.types.chat.ChatCompletion)
    assert [choice.index for choice in whole.choices] == [0, 1]
    *chunks, last = llm.create_chat_completion_openai_v1(
        ASK, stream=True, stream_options={"include_usage": True}, **arguments
    )
    assert last.choices == [] and last.usage.total_tokens == whole.usage.total_tokens
    assert last.usage.prompt_tokens_details.cached_tokens > 0
    assert all(chunk.usage is None for chunk in chunks)


def test_openai_objects_with_positional_arguments(llm):
    """`stream` is the twelfth parameter, after messages."""
    pytest.importorskip("openai")
    values = (ASK, None, None, None, None, 0.2, 0.95, 40, 0.05, 1.0, True)
    chunks = list(llm.create_chat_completion_openai_v1(*values, max_tokens=2))
    assert chunks[0].object == "chat.completion.chunk"
