"""Requests that are wrong: each as (name, method, path, body, further headers)."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

JSON = {"Content-Type": "application/json"}
CHAT, COMPLETION = "/v1/chat/completions", "/v1/completions"


class Wrong(NamedTuple):
    """A request.

    Attributes:
        name: of the test.
        path: of the route.
        body: the bytes that are sent.
        headers: of the request.
        method: of HTTP.
    """

    name: str
    path: str
    body: bytes
    headers: dict[str, str] = JSON
    method: str = "POST"


def nested(depth: int, left: str = "[", right: str = "]") -> str:
    return left * depth + right * depth


HI = [{"role": "user", "content": "Hi"}]

# Bodies that no route takes.
_TEXTS = {
    "nothing": b"",
    "half": b'{"prompt": ',
    "text": b"In the beginning",
    "number": b"1",
    "null": b"null",
    "list": b"[]",
    "string": b'"x"',
    "no_utf8": b'{"prompt": "\xff\xfe"}',
    "utf16": '{"prompt": "x"}'.encode("utf-16"),
    "two": b'{"prompt": "x"}{"prompt": "x"}',
    "nul": b"\0" * 100,
    "deep_list": nested(100_000).encode(),
    "deep_object": nested(5_000, '{"a":', "}").replace(":}", ":1}").encode(),
    "deep_within": b'{"prompt": "x", "model": null, "extra": ' + nested(500).encode() + b"}",
}
_TEXT_ROUTES = (
    CHAT,
    COMPLETION,
    "/v1/embeddings",
    "/v1/messages",
    "/v1/responses",
    "/v1/rerank",
    "/infill",
    "/tokenize",
    "/detokenize",
    "/apply-template",
    "/extras/tokenize",
    "/extras/detokenize",
    "/lora-adapters",
    "/slots/0?action=save",
)

# Values that a member has not, for each of the members below.
_VALUES: dict[str, Any] = {
    "object": {"a": 1},
    "list": [[1]],
    "text": "x\0y",
    "truth": True,
    "huge": 10**400,
    "negative": -(2**70),
    "fraction": 1e308,
}
_MEMBERS = (
    *("max_tokens", "n_predict", "temperature", "top_p", "top_k", "min_p", "seed", "stop", "n"),
    *("stream", "stream_options", "logprobs", "top_logprobs", "logit_bias", "repeat_penalty"),
    *("presence_penalty", "mirostat_mode", "mirostat_tau", "grammar", "json_schema", "samplers"),
    *("response_format", "tools", "tool_choice", "parallel_tool_calls", "lora", "id_slot"),
    *("cache_prompt", "n_probs", "n_keep", "dry_sequence_breakers", "chat_template_kwargs"),
    *("reasoning_format", "continue_final_message", "add_generation_prompt", "model"),
    *("response_fields", "t_max_predict_ms", "sse_ping_interval", "n_cache_reuse", "messages"),
    *("prompt", "input", "echo", "suffix", "min_tokens", "functions", "function_call"),
)

# Each with the route that it is for.
_BODIES: dict[str, tuple[str, Any]] = {
    "no_messages": (CHAT, {}),
    "empty_messages": (CHAT, {"messages": []}),
    "message_is_text": (CHAT, {"messages": ["Hi"]}),
    "message_without_role": (CHAT, {"messages": [{"content": "Hi"}]}),
    "role_is_number": (CHAT, {"messages": [{"role": 1, "content": "Hi"}]}),
    "content_is_number": (CHAT, {"messages": [{"role": "user", "content": 1}]}),
    "content_is_object": (CHAT, {"messages": [{"role": "user", "content": {}}]}),
    "content_has_texts": (CHAT, {"messages": [{"role": "user", "content": ["x"]}]}),
    "part_of_no_type": (CHAT, {"messages": [{"role": "user", "content": [{"text": "x"}]}]}),
    "part_of_unknown_type": (CHAT, {"messages": [{"role": "user", "content": [{"type": "x"}]}]}),
    "type_is_a_list": (CHAT, {"messages": [{"role": "user", "content": [{"type": []}]}]}),
    "image_without_a_url": (
        CHAT,
        {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
    ),
    "image_url_is_number": (
        CHAT,
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": 1}]}]},
    ),
    "image_is_list": (
        CHAT,
        {"messages": [{"role": "user", "content": [{"type": "image", "image": [1]}]}]},
    ),
    "sound_is_no_base64": (
        CHAT,
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "input_audio", "input_audio": {"data": "!"}}],
                }
            ]
        },
    ),
    "tool_calls_are_text": (CHAT, {"messages": [{"role": "assistant", "tool_calls": "x"}]}),
    "tool_without_a_function": (CHAT, {"messages": HI, "tools": [{"type": "function"}]}),
    "tool_without_a_name": (
        CHAT,
        {"messages": HI, "tools": [{"type": "function", "function": {}}]},
    ),
    "tools_of_texts": (CHAT, {"messages": HI, "tools": ["x"]}),
    "parameters_are_text": (
        CHAT,
        {
            "messages": HI,
            "tools": [{"type": "function", "function": {"name": "f", "parameters": "x"}}],
        },
    ),
    "choice_of_no_tool": (CHAT, {"messages": HI, "tool_choice": "required"}),
    "unknown_format": (CHAT, {"messages": HI, "response_format": {"type": "poem"}}),
    "schema_of_no_type": (
        CHAT,
        {"messages": HI, "response_format": {"type": "json_schema"}},
    ),
    "schema_of_unknown_type": (
        CHAT,
        {
            "messages": HI,
            "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "x"}}},
        },
    ),
    "schema_refers_to_nothing": (
        CHAT,
        {
            "messages": HI,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"schema": {"$ref": "#/$defs/nothing"}},
            },
        },
    ),
    "schema_refers_to_itself": (COMPLETION, {"prompt": "x", "json_schema": {"$ref": "#"}}),
    "schema_refers_to_an_address": (
        COMPLETION,
        {"prompt": "x", "json_schema": {"$ref": "https://example.com/x.json"}},
    ),
    "pattern_of_parentheses": (
        COMPLETION,
        {"prompt": "x", "json_schema": {"type": "string", "pattern": "^" + "(" * 50_000}},
    ),
    "pattern_of_repetitions": (
        COMPLETION,
        {"prompt": "x", "json_schema": {"type": "string", "pattern": "^(a{999}){999}$"}},
    ),
    "grammar_of_parentheses": (
        COMPLETION,
        {"prompt": "x", "grammar": "root ::= " + nested(50_000, "(", ")")},
    ),
    "grammar_without_a_root": (COMPLETION, {"prompt": "x", "grammar": 'a ::= "b"'}),
    "grammar_recurses": (COMPLETION, {"prompt": "x", "grammar": "root ::= root"}),
    "grammar_of_repetitions": (
        COMPLETION,
        {"prompt": "x", "grammar": 'root ::= "a"{1,999999999}'},
    ),
    "tokens_that_the_model_has_not": (COMPLETION, {"prompt": [2**31 - 1, -5]}),
    "tokens_are_fractions": (COMPLETION, {"prompt": [1.5]}),
    "prompt_of_prompts": (COMPLETION, {"prompt": [[["x"]]]}),
    "prompts_without_end": (COMPLETION, {"prompt": [[]] * 1000}),
    "empty_prompts": (COMPLETION, {"prompt": []}),
    "multimodal_data": (
        COMPLETION,
        {"prompt": {"prompt_string": "x", "multimodal_data": ["AAAA"]}},
    ),
    "multimodal_numbers": (
        COMPLETION,
        {"prompt": {"prompt_string": "x", "multimodal_data": [1]}},
    ),
    "multimodal_text": (COMPLETION, {"prompt": {"prompt_string": "x", "multimodal_data": "x"}}),
    "half_a_surrogate": (COMPLETION, {"prompt": "\ud800"}),
    "half_a_surrogate_in_a_name": (COMPLETION, {"prompt": "x", "\ud800": 1}),
    "not_a_number": (COMPLETION, {"prompt": "x", "temperature": float("nan")}),
    "infinite": (COMPLETION, {"prompt": "x", "extra": float("inf")}),
    "slot_that_is_none": (COMPLETION, {"prompt": "x", "id_slot": 99, "max_tokens": 1}),
    "too_many_answers": (COMPLETION, {"prompt": "x", "n": 10_000}),
    "internal_member": (COMPLETION, {"prompt": "x", "grammar_triggers": [{"type": 3}]}),
    "a_lora_that_is_none": (COMPLETION, {"prompt": "x", "lora": [{"id": 7, "scale": 1}]}),
    "biases_of_nothing": (COMPLETION, {"prompt": "x", "logit_bias": [[2**40, 1]]}),
    "unknown_model": (COMPLETION, {"prompt": "x", "model": "gpt-4"}),
    "model_with_directories": (COMPLETION, {"prompt": "x", "model": "../../etc/passwd"}),
    "long_prompt": (COMPLETION, {"prompt": "word " * 20_000}),
    "embeddings_of_a_text_model": ("/v1/embeddings", {"input": "x"}),
    "no_input": ("/v1/embeddings", {}),
    "rerank_without_documents": ("/v1/rerank", {"query": "x"}),
    "documents_are_numbers": ("/v1/rerank", {"query": "x", "documents": [1]}),
    "no_gap": ("/infill", {}),
    "input_of_nothing": ("/v1/responses", {"input": [{}]}),
    "previous_response": ("/v1/responses", {"input": "x", "previous_response_id": "y"}),
    "file_of_a_response": (
        "/v1/responses",
        {"input": [{"role": "user", "content": [{"type": "input_file"}]}]},
    ),
    "message_of_nobody": ("/v1/messages", {"messages": [{}], "max_tokens": 1}),
    "messages_of_nothing": ("/v1/messages", {}),
    "tools_of_nothing": ("/v1/messages", {"messages": HI, "tools": [{}], "max_tokens": 1}),
    "tokens_of_nothing": ("/detokenize", {"tokens": [-1]}),
    "tokens_far_away": ("/detokenize", {"tokens": [2**31 - 1]}),
    "tokens_beyond_32_bits": ("/detokenize", {"tokens": [2**40]}),
    "texts_as_tokens": ("/extras/detokenize", {"tokens": ["x"]}),
    "far_tokens": ("/extras/detokenize", {"tokens": [10**30]}),
    "content_of_objects": ("/tokenize", {"content": {"a": 1}}),
    "lora_of_nothing": ("/lora-adapters", [{"id": 5}]),
    "lora_of_text": ("/lora-adapters", [{"id": "x", "scale": "y"}]),
    "unknown_action": ("/slots/0?action=format", {}),
    "slot_is_text": ("/slots/x?action=erase", {}),
    "slot_far_away": ("/slots/99999?action=erase", {}),
    "slot_beyond_32_bits": ("/slots/99999999999999?action=erase", {}),
    "no_action": ("/slots/0", {}),
    "template_of_nothing": ("/apply-template", {"messages": [{}]}),
}


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def requests() -> list[Wrong]:
    """Returns the requests; their names differ."""
    found = [
        Wrong(f"{name}:{path}", path, body)
        for name, body in _TEXTS.items()
        for path in _TEXT_ROUTES
        # /tokenize and /detokenize take an object without members, /lora-adapters a list.
        if not (name == "list" and path == "/lora-adapters")
    ]
    for member in _MEMBERS:
        for kind, value in _VALUES.items():
            for path, base in ((CHAT, {"messages": HI}), (COMPLETION, {"prompt": "x"})):
                body = {"max_tokens": 2, **base, member: value}
                found.append(Wrong(f"{member}-{kind}:{path}", path, _dumped(body)))
    found += [Wrong(name, path, _dumped(body)) for name, (path, body) in _BODIES.items()]
    found += [
        Wrong("form", CHAT, b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}),
        Wrong("plain", CHAT, b'{"messages": []}', {"Content-Type": "text/plain"}),
        Wrong("no_type", CHAT, b'{"messages": []}', {}),
        Wrong("form_without_a_file", "/v1/audio/transcriptions", b"", {}),
        Wrong(
            "form_without_a_boundary",
            "/v1/audio/transcriptions",
            b"x",
            {"Content-Type": "multipart/form-data"},
        ),
        Wrong(
            "form_that_does_not_end",
            "/v1/audio/transcriptions",
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc',
            {"Content-Type": "multipart/form-data; boundary=x"},
        ),
        Wrong(
            "a_sound_that_is_none",
            "/v1/audio/transcriptions",
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc\r\n'
            b"--x--\r\n",
            {"Content-Type": "multipart/form-data; boundary=x"},
        ),
        Wrong("unknown_path", "/v1/unknown", b"", {}, "GET"),
        Wrong("unknown_method", CHAT, b"", {}, "DELETE"),
        Wrong("get_of_post", CHAT, b"", {}, "GET"),
        Wrong("unknown_model_in_query", "/props?model=x", b"", {}, "GET"),
        Wrong("unknown_model_in_path", "/v1/models/x", b"", {}, "GET"),
        Wrong("directories_in_path", "/v1/models/..%2f..%2fetc%2fpasswd", b"", {}, "GET"),
        Wrong("tools_of_llama_server", "/tools", b"", {}, "GET"),
        Wrong("proxy_of_llama_server", "/cors-proxy?url=http://localhost", b"", {}, "GET"),
        Wrong("stream_of_llama_server", "/v1/stream", b"", {}, "GET"),
    ]
    return found
