r"""Row 7 of the faults: log probabilities of tokens that are parts of characters.

As OpenAI answers (a published answer of gpt-3.5-turbo-instruct to a Chinese prompt of 5 characters
has the tokens "，", "bytes:\xe9\x80", "bytes:\x82", "合" at the offsets 5, 6, 6, 7): a part of a
character is named by its bytes, stands where the character does, and the keys of top_logprobs are
the same names. For every other token ``text[offset : offset + len(token)] == token``.
"""

from __future__ import annotations

import codecs
import json
import random

import numpy as np
import pytest

import llama_cpp
from llama_cpp._engine.token_text import TextPosition, token_bytes, token_text

# Characters of 1 to 4 bytes, combining ones and one of several code points.
CHARACTERS = [
    "a",
    " ",
    "\n",
    "\\",
    "ß",
    "é",
    "e\u0301",
    "ж",
    "日",
    "本",
    "\u200b",
    "\ufffd",
    "🙂",
    "👩‍🚀",
]


def random_texts(count: int, seed: int) -> list[str]:
    generator = random.Random(seed)
    lengths = [generator.randint(1, 12) for _ in range(count)]
    texts = ["".join(generator.choices(CHARACTERS, k=length)) for length in lengths]
    # Texts that tokens' names could be taken for.
    return [*texts, r"bytes:\xc3\x9f", "bytes:", r"ß\xc3", "aß def"]


@pytest.fixture(scope="module", params=["trained", "random"])
def model(request, load, model_path, random_models):
    """Returns a model; there are two, with byte fallback and words, and without."""
    path = model_path if request.param == "trained" else random_models / "llama-f32.gguf"
    return load(path)


def whole(choice):
    """Checks the invariants of all tokens; returns their bytes."""
    logprobs, text = choice["logprobs"], choice["text"]
    tokens, offsets = logprobs["tokens"], logprobs["text_offset"]
    assert len({len(values) for values in logprobs.values()}) == 1
    assert offsets == sorted(offsets)
    for token, offset in zip(tokens, offsets):
        piece = token_bytes(token)
        try:
            assert piece.decode() == token == text[offset : offset + len(token)]
        except UnicodeDecodeError:
            assert token.startswith("bytes:") and "\ufffd" not in token
    for token, value, best in zip(tokens, logprobs["token_logprobs"], logprobs["top_logprobs"]):
        assert (best is None) == (value is None)
        assert best is None or best[token] == value
    return b"".join(map(token_bytes, tokens))


def test_the_case_in_the_table(model):
    choice = model("aß def", max_tokens=1, temperature=0, echo=True, logprobs=1)["choices"][0]
    tokens = choice["logprobs"]["tokens"]
    assert tokens[:3] == ["a", r"bytes:\xc3", r"bytes:\x9f"]
    assert choice["logprobs"]["text_offset"][:4] == [0, 1, 1, 2]
    whole(choice)


def test_random_prompts(model):
    for text in random_texts(60, seed=7):
        choice = model(text, max_tokens=2, temperature=0, echo=True, logprobs=2)["choices"][0]
        n_prompt = len(model.tokenize(text.encode(), add_bos=False))
        n_generated = len(choice["logprobs"]["tokens"]) - n_prompt
        assert 0 <= n_generated <= 2
        assert whole(choice).startswith(text.encode())
        # Each token begins where the text of those before it ends, or within a character.
        length = 0
        for token, offset in zip(choice["logprobs"]["tokens"], choice["logprobs"]["text_offset"]):
            before = text.encode()[:length].decode(errors="ignore")
            if length < len(text.encode()):
                assert offset == len(before)
            length += len(token_bytes(token))


def follow(model, text):
    """Returns arguments with which the model writes `text`."""
    tokens = model.tokenize(text.encode(), add_bos=False)
    start = []

    def only(input_ids, scores):
        start.append(len(input_ids))
        scores[:] = -np.inf
        scores[tokens[len(input_ids) - start[0]]] = 0
        return scores

    processors = llama_cpp.LogitsProcessorList([only])
    return {"max_tokens": len(tokens), "logits_processor": processors}


