"""Thoughts of a model: apart from the answer, bounded, or switched off, with every chat handler.

Names and defaults are llama-server's (reasoning_format and --reasoning-budget in
tools/server/README.md of llama.cpp); `reasoning_effort` is OpenAI's.
"""

from __future__ import annotations

import json

import pytest

import llama_cpp
from llama_cpp import llama_chat_format
from llama_cpp._chat.thoughts import ThoughtReader, Thoughts

ASK = [{"role": "user", "content": "Who made the heaven?"}]
# As DeepSeek's and Qwen's templates write thoughts; without them the answer begins after the tags.
THINKING = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.reasoning_content %}<think>\n"
    "{{ m.reasoning_content }}\n</think>\n\n{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n"
    "{% endif %}{% endif %}"
)
# The prompt itself begins the thought, as with DeepSeek-R1 and QwQ.
BEGUN = THINKING.replace("assistant\n{% if", "assistant\n<think>\n{% if", 1)
EFFORT = "{{ reasoning_effort }}:{{ enable_thinking }}:{{ messages[0].content }}"
HANDLERS = ("template", "jinja", "chatml", "chatml-function-calling", "vicuna")


@pytest.fixture(params=HANDLERS)
def thinker(request, load, model_path):
    """Returns a Llama whose chats go through one kind of handler."""
    llm = load(model_path)
    if request.param == "template":
        llm.chat_handler = llama_chat_format.TemplateChatHandler(llm.model, THINKING)
    elif request.param == "jinja":
        llm.chat_handler = llama_chat_format.Jinja2ChatFormatter(
            THINKING, eos_token="<|im_end|>", bos_token=""
        ).to_chat_handler()
    else:
        llm.chat_format = request.param
    return llm


def tokens_of(llm, text):
    """Returns the tokens of a text that follows a line break."""
    head = llm.tokenize(b"\n", add_bos=False, special=True)
    whole = llm.tokenize(b"\n" + text.encode(), add_bos=False, special=True)
    assert whole[: len(head)] == head
    return whole[len(head) :]


def script(llm, *texts):
    """Returns a processor that proposes the tokens of texts, one place after another, then EOS.

    A place that a bound takes for itself is lost for the texts.
    """
    tokens = [token for text in texts for token in tokens_of(llm, text)]
    begin = []

    def propose(input_ids, logits):
        begin.append(len(input_ids)) if not begin else None
        place = len(input_ids) - begin[0]
        logits[:] = -float("inf")
        logits[tokens[place] if place < len(tokens) else llm.token_eos()] = 0
        return logits

    return propose


def ask(llm, *texts, stream=False, **arguments):
    """Returns the message of an answer in which the model says `texts`."""
    answer = llm.create_chat_completion(
        ASK, stream=stream, max_tokens=200, logits_processor=script(llm, *texts), **arguments
    )
    if not stream:
        return answer["choices"][0]["message"]
    message: dict = {}
    for chunk in answer:
        for key, text in chunk["choices"][0]["delta"].items():
            message[key] = message.get(key, "") + text
    return message


# ---- reasoning_format


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ["auto", "deepseek", "deepseek-legacy"])
def test_thoughts_apart(thinker, name, stream):
    said = "<think>\nLet me see.\n</think>\n\nGod did."
    message = ask(thinker, said, reasoning_format=name, stream=stream)
    assert message["content"] == "God did."
    assert message["reasoning_content"].strip() == "Let me see."


@pytest.mark.parametrize("stream", [False, True])
def test_thoughts_stay_in_the_content(thinker, stream):
    said = "<think>\nLet me see.\n</think>\n\nGod did."
    for arguments in ({}, {"reasoning_format": "none"}):
        message = ask(thinker, said, stream=stream, **arguments)
        assert message == {"role": "assistant", "content": said}


