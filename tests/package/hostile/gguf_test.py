"""Mutated GGUF files through loading, tokenizing and evaluating: an answer or an error of ours.

Each fault that was found is a case by name; a fixed set of random ones follows. All of them, and
models of every architecture, are in gguf_all_test.py.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import gguf_cases
import gguf_layout as layout
import pytest
from gguf_layout import F32, STRING, U32, File
from gguf_mutations import with_vocabulary
from hostile_process import HostileProcess

N_CASES = 440

F16_TYPE, Q8_K_TYPE, I32_TYPE, I64_TYPE = 1, 15, 26, 27  # enum ggml_type


@pytest.fixture(scope="module")
def files() -> dict[str, File]:
    tiny = Path(os.environ["TINY"]) / "tiny.gguf"
    return gguf_cases.sound_files(Path(os.environ["LLAMA_TEST_MODELS_DIR"]), tiny)


@pytest.fixture(scope="module")
def process():
    process = HostileProcess(gguf_cases.PROGRAM)
    yield process
    process.close()


@pytest.fixture
def answers(process, tmp_path):
    """Opens a file; returns the error of each step, "" if there is none."""

    def answers(file: File) -> dict[str, str]:
        path = tmp_path / "case.gguf"
        path.write_bytes(file.encoded())
        case = {"path": str(path), "kind": "model"}
        assert process.faults(case, path.stat().st_size) == []
        answer = process.answer(case)
        return {name: step.get("error", "") for name, step in answer["steps"].items()}

    return answers


def edited(file: File, **keys: layout.Value) -> File:
    """Returns a file with other values of some of the model's own keys; _ stands for a dot."""
    file = file.copy()
    for key, value in keys.items():
        file.set(f"{file.architecture}.{key.replace('__', '.')}".encode(), value)
    return file


def number(value: int) -> layout.Value:
    return layout.scalar(U32, value)


def with_type(file: File, name: bytes, kind: int) -> File:
    file = file.copy()
    file.tensors = [
        dataclasses.replace(tensor, kind=kind) if tensor.name == name else tensor
        for tensor in file.tensors
    ]
    return layout.laid_out(file)


def test_the_sound_files_load(files, answers):
    for name, file in files.items():
        found = answers(file)
        assert found["vocabulary"] == "", name
        assert found["model"] == "" or "encode" in found["model"], name


# ---- the CPU's kernels aborted, in threads that can return no error


@pytest.mark.parametrize("epsilon", [-1.0, float("nan")])
def test_an_epsilon_that_is_none(files, answers, epsilon):
    key = {"attention__layer_norm_rms_epsilon": layout.scalar(F32, epsilon)}
    message = answers(edited(files["llama"], **key))["model"]
    assert message.startswith("ContextError: the epsilon of a norm is negative or not a number")


@pytest.mark.parametrize("count", [3, 1000])
def test_rotated_dimensions_that_a_head_has_not(files, answers, count):
    message = answers(edited(files["qwen3next-q4_0"], rope__dimension_count=number(count)))["model"]
    assert message.startswith("ContextError: rope.dimension_count is odd, or more than a head has")


def test_no_rotated_dimensions(files, answers):
    """The kernel's loop over the dimensions that are not rotated did not end."""
    assert answers(edited(files["qwen3next-q4_0"], rope__dimension_count=number(0)))["model"] == ""