@pytest.mark.parametrize("stream", [False, True])
def test_random_answers(model, stream):
    for text in random_texts(30, seed=8):
        answer = model("ß", logprobs=3, stream=stream, **follow(model, text))
        parts = [part["choices"][0] for part in (answer if stream else [answer])]
        logprobs = {
            key: [value for part in parts if part["logprobs"] for value in part["logprobs"][key]]
            for key in ("tokens", "text_offset", "token_logprobs", "top_logprobs")
        }
        assert "".join(part["text"] for part in parts) == text
        assert logprobs["text_offset"][0] == 1
        assert whole({"text": "ß" + text, "logprobs": logprobs}) == text.encode()


def test_values_are_those_of_the_logits(model):
    """Of parts of characters too, each of which is a key of its own in top_logprobs."""
    tokens = model.tokenize("a日ß".encode())
    arguments = {"max_tokens": 1, "temperature": 0, "echo": True, "logprobs": model.n_vocab()}
    logprobs = model("a日ß", **arguments)["choices"][0]["logprobs"]
    of_piece = {model.detokenize([token]): token for token in range(model.n_vocab())}
    of_name = {f"bytes:\\x{byte:02x}": of_piece[bytes([byte])] for byte in range(0x80, 0x100)}
    assert logprobs["token_logprobs"][0] is None  # as OpenAI has it
    model.reset()
    for position, token in enumerate(tokens[:-1]):
        model.eval([token])
        expected = llama_cpp.Llama.logits_to_logprobs(model.ctx.logits(-1))
        if position == 0:
            continue
        value, best = (logprobs[key][position] for key in ("token_logprobs", "top_logprobs"))
        assert value == pytest.approx(expected[tokens[position + 1]], abs=0.05)
        for name, other in of_name.items():
            assert best[name] == pytest.approx(expected[other], abs=0.05)


def test_a_prompt_that_begins_like_the_one_before(load, model_path):
    """Only the differing part is evaluated (lm-evaluation-harness sends many ends of one text)."""
    arguments = {"max_tokens": 1, "temperature": 0, "echo": True, "logprobs": 2}
    context = "In the beginning God created the heaven and the earth. And the "
    llm = load(model_path)
    evaluated = []
    original = llm._session.eval
    llm._session.eval = lambda tokens, *rest, **named: (
        evaluated.append(len(tokens)),
        original(tokens, *rest, **named),
    )
    for end in ("earth was", "waters", "earth", "waters", "light was good"):
        found = llm(context + end, **arguments)["choices"][0]["logprobs"]
        expected = load(model_path)(context + end, **arguments)["choices"][0]["logprobs"]
        assert found["tokens"] == expected["tokens"]
        assert found["text_offset"] == expected["text_offset"]
        np.testing.assert_allclose(
            found["token_logprobs"][1:], expected["token_logprobs"][1:], atol=0.05
        )
    assert evaluated[0] > 15 and max(evaluated[1:]) < 8
    llm(context + "earth", **{**arguments, "logprobs": 3})
    assert evaluated[-2] > 15


def test_a_prompt_of_tokens(model):
    """Half a character at its end is the beginning of the answer."""
    tokens = model.tokenize("aß".encode())
    arguments = {"temperature": 0, "logprobs": 1, "echo": True}
    rest = follow(model, "ß!")
    model_tokens = model.tokenize("ß!".encode(), add_bos=False)
    whole_answer = model(tokens, **{**arguments, **rest})["choices"][0]
    assert whole_answer["text"] == "aßß!"
    assert whole(whole_answer) == "aßß!".encode()

    half = [*tokens, model_tokens[0]]
    assert model.detokenize(half) == b"a\xc3\x9f\xc3"
    only = model_tokens[1:]
    start = len(half)

    def force(input_ids, scores):
        scores[:] = -np.inf
        scores[only[len(input_ids) - start]] = 0
        return scores

    processors = llama_cpp.LogitsProcessorList([force])
    for stream in (False, True):
        for echo in (False, True):
            answer = model(
                half,
                max_tokens=2,
                logprobs=1,
                echo=echo,
                logits_processor=processors,
                stream=stream,
            )
            choices = [part["choices"][0] for part in (answer if stream else [answer])]
            assert "".join(c["text"] for c in choices) == ("aßß!" if echo else "ß!")
            tokens_of = [t for c in choices if c["logprobs"] for t in c["logprobs"]["tokens"]]
            offsets = [o for c in choices if c["logprobs"] for o in c["logprobs"]["text_offset"]]
            assert tokens_of[-2:] == [r"bytes:\x9f", "!"] and offsets[-2:] == [2, 3]