@pytest.mark.parametrize("stream", [False, True])
def test_answers_without_a_thought(thinker, stream):
    said = "God <b>did</b>."
    message = ask(thinker, said, reasoning_format="auto", stream=stream)
    assert message == {"role": "assistant", "content": said}


def test_format_of_a_call_goes_before_the_attribute(thinker):
    said = "<think>\nLet me see.\n</think>\n\nGod did."
    thinker.chat_template_kwargs = {"reasoning_format": "auto"}
    assert ask(thinker, said)["content"] == "God did."
    assert ask(thinker, said, reasoning_format="none")["content"] == said


def test_unknown_format_raises(thinker):
    with pytest.raises(ValueError, match="reasoning_format has to be one of 'none', 'auto'"):
        ask(thinker, "God", reasoning_format="gpt")


# ---- reasoning_budget


@pytest.mark.parametrize("stream", [False, True])
def test_a_thought_ends_after_its_budget(thinker, stream):
    """The closing tag takes the place of the thought's next tokens."""
    start, thought = "<think>\n", "and the evening and the morning were the first day" * 2
    end = tokens_of(thinker, "</think>")
    for budget in (1, 7):
        message = ask(thinker, start, thought, reasoning_budget=budget, stream=stream)
        inside = len(tokens_of(thinker, start)) - len(tokens_of(thinker, "<think>"))
        tokens = tokens_of(thinker, thought)
        kept = budget - inside
        text = thinker.detokenize(tokens[:kept]).decode()
        rest = thinker.detokenize(tokens[kept + len(end) :]).decode()
        assert message["content"] == f"{start}{text}</think>{rest}"


def test_a_shorter_thought_is_whole(thinker):
    said = "<think>\nLet me see.\n</think>\n\nGod did, in the beginning, for it is written."
    thought = tokens_of(thinker, said[len("<think>") : said.index("</think>")])
    for budget in (len(thought) + 9, -1, None):
        assert ask(thinker, said, reasoning_budget=budget)["content"] == said


def test_each_thought_has_the_budget(thinker):
    """As in llama.cpp: some models think more than once."""
    one = "<think>the day</think>"
    budget = len(tokens_of(thinker, "the day"))
    end = len(tokens_of(thinker, "</think>"))
    long = "the day and the night and the morning"
    message = ask(thinker, one, "It", "<think>", long, reasoning_budget=budget)
    tokens = tokens_of(thinker, long)
    kept = thinker.detokenize(tokens[:budget]).decode()
    rest = thinker.detokenize(tokens[budget + end :]).decode()
    assert message["content"] == f"{one}It<think>{kept}</think>{rest}"


def test_budget_and_format(thinker):
    thought = "and the evening and the morning were the first day" * 2
    message = ask(thinker, "<think>", thought, reasoning_budget=4, reasoning_format="auto")
    tokens = tokens_of(thinker, thought)
    assert message["reasoning_content"] == thinker.detokenize(tokens[:4]).decode().strip()
    end = len(tokens_of(thinker, "</think>"))
    assert message["content"].lstrip() == thinker.detokenize(tokens[4 + end :]).decode().lstrip()


def test_a_thought_that_the_prompt_has_begun(fresh):
    fresh.chat_handler = llama_chat_format.TemplateChatHandler(fresh.model, BEGUN)
    thought = "and the evening and the morning were the first day"
    tokens, end = tokens_of(fresh, thought), len(tokens_of(fresh, "</think>"))
    message = ask(fresh, thought, reasoning_budget=3, reasoning_format="auto")
    assert message["reasoning_content"].strip() == fresh.detokenize(tokens[:3]).decode().strip()
    assert message["content"].strip() == fresh.detokenize(tokens[3 + end :]).decode().strip()


