"""Model files that lack something: the message names it, and each cause has its own advice.

A name is taken away by writing another one of the same length over it, in the trained model.
"""

from __future__ import annotations

import re
import struct
import sys
from pathlib import Path

import pytest

import llama_cpp
from llama_cpp import Llama

DAMAGED = "truncated or damaged"

# Without these llama.cpp does not load a Llama model.
KEYS = [
    "general.architecture",
    "llama.context_length",
    "llama.embedding_length",
    "llama.block_count",
    "llama.feed_forward_length",
    "llama.attention.head_count",
    "llama.attention.layer_norm_rms_epsilon",
    "tokenizer.ggml.model",
    "tokenizer.ggml.tokens",
]
TENSORS = [
    "token_embd.weight",
    "output_norm.weight",
    "blk.0.attn_norm.weight",
    "blk.0.attn_q.weight",
    "blk.1.attn_k.weight",
    "blk.0.attn_v.weight",
    "blk.0.attn_output.weight",
    "blk.1.ffn_norm.weight",
    "blk.0.ffn_gate.weight",
    "blk.0.ffn_up.weight",
    "blk.1.ffn_down.weight",
]


def counted(name: str) -> bytes:
    """Returns a string as GGUF stores it."""
    return struct.pack("<Q", len(name)) + name.encode()


@pytest.fixture
def edited(model_path, tmp_path):
    """Writes the trained model with some bytes, which occur once, replaced; returns its path."""

    def edit(old: bytes, new: bytes) -> Path:
        data = Path(model_path).read_bytes()
        assert data.count(old) == 1 and len(old) == len(new)
        path = tmp_path / "edited.gguf"
        path.write_bytes(data.replace(old, new))
        return path

    return edit


def refusal(path) -> str:
    with pytest.raises(llama_cpp.ModelLoadError) as error:
        Llama(str(path), n_ctx=64, n_threads=1, verbose=False)
    assert str(path) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("key", KEYS)
def test_a_missing_key_is_named(edited, key):
    message = refusal(edited(counted(key), counted("X" + key[1:])))
    assert key in message and DAMAGED not in message


@pytest.mark.parametrize("name", TENSORS)
def test_a_missing_tensor_is_named(edited, name):
    message = refusal(edited(counted(name), counted("X" + name[1:])))
    assert f"tensor '{name}' not found" in message and DAMAGED not in message


def test_a_key_of_the_wrong_type(edited):
    key = counted("llama.block_count")
    uint32, float32 = struct.pack("<I", 4), struct.pack("<I", 6)
    message = refusal(edited(key + uint32, key + float32))
    assert "llama.block_count has wrong type f32 but expected type u32" in message
    assert "kv_overrides" in message and DAMAGED not in message


def test_a_tensor_of_the_wrong_shape(edited, model_path):
    name = counted("blk.0.attn_norm.weight") + struct.pack("<I", 1)
    data = Path(model_path).read_bytes()
    begin = data.index(name) + len(name)
    (width,) = struct.unpack_from("<Q", data, begin)
    message = refusal(edited(name + struct.pack("<Q", width), name + struct.pack("<Q", width // 2)))
    assert re.search("blk.0.attn_norm.weight|offset", message)


def test_a_truncated_file_says_how_long_it_should_be(model_path, tmp_path):
    data = Path(model_path).read_bytes()
    path = tmp_path / "cut.gguf"
    path.write_bytes(data[:-1000])
    message = refusal(path)
    has, needs = map(
        int, re.search(r"has (\d+) bytes, and its tensors need (\d+)", message).groups()
    )
    assert has == len(data) - 1000
    assert has < needs <= len(data)
    assert DAMAGED in message


@pytest.mark.parametrize("version, advice", [(99, "upgrade"), (1, "Convert it again")])
def test_another_version(model_path, tmp_path, version, advice):
    data = bytearray(Path(model_path).read_bytes())
    data[4:8] = struct.pack("<I", version)
    path = tmp_path / "version.gguf"
    path.write_bytes(data)
    message = refusal(path)
    assert advice in message and DAMAGED not in message


def test_an_unknown_architecture(edited):
    key = counted("general.architecture") + struct.pack("<I", 8)
    message = refusal(edited(key + counted("llama"), key + counted("lamma")))
    assert "'lamma'" in message and "upgrade" in message


def test_an_unknown_tokenizer(edited):
    key = counted("tokenizer.ggml.model") + struct.pack("<I", 8)
    message = refusal(edited(key + counted("llama"), key + counted("lamma")))
    assert "'lamma'" in message and "upgrade" in message


SHORT_OF_MEMORY = """
import resource, sys
import llama_cpp
llama_cpp.Llama(sys.argv[1], vocab_only=True, verbose=False)  # all libraries are loaded now
for megabytes in range(0, 128, 4):
    # Each time: threads that end, and the last model, have given memory back.
    usage = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (usage + (megabytes << 20), -1))
    try:
        llama_cpp.Llama(sys.argv[1], use_mmap=False, verbose=False).close()
        print("loaded")
    except (llama_cpp.ModelLoadError, llama_cpp.ContextError, MemoryError) as error:
        print(type(error).__name__, *str(error).split())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_not_enough_memory(run_python, random_models):
    """With more and more of it: weights do not fit, or the context does not, or all does."""
    # Else glibc keeps the memory of a model that was closed, and has reserved some for each thread.
    environment = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536"}
    done = run_python(SHORT_OF_MEMORY, random_models / "llama-f32.gguf", env=environment)
    assert done.returncode == 0, done.stderr
    *outcomes, most = done.stdout.splitlines()
    failures = [line for line in outcomes if line != "loaded"]
    assert most == "loaded"
    assert {"ModelLoadError", "ContextError"} <= {line.split()[0] for line in failures}
    assert all("memory" in line and DAMAGED not in line for line in failures)


def test_a_vocabulary_without_byte_tokens(model_path, tmp_path):
    """A character that no token spells needs them."""
    data = Path(model_path).read_bytes()
    for byte in "語".encode():
        name = f"<0x{byte:02X}>"
        assert data.count(counted(name)) == 1
        data = data.replace(counted(name), counted("?" + name[1:]))
    path = tmp_path / "no_bytes.gguf"
    path.write_bytes(data)
    llm = Llama(str(path), n_ctx=64, n_threads=1, verbose=False)
    with pytest.raises(llama_cpp.TokenizeError, match="<0xE8>, <0xAA>, <0x9E>") as error:
        llm.tokenize("語".encode())
    assert "UTF-8" not in str(error.value)