def test_control_tokens_in_a_prompt(llm):
    """They are part of the text of the prompt, and BOS is not."""
    text = "a</s>ß b"
    choice = llm(text, max_tokens=1, temperature=0, echo=True, logprobs=1)["choices"][0]
    assert choice["logprobs"]["tokens"][:2] == ["a", "</s>"]
    assert whole(choice).startswith(text.encode())


def test_control_tokens_have_names(llm):
    """They share no key of top_logprobs."""
    choice = llm("In the", max_tokens=1, temperature=0, logprobs=llm.n_vocab())["choices"][0]
    best = choice["logprobs"]["top_logprobs"][0]
    assert {"<s>", "</s>"} <= set(best) and "" not in best


@pytest.mark.parametrize("stream", [False, True])
def test_chat(llm, stream):
    """The chat form has the bytes as numbers."""
    text = "日ß!"
    answer = llm.create_chat_completion(
        [{"role": "user", "content": "hello"}],
        logprobs=True,
        top_logprobs=3,
        stream=stream,
        **follow(llm, text),
    )
    choices = [part["choices"][0] for part in (answer if stream else [answer])]
    content = [entry for c in choices if c["logprobs"] for entry in c["logprobs"]["content"]]
    assert bytes(byte for entry in content for byte in entry["bytes"]) == text.encode()
    assert content[0]["token"] == r"bytes:\xe6" and content[0]["bytes"] == [0xE6]
    for entry in content:
        for other in [entry, *entry["top_logprobs"]]:
            assert token_text(bytes(other["bytes"])) == other["token"]
    json.dumps(answer if not stream else choices)


def test_chat_cut_within_a_character(llm):
    """Tokens left out of the text have their log probabilities, also in a stream."""
    arguments = {**follow(llm, "a日"), "logprobs": True, "top_logprobs": 1, "max_tokens": 3}
    messages = [{"role": "user", "content": "hello"}]
    again = {**arguments, **follow(llm, "a日"), "max_tokens": 3}
    answer = llm.create_chat_completion(messages, **arguments)["choices"][0]
    chunks = list(llm.create_chat_completion(messages, stream=True, **again))
    expected = ["a", r"bytes:\xe6", r"bytes:\x97"]
    assert answer["message"]["content"] == "a"
    assert [entry["token"] for entry in answer["logprobs"]["content"]] == expected
    streamed = [
        entry["token"]
        for chunk in chunks
        if chunk["choices"][0].get("logprobs")
        for entry in chunk["choices"][0]["logprobs"]["content"]
    ]
    assert streamed == expected


# ---- names and offsets, without a model


def test_names_of_tokens_can_be_read_back():
    generator = random.Random(9)
    pieces = [generator.randbytes(generator.randint(0, 5)) for _ in range(2000)]
    pieces += [bytes([byte]) for byte in range(256)] + [b"bytes:", rb"\x", b"\\\xc3", b"a \xf0\x9f"]
    for piece in pieces:
        name = token_text(piece)
        assert token_bytes(name) == piece
        assert not name.startswith("bytes:") or name == "bytes:" or "\\x" in name
    assert token_text(b" \xf0\x9f") == r"bytes: \xf0\x9f"
    assert token_text("é".encode()) == "é"


def test_offsets_of_pieces_of_any_bytes():
    """Of invalid ones too: each is within the character that its first byte belongs to."""
    generator = random.Random(10)
    for _ in range(500):
        data = b"".join(
            generator.choice([*CHARACTERS, "日本"]).encode()
            if generator.random() < 0.7
            else generator.randbytes(1)
            for _ in range(8)
        )
        invalid = {}  # where it begins -> where it ends

        def note(error, invalid=invalid):
            invalid[error.start] = error.end
            return "\ufffd", error.end

        codecs.register_error("note", note)
        starts = []  # of the character of each byte
        for index, character in enumerate(data.decode(errors="note")):
            end = invalid.get(len(starts), len(starts) + len(character.encode()))
            starts += [index] * (end - len(starts))
        assert len(starts) == len(data)
        position, begin = TextPosition(5), 0
        while begin < len(data):
            end = begin + generator.randint(1, 4)
            assert position.add(data[begin:end]) == 5 + starts[begin]
            begin = min(end, len(data))
