"""Embeddings and answers are those of llama-mtmd-cli, upstream's program, on the same files.

Both run the CPU variant x64, which LLAMA_CPP_CPU_VARIANT forces: others round differently.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import media_files
import numpy as np
import pytest
from chats import answer, user

import llama_cpp

FILES = {
    "image": ("image.png", lambda: media_files.png(media_files.image(0))),
    "audio": ("sound.wav", lambda: media_files.wav(media_files.sound(0))),
}
PAIRS = {
    "gemma3": ("image",),
    "gemma4": ("image", "audio"),
    "gemma4-unified": ("image", "audio"),
    "hunyuanvl": ("image",),
    "idefics3": ("image",),
    "internvl": ("image",),
    "lfm2": ("image",),
    "llava": ("image",),
    "llava-next": ("image",),
    "minicpmv": ("image",),
    "pixtral": ("image",),
    "qwen2.5-omni": ("image", "audio"),
    "qwen2.5vl": ("image",),
    "qwen2vl": ("image",),
    "qwen3vl": ("image",),
    "ultravox": ("audio",),
    "voxtral": ("audio",),
}


@pytest.fixture(params=[(name, kind) for name, kinds in PAIRS.items() for kind in kinds])
def case(request, tmp_path):
    """Returns the name of a pair, the kind of a file that it reads, and such a file."""
    name, kind = request.param
    file, contents = FILES[kind]
    (tmp_path / file).write_bytes(contents())
    return name, kind, tmp_path / file


def mtmd_cli(projectors: Path, name: str, kind: str, file: Path) -> tuple[str, np.ndarray]:
    """Returns the program's greedy answer of 8 tokens, and the embeddings that it made last."""
    dump = file.parent / "embeddings"
    # In a directory of its own: it would load the best of the backends beside it.
    program = shutil.copy(os.environ["MTMD_CLI"], file.parent)
    libraries = Path(llama_cpp.__file__).parent / "lib"
    result = subprocess.run(
        [
            *(program, "-m", projectors / f"{name}.gguf"),
            *("--mmproj", projectors / f"mmproj-{name}.gguf", f"--{kind}", file),
            *("-p", "Hello there", "--temp", "0", "-n", "8", "--jinja", "--no-warmup"),
            *("-c", "4096", "-b", "1024", "-ub", "1024", "-t", "1"),
        ],
        env={
            **os.environ,
            "GGML_BACKEND_PATH": str(libraries / "libggml-cpu-x64.so"),
            "LD_LIBRARY_PATH": str(libraries),
            "MTMD_DEBUG_EMBEDDINGS": str(dump),
        },
        cwd=file.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    data = dump.read_bytes()
    _, n_embd = np.frombuffer(data[:8], np.int32)
    return result.stdout.strip(), np.frombuffer(data[8:], np.single).reshape(-1, n_embd)


def test_every_pair_is_compared(names) -> None:
    assert names == sorted(PAIRS)


def test_embeddings_and_answer(case, load, projectors) -> None:
    name, kind, file = case
    said, embeddings = mtmd_cli(projectors, name, kind, file)
    llm = load(name, n_threads=1, n_threads_batch=1, flash_attn=None)
    part = {"type": kind, kind: file}
    assert answer(llm, [user(part, "Hello there")], repeat_penalty=1.0).strip() == said
    ours = np.concatenate(list(llm._session.projector._embeddings.values()))
    # Tiles of one size are encoded together there: the dump has all of those.
    np.testing.assert_allclose(ours[-len(embeddings) :], embeddings, atol=1e-5)
