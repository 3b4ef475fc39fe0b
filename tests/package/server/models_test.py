"""Several models: chosen by name, loaded when needed, unloaded when another needs the room."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
from fake_engine import FakeEngine
from serving import MODEL, Served, running, serve, until

from llama_cpp import ModelLoadError
from llama_cpp.server.app import application, create_app
from llama_cpp.server.errors import ServerError
from llama_cpp.server.model import LlamaProxy
from llama_cpp.server.settings import ModelSettings, ServerSettings

BODY = {"prompt": "And", "max_tokens": 1}


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Returns the paths of three files of 2 MiB each."""
    paths = [tmp_path / f"{name}.gguf" for name in "abc"]
    for path in paths:
        path.write_bytes(b"x" * (2 << 20))
    FakeEngine.made.clear()
    return [str(path) for path in paths]


def proxy_of(files: list[str], make: Any = FakeEngine, **server: Any) -> LlamaProxy:
    models = [ModelSettings(model=path) for path in files]
    return LlamaProxy(models, ServerSettings(**server), make)


def loaded(proxy: LlamaProxy) -> set[str]:
    return set(proxy.ready())


async def use(proxy: LlamaProxy, alias: str) -> None:
    (await proxy.lease(alias)).release()


def test_one_is_loaded_at_a_time_by_default(files: list[str]) -> None:
    async def run() -> None:
        proxy = proxy_of(files)
        for alias in ("a.gguf", "b.gguf", "a.gguf", "a.gguf"):
            await use(proxy, alias)
            assert loaded(proxy) == {alias}
        assert [engine.closed for engine in FakeEngine.made] == [True, True, False]
        proxy.free()
        assert FakeEngine.made[-1].closed

    asyncio.run(run())


def test_the_one_unused_for_longest_makes_room(files: list[str]) -> None:
    async def run() -> None:
        proxy = proxy_of(files, max_models=2)
        for alias in ("a.gguf", "b.gguf", "a.gguf", "c.gguf"):
            await use(proxy, alias)
        assert loaded(proxy) == {"a.gguf", "c.gguf"}

    asyncio.run(run())


def test_one_in_use_stays(files: list[str]) -> None:
    async def run() -> None:
        proxy = proxy_of(files, max_models=2)
        first = await proxy.lease("a.gguf")
        await use(proxy, "b.gguf")
        await use(proxy, "c.gguf")
        assert loaded(proxy) == {"a.gguf", "c.gguf"}
        first.release()

    asyncio.run(run())


def test_another_waits_until_the_only_one_is_idle(files: list[str]) -> None:
    """And requests for that one do not overtake it."""

    async def run() -> None:
        proxy = proxy_of(files)
        first = await proxy.lease("a.gguf")
        order: list[str] = []

        async def later(alias: str) -> None:
            lease = await proxy.lease(alias)
            order.append(alias)
            lease.release()

        waiting = asyncio.create_task(later("b.gguf"))
        await asyncio.get_running_loop().run_in_executor(
            None, until, lambda: proxy.states()["a.gguf"] == "unloaded"
        )
        again = asyncio.create_task(later("a.gguf"))
        await asyncio.sleep(0.05)
        assert order == [] and not FakeEngine.made[0].closed
        first.release()
        await asyncio.gather(waiting, again)
        assert order == ["b.gguf", "a.gguf"]

    asyncio.run(run())


def test_memory_is_a_limit_too(files: list[str]) -> None:
    async def run() -> None:
        proxy = proxy_of(files, max_models=3, max_memory_mib=5)
        for alias in ("a.gguf", "b.gguf", "c.gguf"):
            await use(proxy, alias)
        assert loaded(proxy) == {"b.gguf", "c.gguf"}
        small = proxy_of(files, max_memory_mib=1)
        with pytest.raises(ServerError, match="cannot be loaded"):
            await use(small, "a.gguf")

    asyncio.run(run())


def test_many_requests_load_a_model_once(files: list[str]) -> None:
    async def run() -> None:
        proxy = proxy_of(files)
        await asyncio.gather(*(use(proxy, "a.gguf") for _ in range(50)))
        assert len(FakeEngine.made) == 1

    asyncio.run(run())


