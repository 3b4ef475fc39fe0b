"""A wrong request gets an answer that says so, with a status below 500, and the server goes on."""

from __future__ import annotations

import malformed
import pytest
from serving import Served

REQUESTS = malformed.requests()


def test_there_are_many_and_their_names_differ() -> None:
    assert len(REQUESTS) > 300
    assert len({wrong.name for wrong in REQUESTS}) == len(REQUESTS)


@pytest.mark.parametrize("wrong", REQUESTS, ids=lambda wrong: wrong.name)
def test_no_server_error(served: Served, wrong: malformed.Wrong) -> None:
    answer = served.call(wrong.method, wrong.path, wrong.body, wrong.headers)
    assert answer.status < 500, answer.body
    if answer.status >= 400:
        answer.error()


# Members of these names are ignored, or mean something with some of the values.
@pytest.mark.parametrize(
    "name",
    [
        *("half", "no_utf8", "deep_list", "deep_within", "two"),
        *("no_messages", "half_a_surrogate", "not_a_number", "infinite", "internal_member"),
        *("grammar_of_parentheses", "grammar_without_a_root", "unknown_model"),
        *("max_tokens-object", "temperature-text", "form", "plain", "no_type"),
    ],
)
def test_it_is_refused(served: Served, name: str) -> None:
    found = [wrong for wrong in REQUESTS if wrong.name.partition(":")[0] == name]
    assert found
    for wrong in found:
        answer = served.call(wrong.method, wrong.path, wrong.body, wrong.headers)
        assert answer.status in (400, 404, 415)
        answer.error()


def test_the_model_answers_afterwards(served: Served) -> None:
    body = {"prompt": "In the beginning", "max_tokens": 4, "temperature": 0}
    assert served.post("/v1/completions", body).status == 200
    assert served.busy_slots() == 0
