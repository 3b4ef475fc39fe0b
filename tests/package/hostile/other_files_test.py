"""Mutated projectors, LoRA adapters, control vectors and importance matrices."""

from __future__ import annotations

import os
import random
import struct
from pathlib import Path
from typing import Any, Dict, Tuple

import gguf_cases
import gguf_layout as layout
import gguf_mutations
import pytest
from gguf_layout import STRING, U32, File, Tensor
from hostile_process import HostileProcess

N_CASES = {"projector": 60, "adapter": 100, "control vector": 60, "imatrix": 100}
PROJECTORS = ("idefics3", "gemma3", "qwen2vl", "minicpmv", "pixtral", "llava-next", "lfm2")
WIDTH = 256  # of the trained model

Base = Tuple[File, Dict[str, Any]]  # a sound file, and what else a case needs


def numbers(count: int) -> bytes:
    rng = random.Random(count)
    return struct.pack(f"<{count}f", *(rng.uniform(-1, 1) for _ in range(count)))


def projectors() -> Dict[str, Base]:
    directory = Path(os.environ["LLAMA_TEST_PROJECTORS_DIR"])
    return {
        name: (
            layout.parse((directory / f"mmproj-{name}.gguf").read_bytes()),
            {"model": str(directory / f"{name}.gguf"), "media": "image"},
        )
        for name in PROJECTORS
    }


def adapters() -> Dict[str, Base]:
    directory = Path(os.environ["LLAMA_TEST_MODELS_DIR"])
    content = (directory / "lora-kjv-1.gguf").read_bytes()
    return {"lora-kjv-1": (layout.parse(content), {"model": os.environ["LLAMA_TEST_MODEL"]})}


def control_vectors() -> Dict[str, Base]:
    keys = [
        (b"general.architecture", layout.scalar(STRING, b"controlvector")),
        (b"controlvector.layer_count", layout.scalar(U32, 3)),
    ]
    tensors = [Tensor(b"direction.%d" % (i + 1), (WIDTH,), 0, i * WIDTH * 4) for i in range(3)]
    file = File(keys, tensors, numbers(3 * WIDTH))
    return {"vector": (file, {"model": os.environ["LLAMA_TEST_MODEL"]})}


def importance_matrices() -> Dict[str, Base]:
    """As llama-imatrix writes them: the sums, and how many rows they are of."""
    tensors = [
        Tensor(b"blk.0.ffn_up.weight.in_sum2", (64, 1), 0, 0),
        Tensor(b"blk.0.ffn_up.weight.counts", (1, 1), 0, 256),
    ]
    keys = [
        (b"general.type", layout.scalar(STRING, b"imatrix")),
        (b"imatrix.chunk_count", layout.scalar(U32, 3)),
    ]
    return {"matrix": (File(keys, tensors, numbers(72)), {})}


BASES = {
    "projector": projectors,
    "adapter": adapters,
    "control vector": control_vectors,
    "imatrix": importance_matrices,
}


@pytest.fixture(scope="module")
def process():
    process = HostileProcess(gguf_cases.PROGRAM)
    yield process
    process.close()


def faults(process: HostileProcess, case: Dict[str, Any], content: bytes) -> list[str]:
    Path(case["path"]).write_bytes(content)
    return process.faults(case, len(content))


@pytest.mark.parametrize("kind", BASES)
def test_the_sound_files_are_accepted(kind, process, tmp_path):
    path = str(tmp_path / "case.gguf")
    for name, (file, more) in BASES[kind]().items():
        Path(path).write_bytes(file.encoded())
        answer = process.answer({"kind": kind, "path": path, **more})
        assert [step.get("error") for step in answer["steps"].values()] == [None], name


@pytest.mark.parametrize("kind", BASES)
def test_mutated_files(kind, process, tmp_path):
    bases = BASES[kind]()
    names = sorted(bases)
    path = str(tmp_path / "case.gguf")
    found = []
    for seed in range(N_CASES[kind]):
        name = names[seed % len(names)]
        file, more = bases[name]
        ways, content = gguf_mutations.mutate(seed, kind + name, file, [])
        for fault in faults(process, {"kind": kind, "path": path, **more}, content):
            found.append(f"seed {seed}, {name}, {ways}: {fault}")
    assert not found, "\n".join(found)


def test_a_projector_without_a_tensor_that_its_graph_needs(process, tmp_path):
    """The graph was built with a null pointer."""
    file, more = projectors()["qwen2vl"]
    file.tensors = [tensor for tensor in file.tensors if tensor.name != b"v.blk.1.attn_k.bias"]
    assert len(file.tensors) > 10
    case = {"kind": "projector", "path": str(tmp_path / "case.gguf"), **more}
    assert faults(process, case, layout.laid_out(file).encoded()) == []
    (step,) = process.answer(case)["steps"].values()
    assert step["error"].startswith("MediaError: a tensor is missing")


def test_an_adapter_with_an_array_for_a_value(process, tmp_path):
    """The message did not name the file, and was no error of ours."""
    file, more = adapters()["lora-kjv-1"]
    file.set(b"general.type", layout.array(STRING, [b"adapter"] * 2))
    case = {"kind": "adapter", "path": str(tmp_path / "case.gguf"), **more}
    assert faults(process, case, file.encoded()) == []
    (step,) = process.answer(case)["steps"].values()
    assert step["error"].startswith("AdapterLoadError") and "is an array" in step["error"]