def test_a_thought_that_the_caller_has_begun(fresh):
    """Tokens of the prompt do not count."""
    fresh.chat_format = "chatml"
    thought = "and the evening and the morning"
    tokens, end = tokens_of(fresh, thought), len(tokens_of(fresh, "</think>"))
    answer = fresh.create_chat_completion(
        [*ASK, {"role": "assistant", "content": "<think>\nIt was the day"}],
        logits_processor=script(fresh, thought),
        reasoning_budget=3,
        reasoning_format="auto",
    )
    message = answer["choices"][0]["message"]
    assert message["reasoning_content"].strip() == fresh.detokenize(tokens[:3]).decode().strip()
    assert message["content"] == fresh.detokenize(tokens[3 + end :]).decode().lstrip()


def test_no_character_is_cut(fresh):
    """日 is three tokens, its bytes, in this vocabulary; the thought ends after the third."""
    fresh.chat_format = "chatml"
    character = tokens_of(fresh, "日")
    assert len(character) == 3
    for budget in (1, 2, 3):
        message = ask(fresh, "<think>", "日日日日日日日日", reasoning_budget=budget)
        assert message["content"].startswith("<think>日</think>")


def test_budget_under_a_native_grammar(fresh):
    """The grammar of a tool call leaves room for a thought, and takes the forced tag."""
    fresh.chat_handler = llama_chat_format.TemplateChatHandler(fresh.model, THINKING)
    function = {"name": "get_time", "parameters": {"type": "object", "properties": {}}}
    thought = "and the evening and the morning were the first day" * 2
    message = ask(
        fresh,
        "<think>",
        thought,
        tools=[{"type": "function", "function": function}],
        reasoning_format="auto",
        reasoning_budget=4,
    )
    tokens = tokens_of(fresh, thought)
    assert message["reasoning_content"] == fresh.detokenize(tokens[:4]).decode().strip()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("budget", [None, 0, 3])
@pytest.mark.parametrize("template", [THINKING, BEGUN])
def test_json_of_a_model_that_thinks(fresh, template, budget, stream):
    """Without reasoning_format the content is JSON, and so there is no thought before it."""
    fresh.chat_handler = llama_chat_format.TemplateChatHandler(fresh.model, template)
    schema = {
        "type": "object",
        "properties": {"maker": {"enum": ["God", "man"]}},
        "required": ["maker"],
    }
    answer = fresh.create_chat_completion(
        ASK,
        response_format={"type": "json_object", "schema": schema},
        reasoning_budget=budget,
        temperature=0,
        max_tokens=60,
        stream=stream,
    )
    if stream:
        deltas = [chunk["choices"][0]["delta"] for chunk in answer]
        text = "".join(delta.get("content") or "" for delta in deltas)
    else:
        text = answer["choices"][0]["message"]["content"]
    assert json.loads(text)["maker"] in ("God", "man")


def test_a_grammar_of_the_caller_leaves_no_thought(fresh):
    grammar = llama_cpp.LlamaGrammar.from_string('root ::= "<think>aaaaaaaa"')
    answer = fresh.create_chat_completion(ASK, grammar=grammar, reasoning_budget=1)
    assert answer["choices"][0]["message"]["content"] == "<think>aaaaaaaa"


@pytest.mark.parametrize("arguments", [{"reasoning_budget": 0}, {"reasoning_effort": "none"}])
def test_no_thought(thinker, arguments):
    """The template is told so, and a thought that begins all the same ends at once."""
    message = ask(thinker, "<think>", "and the evening and the morning", **arguments)
    assert message["content"].startswith("<think></think>")


def test_no_thought_in_the_prompt(fresh):
    handler = llama_chat_format.TemplateChatHandler(fresh.model, THINKING)
    for arguments in (
        {"reasoning_budget": 0},
        {"reasoning_effort": "none"},
        {"enable_thinking": False},
    ):
        prompt = handler.format(messages=ASK, **arguments).prompt
        assert prompt.endswith("assistant\n<think>\n\n</think>\n\n")
    for arguments in ({}, {"reasoning_budget": -1}, {"reasoning_budget": 5}):
        prompt = handler.format(messages=ASK, **arguments).prompt
        assert prompt.endswith("assistant\n")
    prompt = handler.format(messages=ASK, reasoning_budget=0, enable_thinking=True).prompt
    assert prompt.endswith("assistant\n")


