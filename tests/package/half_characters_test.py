"""Row 16 of the faults: a text that ends within a character ends before that character.

Only such an end is left out. U+FFFD that the model writes, and U+FFFD for bytes that no more bytes
could complete, stay in the text.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

import llama_cpp

TEXT = "aß日🙂b"
MESSAGES = [{"role": "user", "content": "hello"}]


def write(llm, data: bytes, count: int | None = None, eos: bool = False):
    """Returns arguments with which the model writes these bytes, a token each, or `count` tokens of
    them."""
    byte_tokens = {llm.detokenize([token]): token for token in range(300)}
    tokens = [byte_tokens[bytes([byte])] for byte in data] + [llm.token_eos()] * eos
    start = []

    def only(input_ids, scores):
        start.append(len(input_ids))
        scores[:] = -np.inf
        scores[tokens[len(input_ids) - start[0]]] = 0
        return scores

    processors = llama_cpp.LogitsProcessorList([only])
    return {"max_tokens": len(tokens) if count is None else count, "logits_processor": processors}


def texts(llm, data: bytes, count: int | None = None, eos: bool = False, **arguments):
    """Returns the text of a completion, which must be the same in a stream, and in a chat."""
    whole = llm("x", **write(llm, data, count, eos), **arguments)["choices"][0]["text"]
    chunks = llm("x", stream=True, **write(llm, data, count, eos), **arguments)
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == whole
    if "echo" not in arguments and "logprobs" not in arguments:
        chat = llm.create_chat_completion(MESSAGES, **write(llm, data, count, eos), **arguments)
        assert chat["choices"][0]["message"]["content"] == whole
        chunks = llm.create_chat_completion(
            MESSAGES, stream=True, **write(llm, data, count, eos), **arguments
        )
        deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
        assert "".join(delta.get("content") or "" for delta in deltas) == whole
    return whole


@pytest.mark.parametrize(
    "arguments", [{}, {"stop": ["b!", "🙂🙂"]}, {"logprobs": 1}, {"logprobs": 1, "stop": ["日!"]}]
)
def test_every_cut(llm, arguments):
    data = TEXT.encode()
    for count in range(1, len(data) + 1):
        assert texts(llm, data, count, **arguments) == data[:count].decode(errors="ignore")


def test_a_cut_with_echo(llm):
    assert texts(llm, "aß".encode(), 2, echo=True) == "xa"
    assert texts(llm, "aß".encode(), 2, echo=True, logprobs=1) == "xa"


def test_a_cut_with_a_suffix(llm):
    assert texts(llm, b"aZ", 2, echo=True) == "xaZ"
    answer = llm("x", suffix=" END", **write(llm, "aß".encode(), 2))
    assert answer["choices"][0]["text"] == "a END"


def test_a_cut_within_what_may_be_a_stop_string(llm):
    """The part of the stop string is text, but the half character is not."""
    assert texts(llm, "a日".encode(), 3, stop=["日!"]) == "a"
    assert texts(llm, "a日ß".encode(), 5, stop=["日ß!"]) == "a日"
    assert texts(llm, "a日ß".encode(), stop=["日ß"]) == "a"


def test_the_model_ends_within_a_character(llm):
    assert texts(llm, "aß".encode()[:2], eos=True) == "a"


def test_the_replacement_character_itself_stays(llm):
    for text in ("\ufffd", "a\ufffd", "\ufffdß\ufffd"):
        assert texts(llm, text.encode()) == text
        assert texts(llm, text.encode(), eos=True) == text


def test_invalid_bytes_are_not_lost(llm):
    """One U+FFFD stands for as many bytes as Python's decoder takes for one."""
    for data in (
        b"a\xffb",  # never valid
        b"a\xc3b",  # the character is not completed
        b"a\xe6\x97b\x97",
        b"\x80a",  # nothing was begun
        b"a\x80",  # at the end, too: no more bytes could make a character of it
        b"a\xff",
        b"\xed\xa0\x80a",  # a surrogate
        b"\xf0\x9f\x99a",
    ):
        assert texts(llm, data) == data.decode(errors="replace")


def test_a_stop_string_after_half_a_character(llm):
    """Its text follows, so that the bytes are invalid ones within the text."""
    assert texts(llm, b"a\xc3STOP", stop=["STOP"]) == "a\ufffd"


def test_arguments_of_a_forced_tool(llm):
    tool = {
        "type": "function",
        "function": {
            "name": "say",
            "parameters": {
                "type": "object",
                "properties": {"text": {"type": "string"}},
                "required": ["text"],
            },
        },
    }
    data = json.dumps({"text": "aß"}, ensure_ascii=False).encode()
    count = data.index("ß".encode()) + 1
    for stream in (False, True):
        answer = llm.create_chat_completion(
            MESSAGES,
            tools=[tool],
            tool_choice={"type": "function", "function": {"name": "say"}},
            stream=stream,
            **write(llm, data, count),
        )
        if stream:
            deltas = [chunk["choices"][0]["delta"] for chunk in answer]
            calls = [call for delta in deltas for call in delta.get("tool_calls") or []]
            found = "".join(call["function"]["arguments"] or "" for call in calls)
        else:
            found = answer["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
        assert found == data[: count - 1].decode()


def test_detokenize_gives_bytes(llm):
    tokens = llm.tokenize("aß".encode(), add_bos=False)
    assert llm.detokenize(tokens[:-1]) == b"a\xc3"


def test_native_stream(llm):
    from llama_cpp import _core

    tokens = llm.tokenize("日".encode(), add_bos=False)
    stream = _core.TextStream(llm.model, [])
    assert [stream.push(token) for token in tokens[:2]] == ["", ""]
    assert stream.flush() == "" == stream.flush()
    stream = _core.TextStream(llm.model, [], begun="日".encode()[:2])
    assert stream.push(tokens[2]) == "日"
