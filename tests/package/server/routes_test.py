"""Every route answers, in the form of OpenAI, Anthropic, llama-server or llama-cpp-python."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from fastapi import FastAPI
from serving import Served, events, running, serve, until
from weather import TOOLS, WEATHER_IN_ROME

from llama_cpp.server.app import create_app
from llama_cpp.server.settings import ModelSettings, ServerSettings

HI = [{"role": "user", "content": "Who made the heaven and the earth?"}]
NAME = "kjv-q8_0.gguf"
# So that an answer that is drawn by chance has all its tokens.
NO_END = {"ignore_eos": True}
# For routes that do not pass that on.
GREEDY = {"temperature": 0}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions"])
def test_chat(served: Served, path: str) -> None:
    answer = served.post(path, {"messages": HI, "max_tokens": 4, **NO_END}).json()
    assert answer["object"] == "chat.completion" and answer["model"] == NAME
    assert answer["choices"][0]["message"]["role"] == "assistant"
    assert answer["usage"]["completion_tokens"] == 4


def test_completion(served: Served) -> None:
    body = {"prompt": "In the beginning God created the", "max_tokens": 3, "temperature": 0}
    answer = served.post("/v1/completions", body).json()
    assert answer["object"] == "text_completion"
    assert answer["usage"]["completion_tokens"] == 3
    assert served.post("/v1/completions", body).json()["choices"] == answer["choices"]


@pytest.mark.parametrize("path", ["/completion", "/completions"])
def test_completion_of_llama_server(served: Served, path: str) -> None:
    answer = served.post(path, {"prompt": "And God said", "n_predict": 2, **NO_END}).json()
    assert answer["tokens_predicted"] == 2 and "content" in answer


def test_completions_have_16_tokens_by_default(served: Served) -> None:
    """As OpenAI's; llama-server has no limit."""
    answer = served.post("/v1/completions", {"prompt": "And God said", **NO_END}).json()
    assert answer["usage"]["completion_tokens"] == 16
    unlimited = {"prompt": "And", "max_tokens": None, "stop": [" "], "temperature": 0}
    assert served.post("/v1/completions", unlimited).status == 200


@pytest.mark.parametrize("path", ["/v1/responses", "/responses"])
def test_response(served: Served, path: str) -> None:
    answer = served.post(path, {"input": "Hi", "max_output_tokens": 4, **GREEDY}).json()
    assert answer["object"] == "response" and answer["output"]


def test_message_of_anthropic(served: Served) -> None:
    answer = served.post("/v1/messages", {"messages": HI, "max_tokens": 4, **GREEDY}).json()
    assert answer["type"] == "message" and answer["usage"]["output_tokens"] == 4


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/messages/count_tokens", {"messages": HI}),
        ("/v1/chat/completions/input_tokens", {"messages": HI}),
        ("/v1/responses/input_tokens", {"input": "Hi"}),
    ],
)
def test_counts_of_tokens(served: Served, path: str, body: Any) -> None:
    assert served.post(path, body).json()["input_tokens"] > 0


def test_tokens_and_back(served: Served) -> None:
    tokens = served.post("/tokenize", {"content": "the earth"}).json()["tokens"]
    assert served.post("/detokenize", {"tokens": tokens}).json()["content"].strip() == "the earth"
    assert served.post("/apply-template", {"messages": HI}).json()["prompt"]


def test_extras(served: Served) -> None:
    tokens = served.post("/extras/tokenize", {"input": "the earth"}).json()["tokens"]
    plain = served.post("/tokenize", {"content": "the earth", "add_special": True}).json()
    assert tokens == plain["tokens"]
    count = served.post("/extras/tokenize/count", {"input": "the earth"}).json()
    assert count == {"count": len(tokens)}
    assert "the earth" in served.post("/extras/detokenize", {"tokens": tokens}).json()["text"]


def test_copilot_codex_takes_the_default_model(served: Served) -> None:
    body = {"model": "x", "prompt": "And", "max_tokens": 1}
    assert served.post("/v1/engines/copilot-codex/completions", body).json()["model"] == NAME


@pytest.mark.parametrize("path", ["/v1/embeddings", "/embeddings", "/embedding"])
def test_embeddings(path: str, random_models: Any) -> None:
    with serve(str(random_models / "embedding-f16.gguf"), embedding=True) as served:
        answer = served.post(path, {"input": ["a", "b"]})
        assert answer.status == 200
        found = answer.json()["data"] if path == "/v1/embeddings" else answer.json()
        assert len(found) == 2


@pytest.mark.parametrize("path", ["/v1/rerank", "/rerank", "/v1/reranking", "/reranking"])
def test_rerank(path: str, random_models: Any) -> None:
    with serve(str(random_models / "reranker-f16.gguf"), pooling="rank") as served:
        answer = served.post(path, {"query": "a", "documents": ["b", "c"]})
        assert sorted(each["index"] for each in answer.json()["results"]) == [0, 1]


def test_a_route_that_the_model_cannot_serve(served: Served) -> None:
    """400: clients send a request again after a status from 500 on."""
    answer = served.post("/v1/embeddings", {"input": "x"})
    assert answer.status == 400 and answer.error()["type"] == "not_supported_error"