def test_nothing_is_forced_after_thoughts_that_are_switched_off(fresh):
    """The tags at the end of the prompt, a thought without text, are no thought of the answer."""
    fresh.chat_handler = llama_chat_format.TemplateChatHandler(fresh.model, THINKING)
    assert ask(fresh, "God did.", reasoning_budget=0)["content"] == "God did."


def test_efforts_reach_the_template(fresh):
    handler = llama_chat_format.TemplateChatHandler(fresh.model, EFFORT)
    prompt = handler.format(messages=ASK, reasoning_effort="high").prompt
    assert prompt == f"high:True:{ASK[0]['content']}"


def test_budgets_that_cannot_be(thinker):
    with pytest.raises(ValueError, match="reasoning_budget has to be a whole number from -1"):
        ask(thinker, "God", reasoning_budget=-2)
    with pytest.raises(TypeError, match="reasoning_budget has to be a whole number"):
        ask(thinker, "God", reasoning_budget="much")


# ---- the native sampler


def test_the_native_sampler_demands_the_end(fresh):
    """Also after reset(), and in a copy."""
    core = llama_cpp._core
    params = core.SamplingParams()
    params.temp = 0.0
    (a,) = tokens_of(fresh, "a")
    (b,) = tokens_of(fresh, "b")
    params.reasoning_budget_tokens = 2
    params.reasoning_budget_start = [a]
    params.reasoning_budget_end = [[b]]
    params.reasoning_budget_forced = [b, b]
    sampler = core.Sampler(fresh.model, params)
    fresh.eval(fresh.tokenize(b"In the beginning"))
    free = sampler.sample(fresh.ctx)
    assert free not in (a, b)
    for _ in range(2):
        sampler.accept(a)
        sampler.accept(free)
        assert sampler.sample(fresh.ctx) == free
        sampler.accept(free)
        assert [sampler.sample(fresh.ctx), sampler.accept(b), sampler.sample(fresh.ctx)] == [
            b,
            None,
            b,
        ]
        sampler.accept(b)
        assert sampler.sample(fresh.ctx) == free
        sampler.reset()


def test_the_native_sampler_refuses_tokens_outside_of_the_vocabulary(fresh):
    core = llama_cpp._core
    for name, value in (("start", [10**6]), ("end", [[10**6]]), ("forced", [10**6])):
        params = core.SamplingParams()
        setattr(params, f"reasoning_budget_{name}", value)
        with pytest.raises(ValueError, match="1000000"):
            core.Sampler(fresh.model, params)


# ---- reading without a template


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
@pytest.mark.parametrize(
    ("said", "thought", "content"),
    [
        ("<think>\na b\n</think>\n\nc d", "a b", "c d"),
        ("\n<think>a</think>b", "a", "b"),
        ("<think>a", "a", ""),
        ("<think>a </thi", "a </thi", ""),
        ("<think></think>b", None, "b"),
        ("<thin", None, "<thin"),
        ("<thinker> a", None, "<thinker> a"),
        ("a <think>b</think>", None, "a <think>b</think>"),
        ("<think>a < b </ c\n\nd</think>e", "a < b </ c\n\nd", "e"),
    ],
)
def test_reader(said, thought, content, size):
    whole = ThoughtReader(Thoughts()).whole(said, truncated=False)
    assert whole.get("reasoning_content") == thought and whole["content"] == content
    reader = ThoughtReader(Thoughts())
    deltas = [d for i in range(0, len(said), size) for d in reader.push(said[i : i + size])]
    deltas += reader.finish(False)
    assert "".join(d.get("reasoning_content", "") for d in deltas) == (thought or "")
    assert "".join(d.get("content", "") for d in deltas) == content
    assert reader.message() == whole