@pytest.mark.parametrize("sections", [[0, 0, 0, 0], [-1, 1, 0, 0], [2**30, 0, 0, 0]])
def test_rotated_sections_that_make_no_sense(files, answers, sections):
    llama = files["llama"].copy()
    llama.keys = [(key.replace(b"llama.", b"paddleocr."), value) for key, value in llama.keys]
    llama.set(b"general.architecture", layout.scalar(STRING, b"paddleocr"))
    message = answers(edited(llama, rope__dimension_sections=layout.array(layout.I32, sections)))[
        "model"
    ]
    assert message.startswith("ContextError: rope.dimension_sections are")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (b"blk.0.attn_norm.weight", F16_TYPE),
        (b"output_norm.weight", I32_TYPE),
        (b"blk.1.attn_q.weight", I32_TYPE),
        (b"blk.1.ffn_down.weight", I64_TYPE),
        (b"token_embd.weight", I64_TYPE),
    ],
)
def test_a_tensor_of_a_type_without_kernels(files, answers, name, kind):
    message = answers(with_type(files["llama"], name, kind))["model"]
    assert message.startswith("ModelLoadError") and name.decode() in message
    assert "type is none that a model computes with" in message


# ---- vocabularies


def test_a_byte_that_only_begins_a_token(files, answers):
    """The RWKV tokenizer began again at the beginning of the text, for ever."""
    file = with_vocabulary(files["llama"], "test").copy()
    file.set(b"tokenizer.ggml.model", layout.scalar(STRING, b"rwkv"))
    file.set(b"tokenizer.ggml.unknown_token_id", number(0))
    tokens = [b"\\n", b"In!", *(b"w%d" % index for index in range(510))]
    file.set(b"tokenizer.ggml.tokens", layout.array(STRING, tokens))
    assert answers(file)["vocabulary"] == ""


def test_no_token_for_a_part_and_no_unknown_one(files, answers):
    """Token -1 was returned."""
    file = files["llama-rwkv"].copy()
    tokens = [b"\\n", *(b"w%d" % index for index in range(511))]
    file.set(b"tokenizer.ggml.tokens", layout.array(STRING, tokens))
    assert "no token for a part of this text" in answers(file)["vocabulary"]


@pytest.mark.parametrize("name", ["llama", "llama-test", "llama-gpt2"])
def test_no_tokens(files, answers, name):
    file = files[name].copy()
    file.set(b"tokenizer.ggml.tokens", layout.array(STRING, []))
    assert "tokenizer.ggml.tokens is empty" in answers(file)["vocabulary"]


def test_a_number_of_dummy_tokens_that_no_machine_has(files, answers):
    file = edited(files["llama"], vocab_size=number(2**32 - 1))
    file.set(b"tokenizer.ggml.model", layout.scalar(STRING, b"no_vocab"))
    message = answers(file)["vocabulary"]
    assert "llama.vocab_size = 4294967295 is more than" in message


def test_a_token_twice(files, answers):
    file = files["llama"].copy()
    tokens = file.get(b"tokenizer.ggml.tokens").items()
    file.set(b"tokenizer.ggml.tokens", layout.array(STRING, [*tokens[:-1], tokens[0]]))
    assert "a token stands twice in tokenizer.ggml.tokens" in answers(file)["vocabulary"]


# ---- metadata that contradicts itself: failed assertions, with their words alone


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"block_count": 0}, "block_count is 0"),
        ({"block_count": 513}, "block_count is 0, or more than llama.cpp can take"),
        ({"nextn_predict_layers": 9}, "nextn_predict_layers is more than block_count"),
        ({"expert_count": 10**6}, "expert_count is more than llama.cpp can take"),
        ({"expert_count": 2}, "expert_used_count is not"),
        ({"expert_used_count": 2}, "expert_used_count is more than expert_count"),
        ({"expert_group_count": 2}, "expert_count is not"),
    ],
)
def test_numbers_that_contradict_each_other(files, answers, keys, words):
    file = edited(files["llama"], **{key: number(value) for key, value in keys.items()})
    message = answers(file)["model"]
    assert message.startswith("ModelLoadError") and words in message


def test_an_alignment_below_that_of_a_mapped_file(files, answers):
    file = files["llama"].copy()
    file.set(b"general.alignment", number(8))
    assert "use_mmap=False" in answers(file)["model"]


# ---- everything else


def test_mutated_files(files, tmp_path):
    found = gguf_cases.faults(files, range(N_CASES), tmp_path)
    assert not found, "\n".join(found)
