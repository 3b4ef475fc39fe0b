"""Streams run together, and a client that goes away frees its slot."""

from __future__ import annotations

import threading

import pytest
from serving import Served, read, serve, until

# More than a test waits for.
ENDLESS = {"prompt": "And", "max_tokens": -1, "ignore_eos": True, "n_predict": 100_000}


@pytest.fixture(scope="module")
def endless(model_path: str):
    """Returns a server whose requests end only if they are stopped: the context shifts."""
    with serve(model_path, llama_options=["--context-shift"]) as found:
        yield found


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_goes_away(endless: Served, stream: bool) -> None:
    connection = endless.begin("/v1/completions", {**ENDLESS, "stream": stream})
    if stream:
        assert connection.getresponse().read(10)
    until(lambda: endless.busy_slots() == 1)
    connection.close()
    until(lambda: endless.busy_slots() == 0)
    until(lambda: endless.proxy._waiting["kjv-q8_0.gguf"] == 0)


def test_a_client_that_goes_away_while_it_waits_for_a_slot(endless: Served) -> None:
    running = [endless.begin("/v1/completions", {**ENDLESS, "stream": True}) for _ in range(4)]
    until(lambda: endless.busy_slots() == 4)
    waiting = endless.begin("/v1/completions", ENDLESS)
    until(lambda: endless.proxy._waiting["kjv-q8_0.gguf"] == 5)
    waiting.close()
    until(lambda: endless.proxy._waiting["kjv-q8_0.gguf"] == 4)
    for connection in running:
        connection.close()
    until(lambda: endless.busy_slots() == 0)


def test_many_clients_go_away(endless: Served) -> None:
    def come_and_go(number: int) -> None:
        for index in range(4):
            connection = endless.begin("/v1/completions", {**ENDLESS, "stream": number % 2 == 0})
            if number % 2 == 0 and index % 2:
                connection.getresponse().read(1)
            connection.close()

    threads = [threading.Thread(target=come_and_go, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: endless.proxy._waiting["kjv-q8_0.gguf"] == 0)
    until(lambda: endless.busy_slots() == 0)
    answer = endless.post("/v1/completions", {"prompt": "And", "max_tokens": 1})
    assert answer.status == 200


def test_streams_run_together(endless: Served) -> None:
    """All four have begun before one of them ends."""
    connections = [endless.begin("/v1/completions", {**ENDLESS, "stream": True}) for _ in range(4)]
    responses = [connection.getresponse() for connection in connections]
    assert all(response.read(10) for response in responses)
    assert endless.busy_slots() == 4
    for connection in connections:
        connection.close()
    until(lambda: endless.busy_slots() == 0)


def test_a_stream_says_that_proxies_pass_it_on_at_once(served: Served) -> None:
    connection = served.begin("/v1/completions", {"prompt": "x", "max_tokens": 1, "stream": True})
    headers = read(connection).headers
    assert headers["x-accel-buffering"] == "no" and headers["cache-control"] == "no-cache"
    connection.close()
