"""Text completion: results, streams, stops, sampling arguments."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import llama_cpp
from llama_cpp import LogitsProcessorList, MinTokensLogitsProcessor, StoppingCriteriaList

PROMPT = "In the beginning God created the heaven"


def text_of(completion) -> str:
    return completion["choices"][0]["text"]


def streamed(chunks) -> str:
    return "".join(text_of(chunk) for chunk in chunks)


def test_shape_of_a_completion(llm, model_path):
    llm.reset()
    completion = llm.create_completion(PROMPT, max_tokens=8, temperature=0)
    assert completion["id"].startswith("cmpl-")
    assert completion["object"] == "text_completion"
    assert completion["model"] == model_path
    (choice,) = completion["choices"]
    assert choice["index"] == 0 and choice["logprobs"] is None
    assert choice["finish_reason"] == "length"
    n_prompt = len(llm.tokenize(PROMPT.encode(), special=True))
    assert completion["usage"] == {
        "prompt_tokens": n_prompt,
        "completion_tokens": 8,
        "total_tokens": n_prompt + 8,
        "prompt_tokens_details": {"cached_tokens": 0},
    }
    again = llm.create_completion(PROMPT, max_tokens=8, temperature=0)
    assert again["usage"]["prompt_tokens_details"] == {"cached_tokens": n_prompt - 1}


def test_call_is_create_completion(llm):
    assert text_of(llm(PROMPT, max_tokens=8, temperature=0, model="m")) == text_of(
        llm.create_completion(PROMPT, max_tokens=8, temperature=0)
    )


def test_stream_has_the_same_text(llm):
    arguments = {"max_tokens": 20, "temperature": 0.9, "seed": 7}
    whole = llm.create_completion(PROMPT, **arguments)
    chunks = list(llm.create_completion(PROMPT, stream=True, **arguments))
    assert streamed(chunks) == text_of(whole)
    assert len(chunks) > 2
    assert {chunk["id"] for chunk in chunks} == {chunks[0]["id"]}
    assert all("usage" not in chunk for chunk in chunks)
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["length"]
    assert text_of(chunks[-1]) == ""


def test_greedy_is_the_argmax_of_the_logits(load, model_path):
    """The completion follows the logits, token by token."""
    llm = load(model_path, logits_all=True)
    tokens = llm.tokenize(PROMPT.encode())
    expected = []
    for _ in range(6):
        llm.reset()
        llm.eval(tokens + expected)
        expected.append(int(llm.scores[llm.n_tokens - 1].argmax()))
    assert list(itertools.islice(llm.generate(tokens, temp=0), 6)) == expected


def test_seed_repeats_and_changes(llm):
    def sample(seed):
        return text_of(llm(PROMPT, max_tokens=24, temperature=1.5, top_k=0, seed=seed))

    assert sample(1) == sample(1)
    assert len({sample(seed) for seed in range(1, 6)}) > 1


def test_runs_of_a_new_object_repeat_without_a_seed(load, model_path):
    def two_texts():
        llm = load(model_path)
        return [text_of(llm(PROMPT, max_tokens=16, temperature=1.2)) for _ in range(2)]

    first = two_texts()
    assert first == two_texts()
    assert first[0] != first[1]


def test_stop_string_is_cut_off(llm):
    whole = text_of(llm(PROMPT, max_tokens=24, temperature=0))
    stop = whole[6:10]
    for stops in (stop, [stop], ["never in there", stop]):
        completion = llm(PROMPT, max_tokens=24, temperature=0, stop=stops)
        assert text_of(completion) == whole[: whole.index(stop)]
        assert completion["choices"][0]["finish_reason"] == "stop"
        chunks = list(llm(PROMPT, max_tokens=24, temperature=0, stop=stops, stream=True))
        assert streamed(chunks) == text_of(completion)
        assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_earliest_stop_wins_whatever_the_order(llm):
    whole = text_of(llm(PROMPT, max_tokens=24, temperature=0))
    early, late = whole[4:6], whole[14:16]
    assert whole.index(early) < whole.index(late)
    for stops in ([late, early], [early, late]):
        assert text_of(llm(PROMPT, max_tokens=24, temperature=0, stop=stops)) == whole[:4]


def test_end_of_text_stops(llm):
    eos = llm.token_eos()
    completion = llm(PROMPT, max_tokens=8, logit_bias={eos: 1000.0})
    assert text_of(completion) == ""
    assert completion["choices"][0]["finish_reason"] == "stop"
    assert completion["usage"]["completion_tokens"] == 0


def test_max_tokens_zero_fills_the_context(load, model_path):
    llm = load(model_path, n_ctx=64)
    bias = {token: -1000.0 for token in (llm.token_eos(),)}
    for max_tokens in (None, 0, -1):
        usage = llm(PROMPT, max_tokens=max_tokens, temperature=0, logit_bias=bias)["usage"]
        assert usage["total_tokens"] <= llm.n_ctx()
        assert usage["total_tokens"] == llm.n_ctx() or usage["completion_tokens"] > 0


def test_max_tokens_is_clipped_to_the_context(random_models, load):
    llm = load(random_models / "llama-q8_0.gguf", n_ctx=64)
    usage = llm("a b c", max_tokens=1000, temperature=0)["usage"]
    assert usage["total_tokens"] == llm.n_ctx()


def test_echo(llm):
    plain = text_of(llm(PROMPT, max_tokens=6, temperature=0))
    assert text_of(llm(PROMPT, max_tokens=6, temperature=0, echo=True)) == PROMPT + plain
    chunks = llm(PROMPT, max_tokens=6, temperature=0, echo=True, stream=True)
    assert streamed(chunks) == PROMPT + plain
    tokens = llm.tokenize(PROMPT.encode())
    assert text_of(llm(tokens, max_tokens=6, temperature=0, echo=True)) == PROMPT + plain


def test_tokens_as_prompt(llm):
    tokens = llm.tokenize(PROMPT.encode())
    assert text_of(llm(tokens, max_tokens=6, temperature=0)) == text_of(
        llm(PROMPT, max_tokens=6, temperature=0)
    )


def test_empty_prompt_starts_from_bos(llm):
    completion = llm("", max_tokens=8, temperature=0)
    assert completion["usage"] == {
        "prompt_tokens": 1,
        "completion_tokens": 8,
        "total_tokens": 9,
        "prompt_tokens_details": {"cached_tokens": 0},  # one has to be evaluated
    }
    assert text_of(completion) and not text_of(completion).startswith(" ")
    assert streamed(llm("", max_tokens=8, temperature=0, stream=True)) == text_of(completion)


def test_double_bos_warns(llm):
    bos = llm.token_bos()
    with pytest.warns(RuntimeWarning, match="two"):
        llm([bos, *llm.tokenize(PROMPT.encode())], max_tokens=1)


def test_model_name(llm):
    assert llm(PROMPT, max_tokens=1, model="my-model")["model"] == "my-model"


def test_suffix_is_appended_for_models_that_cannot_fill_in(llm):
    assert llm.model.token_fim_suf < 0, "this test needs a model without infill tokens"
    plain = text_of(llm(PROMPT, max_tokens=4, temperature=0))
    assert text_of(llm(PROMPT, suffix=" END", max_tokens=4, temperature=0)) == plain + " END"


# ---- log probabilities


@pytest.fixture(scope="module")
def all_logits(load, model_path):
    return load(model_path, logits_all=True)


def test_logprobs_do_not_need_logits_all(llm, all_logits):
    arguments = {"max_tokens": 4, "temperature": 0, "logprobs": 2}
    for echo in (False, True):
        plain, kept = (model(PROMPT, echo=echo, **arguments) for model in (llm, all_logits))
        assert plain["choices"] == kept["choices"]


def test_logprobs(all_logits):
    llm = all_logits
    completion = llm(PROMPT, max_tokens=5, temperature=0, logprobs=3)
    logprobs = completion["choices"][0]["logprobs"]
    assert "".join(logprobs["tokens"]) == text_of(completion)
    n_prompt = completion["usage"]["prompt_tokens"]
    rows = llama_cpp.Llama.logits_to_logprobs(llm.scores[n_prompt - 1 : n_prompt + 4])
    np.testing.assert_allclose(logprobs["token_logprobs"], rows.max(axis=-1), atol=1e-4)
    for best, value, token in zip(
        logprobs["top_logprobs"], logprobs["token_logprobs"], logprobs["tokens"]
    ):
        assert 1 <= len(best) <= 3
        assert max(best.values()) == value == best[token]
    assert logprobs["text_offset"][0] == len(PROMPT)
    offsets = itertools.accumulate(map(len, logprobs["tokens"]), initial=len(PROMPT))
    assert logprobs["text_offset"] == list(offsets)[:-1]


def test_logprobs_of_a_sampled_token_are_given_too(all_logits):
    completion = all_logits(PROMPT, max_tokens=8, temperature=2.0, top_k=0, seed=3, logprobs=1)
    logprobs = completion["choices"][0]["logprobs"]
    assert all(
        best[token] == value and len(best) <= 2
        for best, value, token in zip(
            logprobs["top_logprobs"], logprobs["token_logprobs"], logprobs["tokens"]
        )
    )


def test_streamed_logprobs_are_the_same(all_logits):
    arguments = {"max_tokens": 6, "temperature": 0, "logprobs": 2}
    whole = all_logits(PROMPT, **arguments)["choices"][0]["logprobs"]
    parts = [
        chunk["choices"][0]["logprobs"]
        for chunk in all_logits(PROMPT, stream=True, **arguments)
        if chunk["choices"][0]["logprobs"]
    ]
    for key in whole:
        assert list(itertools.chain.from_iterable(part[key] for part in parts)) == whole[key]


@pytest.mark.parametrize("stream", [False, True])
def test_echoed_logprobs_begin_with_none(load, model_path, stream):
    llm = load(model_path, logits_all=True)
    answer = llm(PROMPT, max_tokens=2, temperature=0, logprobs=1, echo=True, stream=stream)
    parts = list(answer) if stream else [answer]
    found = [part["choices"][0]["logprobs"] for part in parts]
    logprobs = {
        key: [value for part in found if part for value in part[key]]
        for key in ("tokens", "token_logprobs", "top_logprobs", "text_offset")
    }
    tokens = list(llm.eval_tokens)[1:]  # BOS is not shown; the last token is not evaluated
    assert len(logprobs["tokens"]) == len(tokens) + 1
    assert "".join(logprobs["tokens"]).startswith(PROMPT)
    assert logprobs["text_offset"][:2] == [0, len(logprobs["tokens"][0])]
    assert logprobs["token_logprobs"][0] is None and logprobs["top_logprobs"][0] is None
    rows = llama_cpp.Llama.logits_to_logprobs(llm.scores[: len(tokens)])
    expected = [rows[position][token] for position, token in enumerate(tokens)]
    np.testing.assert_allclose(logprobs["token_logprobs"][1:-1], expected[1:], atol=1e-4)


# ---- processors and criteria


def test_logits_processor_changes_the_choice(llm):
    token = llm.tokenize(b"God", add_bos=False)[-1]
    seen = []

    def only_god(input_ids, scores):
        seen.append((len(input_ids), scores.shape, scores.dtype))
        scores[:] = -np.inf
        scores[token] = 0
        return scores

    completion = llm(PROMPT, max_tokens=3, logits_processor=LogitsProcessorList([only_god]))
    piece = llm.detokenize([token]).decode()
    assert text_of(completion) == piece * 3
    n_prompt = completion["usage"]["prompt_tokens"]
    assert [n for n, _, _ in seen] == [n_prompt, n_prompt + 1, n_prompt + 2]
    assert {(shape, str(dtype)) for _, shape, dtype in seen} == {((llm.n_vocab(),), "float32")}


def test_logit_bias_and_processor_work_together(llm):
    """The peer drops both when both are given."""
    calls = []
    eos = llm.token_eos()
    completion = llm(
        PROMPT,
        max_tokens=4,
        logit_bias={eos: 1000.0},
        logits_processor=LogitsProcessorList([lambda ids, scores: calls.append(1) or scores]),
    )
    assert calls and completion["choices"][0]["finish_reason"] == "stop"
    assert text_of(completion) == ""


def test_logit_bias_takes_string_keys(llm):
    assert text_of(llm(PROMPT, max_tokens=2, logit_bias={str(llm.token_eos()): 1000.0})) == ""


def test_min_tokens(llm):
    eos = llm.token_eos()
    processors = LogitsProcessorList([MinTokensLogitsProcessor(3, eos)])
    completion = llm(
        PROMPT, max_tokens=8, temperature=0, logit_bias={eos: 50.0}, logits_processor=processors
    )
    assert completion["usage"]["completion_tokens"] >= 3


def test_stopping_criteria(llm):
    n_prompt = len(llm.tokenize(PROMPT.encode()))
    seen = []

    def after_five(input_ids, logits):
        seen.append(logits.shape)
        return len(input_ids) >= n_prompt + 5

    completion = llm(
        PROMPT, max_tokens=50, temperature=0, stopping_criteria=StoppingCriteriaList([after_five])
    )
    assert completion["usage"]["completion_tokens"] == 5
    assert completion["choices"][0]["finish_reason"] == "stop"
    assert set(seen) == {(llm.n_vocab(),)}
    assert text_of(completion) == text_of(llm(PROMPT, max_tokens=5, temperature=0))


# ---- sampling arguments


def test_top_k_one_is_greedy(llm):
    greedy = text_of(llm(PROMPT, max_tokens=10, temperature=0))
    assert text_of(llm(PROMPT, max_tokens=10, temperature=1.0, top_k=1, seed=5)) == greedy


def test_repeat_penalty_reduces_repetition(random_models, load):
    llm = load(random_models / "llama-q8_0.gguf")

    def different(**arguments):
        tokens = itertools.islice(llm.generate([1, 300, 301], temp=0, **arguments), 60)
        return len(set(tokens))

    assert different(repeat_penalty=1.5) > different(repeat_penalty=1.0)
    assert different(presence_penalty=2.0) > different(presence_penalty=0.0)
    assert different(frequency_penalty=2.0) > different(frequency_penalty=0.0)


def test_negative_temperature_draws_from_the_plain_distribution(llm):
    texts = {text_of(llm(PROMPT, max_tokens=12, temperature=-1.0, seed=s)) for s in range(4)}
    assert len(texts) > 1


@pytest.mark.parametrize("mode", [1, 2])
def test_mirostat(llm, mode):
    completion = llm(PROMPT, max_tokens=8, mirostat_mode=mode, mirostat_tau=3.0, seed=1)
    assert completion["usage"]["completion_tokens"] > 0


def test_sampling_extras(fresh):
    greedy = text_of(fresh(PROMPT, max_tokens=12, temperature=0))
    fresh.sampling_extras = {"top_n_sigma": 0.001}  # leaves only the best token
    assert text_of(fresh(PROMPT, max_tokens=12, temperature=1.5, top_k=0, seed=9)) == greedy
    fresh.sampling_extras = {"top_n_sigm": 1}
    with pytest.raises(ValueError, match="top_n_sigma"):
        fresh(PROMPT, max_tokens=1)


# ---- the lower level


def test_generate_reuses_the_prefix(fresh):
    tokens = fresh.tokenize(PROMPT.encode())
    first = list(itertools.islice(fresh.generate(tokens, temp=0), 3))
    evaluated = []
    original = fresh._session.eval

    def count(pending, **named):
        evaluated.append(len(pending))
        original(pending, **named)

    fresh._session.eval = count
    longer = [*tokens, *first[:2]]
    assert list(itertools.islice(fresh.generate(longer, temp=0), 1)) == first[2:3]
    assert evaluated[0] <= 1
    other = [tokens[0], *reversed(tokens[1:])]
    list(itertools.islice(fresh.generate(other, temp=0), 1))
    assert evaluated[1] >= len(tokens) - 2


def test_generate_accepts_sent_tokens(fresh):
    tokens = fresh.tokenize(PROMPT.encode())
    extra = fresh.tokenize(b" and the waters", add_bos=False)
    generator = fresh.generate(tokens, temp=0)
    first = next(generator)
    generator.send(extra)
    generator.close()
    assert list(fresh.eval_tokens) == [*tokens, first, *extra]


def test_sent_tokens_decide_what_follows(fresh, llm):
    tokens = fresh.tokenize(PROMPT.encode())
    extra = fresh.tokenize(b" and the waters", add_bos=False)
    generator = fresh.generate(tokens, temp=0)
    first = next(generator)
    after = generator.send(extra)
    assert after == next(llm.generate([*tokens, first, *extra], temp=0))


def test_eval_and_sample(fresh):
    tokens = fresh.tokenize(PROMPT.encode())
    fresh.eval(tokens)
    assert fresh.n_tokens == len(tokens)
    assert fresh.input_ids[: fresh.n_tokens].tolist() == tokens
    token = fresh.sample(temp=0)
    assert token == fresh.sample(temp=0, idx=len(tokens) - 1)
    assert token == next(fresh.generate(tokens, temp=0))
    fresh.reset()
    assert fresh.n_tokens == 0 and list(fresh.eval_tokens) == []


def test_closing_a_stream_ends_it(fresh):
    chunks = fresh(PROMPT, max_tokens=100, stream=True)
    next(chunks)
    chunks.close()
    before = fresh.n_tokens
    assert list(chunks) == []
    assert fresh.n_tokens == before
    assert text_of(fresh(PROMPT, max_tokens=3, temperature=0))


def test_recurrent_flags(llm):
    assert llm._is_recurrent is False and llm._is_hybrid is False


def test_prompt_lookup_gives_the_same_text(load, model_path):
    prompt = "And God saw that it was good. And God saw that it was good. And God saw"
    plain = load(model_path)
    drafted = load(
        model_path, draft_model=llama_cpp.llama_speculative.LlamaPromptLookupDecoding(3, 5)
    )
    expected = plain(prompt, max_tokens=30, temperature=0)
    found = drafted(prompt, max_tokens=30, temperature=0)
    assert text_of(found) == text_of(expected)
    again = drafted(prompt, max_tokens=30, temperature=0)
    assert text_of(again) == text_of(expected)


def test_find_candidates():
    find = llama_cpp.llama_speculative.LlamaPromptLookupDecoding.find_candidate_pred_tokens
    repeated = np.array([1, 2, 3, 1, 2, 3, 1, 2, 3])
    assert find(repeated, max_ngram_size=3, num_pred_tokens=2).tolist() == [1, 2]
    assert find(np.arange(9), max_ngram_size=3, num_pred_tokens=2).tolist() == []


def test_detokenize_and_tokenize(llm):
    tokens = llm.tokenize(PROMPT.encode())
    assert tokens[0] == llm.token_bos()
    assert llm.detokenize(tokens) == PROMPT.encode()
    assert llm.tokenize(PROMPT.encode(), add_bos=False) == tokens[1:]
    tokenizer = llm.tokenizer()
    assert tokenizer.decode(tokens) == PROMPT and tokenizer.encode(PROMPT) == tokens
    assert llm.tokenizer_.tokenize(b"", add_bos=True) == [llm.token_bos()]


def test_vocab_only(load, model_path, llm):
    vocab = load(model_path, vocab_only=True)
    assert vocab.tokenize(PROMPT.encode()) == llm.tokenize(PROMPT.encode())
    with pytest.raises(llama_cpp.ContextError, match="vocab_only"):
        vocab(PROMPT)
    tokenizer = llama_cpp.LlamaTokenizer.from_ggml_file(model_path)
    assert tokenizer.encode(PROMPT) == llm.tokenize(PROMPT.encode())
