"""With an API key everything but /health needs it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from serving import Served, serve

KEY = "correct horse"


@pytest.fixture(scope="module")
def locked(model_path: str) -> Iterator[Served]:
    """Returns a server with a key."""
    with serve(model_path, server={"api_key": KEY, "cors_origins": ["https://a.example"]}) as found:
        yield found


def test_every_route_needs_it(locked: Served) -> None:
    routes = locked.app.openapi()["paths"]
    assert len(routes) > 20
    for path, methods in routes.items():
        for method in methods:
            answer = locked.call(method.upper(), path.replace("{", "").replace("}", ""))
            assert answer.status == (200 if path == "/health" else 401), path


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/redoc", "/unknown", "/", "/health/"])
def test_other_paths_need_it(locked: Served, path: str) -> None:
    answer = locked.get(path)
    assert answer.status == 401
    assert answer.error()["code"] == "invalid_api_key"
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "path", ["//v1/models", "/health/../v1/models", "/v1/models?/health", "/health%2f../v1/models"]
)
def test_no_spelling_goes_around_it(locked: Served, path: str) -> None:
    assert locked.get(path).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {KEY}"},
        {"Authorization": f"bearer {KEY}"},
        {"x-api-key": KEY},
        {"Authorization": "Bearer other", "x-api-key": KEY},
    ],
)
def test_right_keys(locked: Served, headers: dict[str, str]) -> None:
    assert locked.get("/v1/models", **headers).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": KEY},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": f"Bearer {KEY}x"},
        {"Authorization": f"Bearer {KEY[:-1]}"},
        {"Authorization": "Bearer correct hors\xe9"},
        {"x-api-key": ""},
    ],
)
def test_wrong_keys(locked: Served, headers: dict[str, str]) -> None:
    assert locked.get("/v1/models", **headers).status == 401


def test_refusals_have_the_headers_of_cors(locked: Served) -> None:
    answer = locked.get("/v1/models", Origin="https://a.example")
    assert answer.status == 401
    assert answer.headers["access-control-allow-origin"] == "https://a.example"


def test_a_browser_may_ask_before_it_sends_the_key(locked: Served) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    answer = locked.call("OPTIONS", "/v1/models", headers={"Origin": "https://a.example", **asked})
    assert answer.status == 200
    other = locked.call("OPTIONS", "/v1/models", headers={"Origin": "https://b.example", **asked})
    assert "access-control-allow-origin" not in other.headers


def test_web_pages_may_not_call_by_default(served: Served) -> None:
    answer = served.get("/v1/models", Origin="https://a.example")
    assert not [name for name in answer.headers if name.startswith("access-control")]
