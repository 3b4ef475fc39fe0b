"""Row 12 of the faults: logits take memory only when they are asked for.

With a vocabulary of 262,144 tokens a row is 1 MiB, and a context of 32,768 tokens has 32 GiB of
them. The numbers are the most that a process held at once, beyond a plain completion of the same
prompt.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest

import llama_cpp
from llama_cpp import LlamaRAMCache
from llama_cpp.llama_speculative import LlamaPromptLookupDecoding

PROMPT = "In the beginning God created the heaven and the earth."

CHILD = """
import json, sys, llama_cpp
llm = llama_cpp.Llama(sys.argv[1], n_threads=1, n_threads_batch=1, verbose=False,
                      **json.loads(sys.argv[2]))
prompt = "abc def " * 30
exec(sys.argv[3])
with open("/proc/self/status") as file:
    print(next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024)
"""


def peak(path, code: str, **arguments) -> float:
    """Runs code with a model in a process of its own; returns the most memory it held, in MiB."""
    if sys.platform != "linux":
        pytest.skip("the peak of a process's memory is read from /proc")
    command = [sys.executable, "-c", CHILD, str(path), json.dumps(arguments), code]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Returns a decoder with a vocabulary of 262,144 tokens."""
    return write_wide_model(tmp_path_factory.mktemp("wide") / "wide.gguf", "llama")


@pytest.fixture(scope="module")
def wide_encoder(tmp_path_factory):
    return write_wide_model(tmp_path_factory.mktemp("wide") / "wide.gguf", "t5encoder")


