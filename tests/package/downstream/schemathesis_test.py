"""Requests that Schemathesis makes up of the OpenAPI page: no status of a failure, no signal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from serving import Served, serve

# Of each route, in each mode: 300 together.
_EXAMPLES = 7

_REFUSED = frozenset({400, 404, 405, 413, 415})

_SETTINGS = settings(
    max_examples=_EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def served(model_path: str) -> Iterator[Served]:
    """Returns a server with the trained model."""
    with serve(model_path) as found:
        yield found


@pytest.fixture(scope="module")
def operations(served: Served) -> list[Any]:
    """Returns the routes of the OpenAPI page."""
    schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    return [result.ok() for result in schema.get_all_operations()]


def check(case: Any) -> int:
    """Sends a request, and examines the answer; returns its status."""
    response = case.call()
    assert response.status_code < 500, (case.as_curl_command(), response.text)
    if response.status_code >= 400:
        assert response.status_code in _REFUSED
        assert {"message", "type", "param", "code"} <= json.loads(response.text)["error"].keys()
    return int(response.status_code)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_server_error(served: Served, operations: list[Any], mode: GenerationMode) -> None:
    statuses: list[int] = []
    for operation in operations:

        @_SETTINGS
        @given(case=operation.as_strategy(generation_mode=mode))
        def answers(case: Any) -> None:
            statuses.append(check(case))

        try:
            answers()
        except Unsatisfiable:
            # A route that takes nothing cannot be asked in a wrong way.
            assert mode is GenerationMode.NEGATIVE and operation.method == "get"
    assert len(statuses) >= 150
    assert any(status >= 400 for status in statuses)
    body = {"prompt": "In the beginning", "max_tokens": 4, "temperature": 0}
    assert served.post("/v1/completions", body).status == 200
    assert served.busy_slots() == 0
