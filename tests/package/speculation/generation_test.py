"""Grammars, stop strings, streams, tools, seeds, images and saved states, with drafts."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import greedy
import numpy as np
import pytest

from llama_cpp import AbortedError, Llama, LlamaGrammar, LlamaRAMCache, SpeculativeOptions
from llama_cpp.llama_speculative import LlamaPromptLookupDecoding

REPEATED = "And God saw that it was good. And God saw that it was good. And God saw that"
SIMPLE = SpeculativeOptions(types="ngram-simple", size_n=2, n_max=8)
CACHE = SpeculativeOptions(types="ngram-cache")
SCHEMA = {
    "type": "object",
    "properties": {"names": {"type": "array", "items": {"type": "string"}, "maxItems": 3}},
    "required": ["names"],
}
TOOL = {"type": "function", "function": {"name": "bless", "parameters": SCHEMA}}


@pytest.fixture(scope="module", params=["ngram-simple", "ngram-cache", "draft-simple", "eagle3"])
def pair(request, load, model_path: str, drafts: Path) -> tuple[Llama, Llama]:
    """Returns a model without drafts, and with them."""
    kinds = {
        "ngram-simple": SIMPLE,
        "ngram-cache": CACHE,
        "draft-simple": SpeculativeOptions(model=model_path, n_max=5, p_min=0.2),
        "eagle3": drafts / "eagle3.gguf",
    }
    return load(model_path), load(model_path, draft_model=kinds[request.param])


def check(pair: tuple[Llama, Llama], ask: Callable[[Llama], object]) -> None:
    plain, drafted = pair
    drafted.speculation.reset()
    assert ask(drafted) == ask(plain)
    assert drafted.speculation.drafted > 0


def text(llm: Llama, prompt: str = REPEATED, **arguments) -> str:
    return llm(prompt, **{"max_tokens": 40, "temperature": 0, **arguments})["choices"][0]["text"]


def test_texts(pair):
    check(pair, text)


@pytest.mark.parametrize("sampling", [{}, {"mirostat_mode": 2}])
def test_seeds(pair, sampling):
    """A token that is drawn needs no draft that is right, and takes one number of the generator.

    A batch of another size rounds otherwise, so that a number near the border of two tokens draws
    the other one, and all after it differs. Two equal texts of 40 tokens are no chance.
    """
    _, drafted = pair
    drafted.speculation.reset()
    texts = [
        [text(llm, temperature=0.8, seed=seed, **sampling) for llm in pair] for seed in range(6)
    ]
    assert sum(with_drafts == without for without, with_drafts in texts) >= 2, texts
    assert drafted.speculation.drafted > 0


def test_penalties(pair):
    check(pair, lambda llm: text(llm, repeat_penalty=1.3, presence_penalty=0.5))


def test_stop_strings(pair):
    whole = text(pair[0], max_tokens=60)
    stop = whole[20:24]
    check(pair, lambda llm: text(llm, max_tokens=60, stop=[stop]))
    assert text(pair[1], max_tokens=60, stop=[stop]) == whole[: whole.index(stop)]


def test_streams(pair):
    def ask(llm: Llama) -> list[str]:
        chunks = llm(REPEATED, max_tokens=40, temperature=0, stream=True)
        return [chunk["choices"][0]["text"] for chunk in chunks]

    check(pair, ask)


def test_grammars(pair):
    rule = 'root ::= (" it was " ("good" | "evil") ". And God saw that")+'
    grammar = LlamaGrammar.from_string(rule, verbose=False)
    check(pair, lambda llm: text(llm, grammar=grammar, max_tokens=60))


def test_json_schemas(pair):
    def ask(llm: Llama) -> object:
        answer = llm.create_chat_completion(
            [{"role": "user", "content": "Who? Who? Who?"}],
            response_format={"type": "json_schema", "json_schema": {"schema": SCHEMA}},
            temperature=0,
            max_tokens=60,
        )
        return answer["choices"][0]["message"]["content"]

    check(pair, ask)


@pytest.mark.parametrize("stream", [False, True])
def test_tools(pair, stream: bool):
    def ask(llm: Llama) -> object:
        answer = llm.create_chat_completion(
            [{"role": "user", "content": "Bless them, bless them, bless them."}],
            tools=[TOOL],
            tool_choice={"type": "function", "function": {"name": "bless"}},
            temperature=0,
            max_tokens=60,
            stream=stream,
        )
        if stream:
            return [without_id(chunk["choices"][0]["delta"]) for chunk in answer]
        return without_id(answer["choices"][0]["message"])

    check(pair, ask)


def without_id(message: dict) -> dict:
    calls = [{**call, "id": ""} for call in message.get("tool_calls") or ()]
    kept = {key: value for key, value in message.items() if key != "function_call"}
    return {**kept, "tool_calls": calls}


def test_logprobs(pair):
    plain, drafted = pair
    arguments = {"max_tokens": 20, "temperature": 0, "logprobs": 2}
    found = [llm(REPEATED, **arguments)["choices"][0]["logprobs"] for llm in (drafted, plain)]
    assert found[0]["tokens"] == found[1]["tokens"]
    np.testing.assert_allclose(found[0]["token_logprobs"], found[1]["token_logprobs"], atol=0.1)


def test_tokens_that_are_sent(pair):
    def ask(llm: Llama) -> list[int]:
        tokens = llm.generate(llm.tokenize(REPEATED.encode()), temp=0.0)
        found = list(islice(tokens, 6))
        found.append(tokens.send(llm.tokenize(b" Selah.", add_bos=False)))
        return [*found, *islice(tokens, 12)]

    check(pair, ask)


def test_processors_and_criteria(pair):
    def no_full_stop(tokens, logits):
        logits[dot] = -np.inf
        return logits

    dot = pair[0].tokenize(b".", add_bos=False)[-1]
    check(pair, lambda llm: text(llm, logits_processor=[no_full_stop]))
    check(pair, lambda llm: text(llm, stopping_criteria=[lambda ids, logits: len(ids) > 50]))


def test_one_text_after_another(pair):
    """The second one is shorter, and begins like the first one."""
    plain, drafted = pair
    for prompt in (REPEATED, "And God saw", REPEATED[:40], "Now the serpent was", REPEATED):
        assert text(drafted, prompt) == text(plain, prompt)


@pytest.mark.parametrize("name", ["ngram-map-k", "ngram-map-k4v", "ngram-mod", "ngram-cache"])
def test_a_shorter_text_is_looked_at_too(name: str, load, model_path: str):
    options = SpeculativeOptions(types=name, size_n=2, n_max=6, n_match=2, n_min=1)
    drafted, new = (load(model_path, draft_model=options) for _ in range(2))
    text(drafted, "".join(greedy.texts(12)))
    drafted.speculation.reset()
    assert text(drafted) == text(new)
    assert drafted.speculation.accepted > 0 and new.speculation.accepted > 0


def test_saved_states(pair):
    plain, drafted = pair
    expected = text(plain)
    drafted.eval(drafted.tokenize(REPEATED.encode()))
    state = drafted.save_state()
    assert text(drafted, "Now the serpent was more subtil than any beast of the field") != expected
    drafted.load_state(state)
    assert text(drafted) == expected


def test_a_cache(pair):
    plain, drafted = pair
    drafted.set_cache(LlamaRAMCache())
    try:
        for prompt in (REPEATED, "Now the serpent", REPEATED, "Now the serpent"):
            assert text(drafted, prompt) == text(plain, prompt)
    finally:
        drafted.cache = None


def test_embeddings_in_between(load, model_path: str, drafts: Path):
    expected = text(load(model_path))
    drafted = load(model_path, draft_model=drafts / "eagle3.gguf", embedding=True, n_batch=128)
    for _ in range(2):
        assert text(drafted) == expected
        assert len(drafted.embed(["And God saw", "the light"])) == 2


def test_a_context_that_fills_up(load, model_path: str):
    plain, drafted = (
        load(model_path, n_ctx=256, draft_model=draft) for draft in (None, model_path)
    )
    assert text(drafted, max_tokens=-1) == text(plain, max_tokens=-1)
    assert drafted.n_tokens <= 256 and drafted.speculation.drafted > 0


def test_not_all_logits_are_kept(load, model_path: str):
    for draft in (SIMPLE, model_path, LlamaPromptLookupDecoding()):
        drafted = load(model_path, n_batch=64, draft_model=draft)
        text(drafted)
        assert not drafted._logits_all and drafted._session.scores.rows is None
        assert len(drafted.scores) == 64  # as without drafts: n_batch rows
    assert load(model_path, logits_all=True, draft_model=SIMPLE)._logits_all


def test_counts(load, model_path: str):
    drafted = load(model_path, draft_model=SpeculativeOptions(model=model_path, n_max=4))
    counts = drafted.speculation
    assert (counts.drafts, counts.drafted, counts.accepted, counts.rate) == (0, 0, 0, 0.0)
    tokens = greedy.generated(drafted, drafted.tokenize(REPEATED.encode()), 20)
    assert 0 < counts.accepted <= counts.drafted <= 4 * counts.drafts
    # Each step gives a token that is no guess, and the last one may go on.
    assert counts.accepted + counts.drafts >= len(tokens) - 1
    assert counts.rate == counts.accepted / counts.drafted
    counts.reset()
    assert counts.drafted == 0


def test_a_function_is_counted(load, model_path: str):
    drafted = load(model_path, draft_model=LlamaPromptLookupDecoding(2, 6))
    assert text(drafted) == text(load(model_path))
    assert 0 < drafted.speculation.accepted < drafted.speculation.drafted


def test_none_is_counted_without_drafts(load, model_path: str):
    plain = load(model_path)
    text(plain)
    assert plain.speculation.drafts == 0


@pytest.mark.parametrize("name", ["mamba", "jamba", "gemma2", "rwkv7"])
@pytest.mark.parametrize("has_model", [False, True])
def test_memories_of_other_kinds(load, architectures: Path, name: str, has_model: bool):
    """A state of fixed size, or a window, may not be able to take tokens back."""
    path = str(architectures / f"{name}.gguf")
    plain = load(path)
    draft = path if has_model else SpeculativeOptions(types="ngram-simple", size_n=1, n_max=4)
    drafted = load(path, draft_model=draft)
    prompts = [plain.tokenize(2 * text.encode())[:60] for text in greedy.texts(6)]
    expected = [greedy.generated(plain, prompt, 24) for prompt in prompts]
    found = [greedy.generated(drafted, prompt, 24) for prompt in prompts]
    assert greedy.compare(plain, prompts, expected, found)[0] == []
    assert drafted.speculation.drafted > 0


@pytest.mark.parametrize("name", ["mamba", "jamba"])
def test_a_state_is_copied_before_a_draft(load, architectures: Path, name: str):
    """After a wrong guess the tokens before it are not all evaluated again."""
    drafted = load(str(architectures / f"{name}.gguf"), draft_model=lambda ids: [5, 6, 7])
    prompt = [1, *range(10, 310)]
    drafted.ctx.perf_reset()
    greedy.generated(drafted, prompt, 20)
    assert drafted.speculation.drafts >= 9
    perf = drafted.ctx.perf()
    # Two tokens cost six: the first one with three guesses, and both again.
    assert perf["n_p_eval"] + perf["n_eval"] <= len(prompt) + 10 * 6


@pytest.mark.parametrize("draft", [SIMPLE, None])
def test_images(load, projectors: Path, draft):
    """Text is guessed by n-grams; a draft model does not see images, and has no guesses."""
    path = str(projectors / "llava.gguf")
    arguments = {"mmproj_path": str(projectors / "mmproj-llava.gguf"), "n_ctx": 1024}
    plain = load(path, **arguments)
    drafted = load(path, **arguments, draft_model=path if draft is None else draft)
    pixels = np.zeros((48, 64, 3), np.uint8)
    messages = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": 3 * "the quick brown fox "},
                {"type": "image", "image": pixels},
                {"type": "text", "text": 3 * "the quick brown fox "},
            ],
        }
    ]
    found = [
        llm.create_chat_completion(messages, temperature=0, max_tokens=16)["choices"][0]
        for llm in (plain, drafted)
    ]
    assert found[0] == found[1]


def test_abort(load, model_path: str):
    should_stop = []
    drafted = load(model_path, draft_model=model_path, abort_callback=lambda: bool(should_stop))
    expected = text(drafted)
    should_stop.append(True)
    with pytest.raises(AbortedError):
        text(drafted)
    should_stop.clear()
    assert text(drafted) == expected


def test_pickles(load, model_path: str):
    drafted = load(model_path, draft_model=SIMPLE)
    expected = text(drafted)
    again = pickle.loads(pickle.dumps(drafted))
    assert text(again) == expected and again.speculation.drafted > 0


def test_json_text_is_json(load, model_path: str):
    drafted = load(model_path, draft_model=SIMPLE)
    answer = drafted.create_chat_completion(
        [{"role": "user", "content": "Who?"}],
        response_format={"type": "json_object", "schema": SCHEMA},
        temperature=0.9,
        seed=5,
        max_tokens=300,
    )["choices"][0]
    if answer["finish_reason"] == "stop":
        assert "names" in json.loads(answer["message"]["content"])