def test_slots_props_and_adapters(served: Served) -> None:
    assert len(served.get("/slots").json()) == 4
    assert served.get("/props").json()["total_slots"] == 4
    assert served.get("/lora-adapters").json() == []
    assert served.post("/lora-adapters", []).status == 200


def test_metrics(served: Served) -> None:
    answer = served.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert b"\nllamacpp:tokens_predicted_total " in answer.body
    assert abs(int(answer.headers["process-start-time-unix"]) - time.time()) < 3600


def test_health_needs_no_model(served: Served) -> None:
    assert served.get("/health").json() == {"status": "ok"} == served.get("/v1/health").json()


@pytest.mark.parametrize("path", ["/v1/models", "/models"])
def test_models(served: Served, path: str) -> None:
    answer = served.get(path).json()
    assert answer["object"] == "list"
    (model,) = answer["data"]
    assert (model["id"], model["object"], model["status"]) == (NAME, "model", {"value": "loaded"})
    assert model["meta"]["n_ctx"] == 512
    assert served.get(f"{path}/{NAME}").json() == model
    assert [each["capabilities"] for each in answer["models"]] == [["completion"]]


def test_no_answer_has_a_path(served: Served, model_path: str) -> None:
    directory = model_path.rpartition("/")[0].encode()
    for path in ("/v1/models", "/props", "/slots", "/lora-adapters", "/metrics", "/health"):
        answer = served.get(path)
        assert answer.status == 200 and directory not in answer.body


def test_openapi_page(served: Served) -> None:
    page = served.get("/openapi.json").json()
    chat = page["paths"]["/v1/chat/completions"]["post"]
    schema = chat["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/CreateChatCompletionRequest"}
    assert "messages" in page["components"]["schemas"]["CreateChatCompletionRequest"]["properties"]
    assert b"swagger" in served.get("/docs").body


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({}, "get_weather"),
        ({"tool_choice": "required"}, "get_weather"),
        ({"tool_choice": {"type": "function", "function": {"name": "get_time"}}}, "get_time"),
    ],
)
def test_tool_call(served: Served, more: Any, name: str) -> None:
    body = {"messages": WEATHER_IN_ROME, "tools": TOOLS, "temperature": 0, **more}
    (choice,) = served.post("/v1/chat/completions", body).json()["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"]["name"] == name


FUNCTIONS = [tool["function"] for tool in TOOLS]


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (None, ["get_weather"]),
        ("required", ["get_weather"]),
        ({"type": "function", "name": "get_time"}, ["get_time"]),
    ],
)
def test_tool_call_of_a_response(served: Served, choice: Any, names: list[str]) -> None:
    tools = [{"type": "function", **function} for function in FUNCTIONS]
    body = {"input": WEATHER_IN_ROME, "tools": tools, "tool_choice": choice, "temperature": 0}
    output = served.post("/v1/responses", body).json()["output"]
    assert [item["name"] for item in output if item["type"] == "function_call"] == names


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (None, ["get_weather"]),
        ({"type": "any"}, ["get_weather"]),
        ({"type": "tool", "name": "get_time"}, ["get_time"]),
        ({"type": "none"}, []),
    ],
)
def test_tool_use_of_a_message(served: Served, choice: Any, names: list[str]) -> None:
    tools = [{"name": f["name"], "input_schema": f["parameters"]} for f in FUNCTIONS]
    body = {"messages": WEATHER_IN_ROME, "tools": tools, "tool_choice": choice, "temperature": 0}
    content = served.post("/v1/messages", {**body, "max_tokens": 60}).json()["content"]
    assert [part["name"] for part in content if part["type"] == "tool_use"] == names


def test_functions_are_tools(served: Served) -> None:
    """`functions` and `function_call` are the names that OpenAI had before."""
    body = {"messages": WEATHER_IN_ROME, "temperature": 0, "functions": FUNCTIONS}
    for more, name in (({}, "get_weather"), ({"function_call": {"name": "get_time"}}, "get_time")):
        (choice,) = served.post("/v1/chat/completions", {**body, **more}).json()["choices"]
        assert choice["message"]["tool_calls"][0]["function"]["name"] == name


def test_a_choice_of_an_unknown_tool(served: Served) -> None:
    for path, choice in (
        ("/v1/chat/completions", {"type": "function", "function": {"name": "fly"}}),
        ("/v1/responses", {"type": "function", "name": "fly"}),
        ("/v1/messages", {"type": "tool", "name": "fly"}),
    ):
        body = {"messages": HI, "input": "Hello", "tools": TOOLS, "tool_choice": choice}
        answer = served.post(path, body)
        assert answer.status == 400 and answer.error()["param"] == "tool_choice"


def test_json_schema(served: Served) -> None:
    schema = {"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"]}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    answer = served.post("/v1/chat/completions", {"messages": HI, "response_format": form}).json()
    assert json.loads(answer["choices"][0]["message"]["content"]) in ({"a": 1}, {"a": 2})


