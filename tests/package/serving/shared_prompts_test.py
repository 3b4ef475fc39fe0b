"""Requests whose prompts begin alike: the beginning is computed once, and the answers are right."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from llama_cpp import Engine

SHARED = list(range(100, 200))  # token ids, as of a system prompt
GREEDY: dict[str, Any] = {"temperature": 0, "max_tokens": 6, "ignore_eos": True}


def prompt(number: int) -> list[int]:
    return [*SHARED, 200 + number, 60, 61]


def answers(engine: Engine, requests: list[dict[str, Any]]) -> list[str]:
    """Returns the texts, of requests that are made at once."""
    found = [""] * len(requests)

    def work(index: int) -> None:
        request = requests[index]
        answer = engine.complete(request["prompt"], **{**GREEDY, **request["more"]})
        found[index] = answer["choices"][0]["text"]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def alone(engine: Engine, requests: list[dict[str, Any]]) -> list[str]:
    """Returns the texts of requests that are computed one by one from their beginnings."""
    return [
        answers(engine, [{**each, "more": {**each["more"], "cache_prompt": False}}])[0]
        for each in requests
    ]


@pytest.mark.parametrize("kv_unified", [False, True])
@pytest.mark.parametrize("is_known", [False, True])
def test_32_requests_compute_it_once(model_path: str, kv_unified: bool, is_known: bool) -> None:
    requests = [{"prompt": prompt(number), "more": {}} for number in range(32)]
    with Engine(model_path, n_parallel=8, n_ctx=128, kv_unified=kv_unified) as engine:
        first = requests[:1] if is_known else []
        answers(engine, first)
        before = engine.metrics()["prompt_tokens_total"]
        found = answers(engine, requests)
        computed = engine.metrics()["prompt_tokens_total"] - before
        right = [text == expected for text, expected in zip(found, alone(engine, requests))]
    # In a batch of another size sums are rounded otherwise, and of two tokens that are as good as
    # each other the other one is taken.
    assert sum(right) >= len(requests) - 2
    own = len(prompt(0)) - len(SHARED)
    if is_known:
        # The request that was answered before leaves one token to compute.
        assert len(requests) * own - own + 1 <= computed <= len(requests) * own
    else:
        assert computed == len(SHARED) + len(requests) * own


def test_a_model_whose_memory_cannot_be_cut(random_models: Any) -> None:
    """A recurrent one."""
    requests = [{"prompt": prompt(number), "more": {}} for number in range(8)]
    with Engine(str(random_models / "qwen3next-f16.gguf"), n_parallel=4, n_ctx=128) as engine:
        assert answers(engine, requests) == alone(engine, requests)


def test_adapters_share_nothing(model_path: str, random_models: Any) -> None:
    lora = {str(random_models / "lora-kjv-1.gguf"): 1.0}
    requests = [
        {"prompt": prompt(0), "more": {"lora": [{"id": 0, "scale": number % 2}]}}
        for number in range(8)
    ]
    with Engine(model_path, n_parallel=4, n_ctx=128, loras=lora) as engine:
        expected = alone(engine, requests)
        assert expected[0] != expected[1]
        assert answers(engine, requests) == expected


def test_a_request_that_others_wait_for_is_given_up(model_path: str) -> None:
    requests = [{"prompt": prompt(number), "more": {}} for number in range(4)]
    with Engine(model_path, n_parallel=4, n_ctx=128) as engine:
        for _ in range(20):
            stream = engine.complete(prompt(9), stream=True, max_tokens=1)
            thread = threading.Thread(target=stream.close)
            thread.start()
            found = answers(engine, requests)
            thread.join()
        assert found == alone(engine, requests)
