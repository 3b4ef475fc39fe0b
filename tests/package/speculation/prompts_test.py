"""Drafts of each kind change none of the tokens after every STEP-th of a thousand prompts."""

from __future__ import annotations

import math
import os
from pathlib import Path

import greedy
import pytest

from llama_cpp import Llama, SpeculativeOptions
from llama_cpp.llama_speculative import LlamaPromptLookupDecoding

TEXTS = greedy.texts(1000)[:: int(os.environ["STEP"])]
LENGTH = 16
# Batches of other sizes round otherwise; compare() has looked that each is a tie.
MOST_TIES = math.ceil(len(TEXTS) / 30)
NGRAMS = {
    "function": LlamaPromptLookupDecoding(2, 8),
    "ngram-simple": SpeculativeOptions(types="ngram-simple", size_n=2, n_max=8),
    "ngram-map-k": SpeculativeOptions(types="ngram-map-k", size_n=2, n_max=8),
    "ngram-map-k4v": SpeculativeOptions(types="ngram-map-k4v", size_n=2, n_max=8),
    "ngram-mod": SpeculativeOptions(types="ngram-mod", n_match=3, n_max=8, n_min=1),
    "ngram-cache": "ngram-cache",
}


@pytest.fixture(scope="module")
def plain(load, model_path: str) -> Llama:
    return load(model_path)


@pytest.fixture(scope="module")
def prompts(plain: Llama) -> list[list[int]]:
    return [plain.tokenize(text.encode()) for text in TEXTS]


@pytest.fixture(scope="module")
def expected(plain: Llama, prompts: list[list[int]]) -> list[list[int]]:
    return [greedy.generated(plain, prompt, LENGTH) for prompt in prompts]


def check(plain: Llama, drafted: Llama, prompts: list[list[int]], expected: list[list[int]]):
    found = [greedy.generated(drafted, prompt, LENGTH) for prompt in prompts]
    wrong, ties = greedy.compare(plain, prompts, expected, found)
    assert wrong == [] and ties <= MOST_TIES
    assert drafted.speculation.drafted > 0


def test_the_prompts_differ(prompts: list[list[int]]):
    assert len(set(map(tuple, prompts))) == len(TEXTS)


@pytest.mark.parametrize("name", NGRAMS)
def test_ngrams(name: str, load, model_path: str, plain, prompts, expected):
    drafted = load(model_path, draft_model=NGRAMS[name])
    check(plain, drafted, prompts, expected)
    assert drafted.speculation.accepted > 0


def test_a_draft_model(load, model_path: str, plain, prompts, expected):
    drafted = load(model_path, draft_model=model_path)
    check(plain, drafted, prompts, expected)
    assert drafted.speculation.rate > 0.8  # it is the same model


@pytest.mark.parametrize("name", ["eagle3", "dflash", "dspark"])
def test_heads(name: str, load, model_path: str, drafts: Path, plain, prompts, expected):
    check(plain, load(model_path, draft_model=drafts / f"{name}.gguf"), prompts, expected)


@pytest.mark.parametrize("name", ["mtp", "mtp-hybrid"])
def test_layers_of_the_model(name: str, load, drafts: Path):
    path = drafts / f"{name}.gguf"
    plain = load(path)
    # A vocabulary of few words: their texts are long.
    prompts = [plain.tokenize(text.encode())[-24:] for text in TEXTS]
    expected = [greedy.generated(plain, prompt, 8) for prompt in prompts]
    drafted = load(path, draft_model="mtp")
    found = [greedy.generated(drafted, prompt, 8) for prompt in prompts]
    wrong, ties = greedy.compare(plain, prompts, expected, found)
    assert wrong == [] and ties <= MOST_TIES
    assert drafted.speculation.drafted > 0