def test_a_request_that_is_given_up_while_it_waits(files: list[str]) -> None:
    goes_on = threading.Event()

    def slow(**arguments: Any) -> FakeEngine:
        goes_on.wait()
        return FakeEngine(**arguments)

    async def run() -> None:
        proxy = proxy_of(files, slow)
        waiting = asyncio.create_task(proxy.lease("a.gguf", counts=True))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert proxy._waiting["a.gguf"] == 0
        goes_on.set()
        await use(proxy, "a.gguf")
        await use(proxy, "b.gguf")
        assert loaded(proxy) == {"b.gguf"}

    asyncio.run(run())


def test_a_model_that_fails_is_tried_again(
    files: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    errors: list[Optional[Exception]] = [ModelLoadError(f"{files[0]} is bad"), None]

    def make(**arguments: Any) -> FakeEngine:
        error = errors.pop(0)
        if error is not None:
            raise error
        return FakeEngine(**arguments)

    async def run() -> None:
        proxy = proxy_of(files, make)
        with pytest.raises(ServerError) as caught:
            await use(proxy, "a.gguf")
        assert caught.value.status == 500
        assert caught.value.error["code"] == "model_load_failed"
        assert files[0] not in caught.value.error["message"]
        assert f"{files[0]} is bad" in capfd.readouterr().err
        await use(proxy, "a.gguf")

    asyncio.run(run())


def test_settings_as_in_llama_cpp_python(files: list[str]) -> None:
    proxy = proxy_of(files)
    assert list(proxy) == ["a.gguf", "b.gguf", "c.gguf"]
    assert proxy["a.gguf"]["model"] == files[0]
    proxy["d"] = ModelSettings(model=files[0])
    assert proxy.alias_of("d") == "d"


@pytest.mark.parametrize("models", [[], ["a.gguf", "x/a.gguf"]])
def test_models_that_cannot_be_told_apart(models: list[str]) -> None:
    with pytest.raises(ValueError, match="no model|Two models have the name 'a.gguf'"):
        proxy_of(models)


# ---- over HTTP


@pytest.fixture(scope="module")
def two(model_path: str, random_models: Path) -> Iterator[Served]:
    """Returns a server with two models, of which one at a time is loaded."""
    models = [
        ModelSettings(**{**MODEL, "model": model_path, "model_alias": "kjv"}),
        ModelSettings(**{**MODEL, "model": str(random_models / "llama-q8_0.gguf")}),
    ]
    app = create_app(server_settings=ServerSettings(), model_settings=models)
    with running(app) as found:
        until(lambda: found.get("/health").status == 200)
        yield found


def test_the_request_chooses(two: Served) -> None:
    for model, expected in (
        ("kjv", "kjv"),
        ("llama-q8_0.gguf", "llama-q8_0.gguf"),
        (None, "kjv"),
        ("", "kjv"),
    ):
        answer = two.post("/v1/completions", {**BODY, "model": model})
        assert answer.json()["model"] == expected
        assert two.proxy.states()[expected] == "loaded"
        assert list(two.proxy.states().values()).count("loaded") == 1


def test_a_path_is_a_name_too(two: Served, model_path: str) -> None:
    """llama-cpp-python calls a model without an alias by its path."""
    assert two.post("/v1/completions", {**BODY, "model": model_path}).json()["model"] == "kjv"


@pytest.mark.parametrize("name", ["gpt-4", "kjv2", "../kjv", "x" * 10_000])
def test_an_unknown_model(two: Served, name: str) -> None:
    answer = two.post("/v1/completions", {**BODY, "model": name})
    error = answer.error()
    assert answer.status == 404
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert error["type"] == "invalid_request_error" and len(error["message"]) < 400


def test_an_unknown_model_may_mean_the_first_one(model_path: str) -> None:
    with serve(model_path, server={"unknown_model": "default"}) as served:
        answer = served.post("/v1/completions", {**BODY, "model": "gpt-3.5-turbo"})
        assert answer.json()["model"] == "kjv-q8_0.gguf"


def test_all_are_listed(two: Served) -> None:
    names = [model["id"] for model in two.get("/v1/models").json()["data"]]
    assert names == ["kjv", "llama-q8_0.gguf"]


def test_routes_without_a_body_choose_by_the_query(two: Served) -> None:
    assert two.get("/props?model=llama-q8_0.gguf").json()["model_path"] == "llama-q8_0.gguf"
    assert two.get("/props").json()["model_path"] == "kjv-q8_0.gguf"
    assert two.get("/slots?model=kjv").status == 200


def test_metrics_have_the_model_as_a_label(two: Served) -> None:
    two.post("/v1/completions", {**BODY, "model": "kjv"})
    lines = two.get("/metrics").body.decode().splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert samples and all('{model="kjv"} ' in line for line in samples)
    assert lines.count("# TYPE llamacpp:tokens_predicted_total counter") == 1
    assert b"{" not in two.get("/metrics?model=kjv").body


def test_models_that_take_turns_under_load(two: Served) -> None:
    statuses: list[int] = []

    def ask(number: int) -> None:
        model = "kjv" if number % 2 else "llama-q8_0.gguf"
        answer = two.post("/v1/completions", {**BODY, "model": model})
        statuses.append(answer.status)
        assert answer.json()["model"] == model

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 24


def test_health_while_the_first_model_loads(files: list[str]) -> None:
    goes_on = threading.Event()

    def slow(**arguments: Any) -> FakeEngine:
        goes_on.wait()
        return FakeEngine(**arguments)

    with running(application(ServerSettings(), proxy_of(files, slow))) as served:
        answer = served.get("/health")
        assert answer.status == 503 and answer.headers["retry-after"] == "1"
        assert answer.error()["message"] == "Loading model"
        states = {model["id"]: model["status"] for model in served.get("/v1/models").json()["data"]}
        assert states["a.gguf"] == {"value": "loading"}
        asked = served.begin("/v1/completions", BODY)
        time.sleep(0.05)
        goes_on.set()
        assert asked.getresponse().status == 200
        assert served.get("/health").status == 200


def test_the_end_while_a_model_loads(files: list[str]) -> None:
    """The request that waits for it is told so, and the engine is closed."""
    goes_on = threading.Event()

    def slow(**arguments: Any) -> FakeEngine:
        goes_on.wait()
        return FakeEngine(**arguments)

    async def run() -> None:
        proxy = proxy_of(files, slow)
        waiting = asyncio.create_task(proxy.lease("a.gguf"))
        queued = asyncio.create_task(proxy.lease("b.gguf"))
        await asyncio.sleep(0.05)
        proxy.free()
        goes_on.set()
        for task in (waiting, queued):
            with pytest.raises(ServerError, match="The server is stopping"):
                await task
        assert [engine.closed for engine in FakeEngine.made] == [True]
        with pytest.raises(ServerError, match="The server is stopping"):
            await proxy.lease("a.gguf")

    asyncio.run(run())


def test_a_slow_client_does_not_hold_the_model(files: list[str]) -> None:
    """The answer has ended, and lies in memory until the client has read it."""
    with running(application(ServerSettings(), proxy_of(files[:2]))) as served:
        until(lambda: served.get("/health").status == 200)
        pieces = [b"data: " + b"x" * (1 << 20) + b"\n\n"] * 64
        FakeEngine.made[0].answers["POST /v1/completions"] = (200, "text/event-stream", pieces)
        slow = served.begin("/v1/completions", {**BODY, "stream": True})
        until(lambda: bool(FakeEngine.made[0].requests))
        assert served.post("/v1/completions", {**BODY, "model": "b.gguf"}).status == 200
        assert len(slow.getresponse().read()) == sum(map(len, pieces))
        slow.close()


def test_comments_of_a_stream_are_passed_on(files: list[str]) -> None:
    with running(application(ServerSettings(), proxy_of(files))) as served:
        until(lambda: served.get("/health").status == 200)
        pieces = [b"data: {}\n\n", b":\n\n", b"data: [DONE]\n\n"]
        FakeEngine.made[0].answers["POST /v1/completions"] = (200, "text/event-stream", pieces)
        assert served.post("/v1/completions", {**BODY, "stream": True}).body == b"".join(pieces)


def test_an_unexpected_answer_of_an_engine(files: list[str]) -> None:
    with running(application(ServerSettings(), proxy_of(files))) as served:
        until(lambda: served.get("/health").status == 200)
        engine = FakeEngine.made[0]
        for status, body in ((500, b"no JSON"), (400, b'{"error": "text"}'), (503, b"[]")):
            engine.answers["POST /v1/completions"] = (status, "application/json", [body])
            answer = served.post("/v1/completions", BODY)
            assert answer.status == status
            answer.error()
        engine.answers["POST /v1/completions"] = (0, "application/json", [])
        assert served.post("/v1/completions", BODY).status == 503