def write_wide_model(path, architecture):
    """Writes one layer of zeros: every token is as likely as any other."""
    gguf = pytest.importorskip("gguf")
    n_vocab, n_embd = 262144, 32
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(32768)
    writer.add_embedding_length(n_embd)
    writer.add_block_count(1)
    writer.add_feed_forward_length(n_embd)
    writer.add_head_count(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_relative_attn_buckets_count(32)
    writer.add_tokenizer_model("llama")
    specials = [b"<unk>", b"<s>", b"</s>"]
    tokens = specials + [f"<0x{byte:02X}>".encode() for byte in range(256)]
    types = [2, 3, 3] + [6] * 256
    words = [f"w{word}".encode() for word in range(n_vocab - len(tokens))]
    writer.add_token_list(tokens + words)
    writer.add_token_scores([0.0] * n_vocab)
    writer.add_token_types(types + [1] * len(words))
    writer.add_add_space_prefix(False)
    writer.add_tensor("token_embd.weight", np.zeros((n_vocab, n_embd), np.float16))
    side, output = ("enc.", "o") if architecture == "t5encoder" else ("", "output")
    shapes = {f"attn_{name}": (n_embd, n_embd) for name in ("q", "k", "v", output)}
    shapes |= {f"ffn_{name}": (n_embd, n_embd) for name in ("gate", "up", "down")}
    shapes |= {"attn_norm": (n_embd,), "ffn_norm": (n_embd,), "attn_rel_b": (32, 1)}
    if not side:
        del shapes["attn_rel_b"]
    for name, shape in shapes.items():
        writer.add_tensor(f"{side}blk.0.{name}.weight", np.zeros(shape, np.float32))
    writer.add_tensor(f"{side}output_norm.weight", np.ones(n_embd, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def plain(wide):
    return peak(wide, "llm(prompt, max_tokens=2, temperature=0)", n_ctx=32768)


GENERATE = """
llm(prompt, max_tokens=2, temperature=0, logprobs=5)
llm.save_state()
llm.set_cache(llama_cpp.LlamaRAMCache())
llm(prompt, max_tokens=2, temperature=0)
"""
ECHO = "llm(prompt, max_tokens=2, temperature=0, logprobs=5, echo=True)"


@pytest.mark.parametrize("logits_all", [False, True])
@pytest.mark.parametrize("code", [GENERATE, ECHO], ids=["generate", "echo"])
def test_less_than_100_mib_more(wide, plain, code, logits_all):
    assert peak(wide, code, n_ctx=32768, logits_all=logits_all) - plain < 100


DECODE = """
import sys, llama_cpp
llm = llama_cpp.Llama(sys.argv[1], n_ctx=64, n_batch=32, n_threads=1, verbose=False)
batch = llama_cpp.llama_batch_init(32, 0, 1)
batch.n_tokens = 32
for i in range(32):
    batch.token[i], batch.pos[i], batch.logits[i] = 300 + i, i, True
    batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
assert llama_cpp.llama_decode(llm.ctx, batch) == 0
print(llama_cpp.llama_get_logits(llm.ctx)[32 * llm.n_vocab() - 1])
"""


def test_the_c_api_may_ask_for_the_logits_of_a_whole_batch(wide, run_python):
    """guidance does. llama.cpp ends the process if they are more than the context was made for."""
    done = run_python(DECODE, wide)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == 0  # the model's weights are zeros


def test_an_encoder_has_no_logits(wide_encoder):
    """500 tokens would be 500 MiB."""
    loaded = peak(wide_encoder, "", n_ctx=512)
    pooling = llama_cpp.LLAMA_POOLING_TYPE_MEAN
    code = "llm.embed('a' * 500); llm.embed(['a'] * 500)"
    used = peak(wide_encoder, code, n_ctx=512, embedding=True, pooling_type=pooling)
    assert used - loaded < 100


def test_scores_take_memory_for_evaluated_tokens(wide, plain):
    """20 tokens: 20 MiB, besides copies of that size."""
    code = (
        "llm.eval(list(range(300, 320)))\n"
        "assert llm.scores.shape[1] == 262144 and len(llm.scores) >= 20\n"
        "assert llm._scores.shape == (20, 262144) and llm._scores.any() == False\n"
        "llm.eval(list(range(300, 320)))\n"
        "assert llm._scores.shape == (40, 262144)\n"
    )
    assert peak(wide, code, n_ctx=32768, logits_all=True) - plain < 250


# ---- the arrays are unchanged


def rows_of(llm, tokens):
    """Logits of each token, evaluated one at a time."""
    llm.reset()
    rows = []
    for token in tokens:
        llm.eval([token])
        rows.append(llm.ctx.logits(-1))
    llm.reset()
    return np.array(rows)


def assert_close(found, expected):
    """Activations are rounded to 8 bits: batches of other sizes differ by some of their flips."""
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 0.25 * np.std(expected)
    assert (found.argmax(axis=-1) == expected.argmax(axis=-1)).mean() > 0.9


@pytest.fixture(scope="module")
def expected(llm):
    return rows_of(llm, llm.tokenize(PROMPT.encode()))


@pytest.fixture
def keeper(load, model_path):
    return load(model_path, logits_all=True)


def test_rows_are_made_when_read(keeper, expected):
    tokens = keeper.tokenize(PROMPT.encode())
    keeper.eval(tokens[:5])
    keeper.eval(tokens[5:])
    assert keeper._session.scores.rows is None
    assert keeper.scores.shape == (keeper.n_ctx(), keeper.n_vocab())
    assert_close(keeper.scores[: len(tokens)], expected)
    assert_close(keeper._scores, expected)
    assert_close(np.array(keeper.eval_logits), expected)
    assert list(keeper.eval_tokens) == tokens


def test_rows_follow_once_they_were_read(keeper, expected):
    tokens = keeper.tokenize(PROMPT.encode())
    keeper.eval(tokens[:5])
    rows = keeper.scores
    for position, token in enumerate(tokens[5:], start=5):
        keeper.eval([token])
        assert keeper._session.scores.count == position + 1
        np.testing.assert_array_equal(rows[position], keeper.ctx.logits(-1))
    assert_close(rows[: len(tokens)], expected)
    assert keeper.scores is rows


def test_rows_after_going_back(keeper, expected):
    """Rows of other tokens at the same positions are not taken for theirs."""
    tokens = keeper.tokenize(PROMPT.encode())
    other = keeper.tokenize(b"And the earth was without form, and void; and darkness was upon")
    keeper.eval(other)
    assert len(keeper._scores) == len(other)
    keeper(PROMPT, max_tokens=1, temperature=0)
    assert_close(keeper.scores[: len(tokens)], expected)
    keeper.n_tokens = 4
    keeper.eval(other[4:])
    assert_close(keeper.scores[: len(other)], rows_of(keeper, other)[: len(other)])


def test_rows_after_log_probabilities_of_the_prompt(keeper, expected):
    assert len(keeper.scores) == keeper.n_ctx()
    keeper(PROMPT, max_tokens=1, temperature=0, logprobs=1, echo=True)
    assert_close(keeper.scores[: len(expected)], expected)


def test_generation_goes_on_after_reading(keeper, llm):
    tokens = keeper.tokenize(PROMPT.encode())
    expected = list(itertools.islice(llm.generate(tokens, temp=0), 12))
    found = []
    for token in itertools.islice(keeper.generate(tokens, temp=0), 12):
        found.append(token)
        if len(found) == 5:
            assert len(keeper._scores) == len(tokens) + 4
    assert found == expected


def test_states_keep_rows_that_are_there(keeper, load, model_path, expected):
    tokens = keeper.tokenize(PROMPT.encode())
    keeper.eval(tokens)
    assert len(keeper.save_state().scores) == 0
    rows = keeper._scores.copy()
    state = keeper.save_state()
    np.testing.assert_array_equal(state.scores, rows)
    other = load(model_path, logits_all=True)
    other.load_state(state)
    np.testing.assert_array_equal(other._scores, rows)
    other.reset()
    other.load_state(load_without_rows(state))
    assert_close(other._scores, expected)


def load_without_rows(state):
    state.scores = state.scores[:0]
    return state


def test_sampling_from_an_earlier_token(keeper, expected):
    tokens = keeper.tokenize(PROMPT.encode())
    keeper.eval(tokens)
    for index in (3, 5, len(tokens) - 1):
        row = expected[index]
        found = keeper.sample(temp=0, idx=index)
        assert row[found] > row.max() - 0.25 * np.std(row)
    with pytest.raises(IndexError):
        keeper.sample(temp=0, idx=len(tokens) + 5)


def test_arrays_that_the_system_does_not_promise(keeper, expected, monkeypatch):
    """They get rows as tokens come."""
    zeros = np.zeros

    def short_of_memory(shape, dtype):
        if shape[0] > 100:
            raise MemoryError
        return zeros(shape, dtype)

    monkeypatch.setattr(llama_cpp.llama.np, "zeros", short_of_memory)
    tokens = keeper.tokenize(PROMPT.encode())
    keeper.eval(tokens[:2])
    assert len(keeper.scores) < keeper.n_ctx()
    keeper.eval(tokens[2:])
    keeper(PROMPT, max_tokens=30, temperature=0)
    assert_close(keeper.scores[: len(tokens)], expected)
    assert len(keeper._scores) == keeper.n_tokens


def test_drafts_need_no_array(load, model_path, llm):
    prompt = "And God saw that it was good. And God saw that it was good. And God saw"
    drafted = load(model_path, draft_model=LlamaPromptLookupDecoding(3, 20))
    arguments = {"max_tokens": 30, "temperature": 0, "logprobs": 1}
    found, plain = drafted(prompt, **arguments), llm(prompt, **arguments)
    assert found["choices"][0]["text"] == plain["choices"][0]["text"]
    np.testing.assert_allclose(
        found["choices"][0]["logprobs"]["token_logprobs"],
        plain["choices"][0]["logprobs"]["token_logprobs"],
        atol=0.05,
    )
    assert drafted._session.scores.rows is None


def test_a_cache_counts_the_rows_of_its_states(keeper):
    cache = LlamaRAMCache(capacity_bytes=1 << 20)
    keeper.eval(keeper.tokenize(PROMPT.encode()))
    assert len(keeper._scores)
    state = keeper.save_state()
    cache[(1, 2)] = state
    assert state.scores.nbytes + state.llama_state_size <= cache.cache_size or not cache.cache_state
    large = LlamaRAMCache()
    large[(1, 2)] = state
    assert large.cache_size >= state.scores.nbytes + state.llama_state_size


def test_a_native_context_with_few_outputs(llm, model_path):
    """All logits of a long text come in several batches of n_outputs_max tokens."""
    from llama_cpp import _core

    tokens = llm.tokenize(PROMPT.encode())
    params = _core.ContextParams()
    params.n_ctx, params.n_batch, params.n_outputs_max = 128, 64, 3
    params.n_threads = params.n_threads_batch = 1
    context = _core.Context(llm.model, params)
    context.decode(tokens, 0, outputs=_core.Outputs.ALL)
    assert_close(context.logits_all(), rows_of(llm, tokens))
    params.n_outputs_max, params.n_seq_max = 1, 2
    with pytest.raises(llama_cpp.ContextError, match="n_outputs_max = 1"):
        _core.Context(llm.model, params)