def test_a_schema_whose_type_is_that_of_a_part(served: Served) -> None:
    """It is no image, but no schema either."""
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "image"}}}
    answer = served.post("/v1/chat/completions", {"messages": HI, "tools": [tool]})
    assert answer.status < 500 and answer.error()["code"] != "invalid_media"


def test_logit_bias_of_a_text(served: Served) -> None:
    """Digits are the text here, and not a token's number."""
    bias = {"prompt": "And God", "max_tokens": 1, "temperature": 0}
    tokens = served.post("/tokenize", {"content": "5"}).json()["tokens"]
    by_text = {**bias, "logit_bias": {"5": 100}, "logit_bias_type": "tokens"}
    by_number = {**bias, "logit_bias": {str(token): 100 for token in tokens}}
    texts = [
        served.post("/v1/completions", body).json()["choices"][0]["text"]
        for body in (by_text, by_number)
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("name", "empty", "value"),
    [
        ("min_tokens", 0, 4),
        ("suffix", "", "x"),
        ("suffix", None, "x"),
        ("best_of", 1, 3),
        ("echo", False, True),
    ],
)
def test_members_that_llama_server_has_not(
    served: Served, name: str, empty: Any, value: Any
) -> None:
    body = {"prompt": "And", "max_tokens": 1}
    assert served.post("/v1/completions", {**body, name: empty}).status == 200
    answer = served.post("/v1/completions", {**body, name: value})
    assert answer.status == 400 and name in answer.error()["message"]


def test_several_prompts(served: Served) -> None:
    body = {"prompt": ["And God", "In the"], "max_tokens": 2}
    choices = served.post("/v1/completions", body).json()["choices"]
    assert len(choices) == 2


def test_default_penalty(served: Served) -> None:
    settings = served.get("/props").json()["default_generation_settings"]["params"]
    assert settings["repeat_penalty"] == 1.0


def test_stream_has_usage_and_done(served: Served) -> None:
    body = {
        "messages": HI,
        "max_tokens": 4,
        "stream": True,
        "stream_options": {"include_usage": True},
        **NO_END,
    }
    answer = served.post("/v1/chat/completions", body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    *chunks, last, done = events(answer.body)
    assert done == "[DONE]"
    assert last["usage"]["completion_tokens"] == 4
    assert all(chunk["object"] == "chat.completion.chunk" for chunk in chunks)


def test_slots_are_saved_in_the_directory(model_path: str, tmp_path: Any) -> None:
    directory = tmp_path / "slots"
    directory.mkdir()
    with serve(model_path, slot_save_path=str(directory), n_parallel=1) as served:
        served.post("/completion", {"prompt": "And God said", "n_predict": 1, "id_slot": 0})
        saved = served.post("/slots/0?action=save", {"filename": "a.bin"})
        assert saved.status == 200 and str(tmp_path).encode() not in saved.body
        assert [path.name for path in directory.iterdir()] == ["a.bin"]
        assert served.post("/slots/0?action=erase", {}).status == 200
        assert served.call("POST", "/slots/0?action=erase").status == 200
        page = {"Origin": "https://example.com"}
        assert served.call("POST", "/slots/0?action=erase", headers=page).status == 415
        assert served.call("POST", "/slots/0?action=erase", b"x").status == 415
        assert served.call("POST", "/slots/0?action=save").status == 400
        assert served.call("POST", "/v1/completions").status == 400
        restored = served.post("/slots/0?action=restore", {"filename": "a.bin"}).json()
        assert restored["n_restored"] == saved.json()["n_saved"] > 0
        for name in ("../b.bin", "/tmp/b.bin", "..", "a/b.bin", ""):
            refused = served.post("/slots/0?action=save", {"filename": name})
            assert refused.status == 400, name
        assert {path.name for path in tmp_path.rglob("*")} == {"slots", "a.bin"}


def test_slots_are_not_saved_by_default(served: Served) -> None:
    assert served.post("/slots/0?action=save", {"filename": "a.bin"}).status == 400


def test_mounted_in_another_application(model_path: str) -> None:
    """Its start-up does not run there: the first request loads the model."""
    outer = FastAPI()
    models = [ModelSettings(model=model_path, n_ctx=512, use_mlock=False, verbose=False)]
    inner = create_app(server_settings=ServerSettings(api_key="k"), model_settings=models)
    inner.add_api_route("/mine", lambda: {"mine": True})
    outer.mount("/llm", inner)
    with running(outer) as served:
        assert served.get("/llm/health").json() == {"status": "ok"}
        assert served.get("/llm/v1/models").status == 401
        assert served.get("/llm/mine").status == 401
        key = {"Authorization": "Bearer k"}
        assert served.get("/llm/mine", **key).json() == {"mine": True}
        body = {"prompt": "And", "max_tokens": 1}
        assert served.call("POST", "/llm/v1/completions", body, key).status == 200
    inner.state.llama.proxy.free()


def test_root_path(model_path: str) -> None:
    with serve(model_path, server={"root_path": "/behind", "api_key": "k"}) as served:
        page = served.get("/openapi.json", Authorization="Bearer k").json()
        assert page["servers"] == [{"url": "/behind"}]
        until(lambda: served.get("/health").status == 200)
