"""The sound files that the mutations begin with, and running them."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Iterable, List

import gguf_mutations
from gguf_layout import File, parse
from hostile_process import HostileProcess

PROGRAM = Path(__file__).with_name("load_child.py")

# Of tests/models; each has a way of its own through the loader.
MODELS = ("deepseek2-q4_0", "qwen3next-q4_0", "reranker-f16", "t5encoder-f32", "t5-f32")

# Names of other models, for a file that says it is one.
ARCHITECTURES = [
    *("apertus", "arcee", "arwkv7", "bailingmoe2", "bert", "bitnet", "bloom", "chatglm", "cohere2"),
    *("deepseek32", "deepseek4", "dream", "falcon-h1", "gemma-embedding", "gemma2", "gemma3n"),
    *("gemma4", "glm4moe", "gpt-oss", "gpt2", "granitehybrid", "grok", "hunyuan-moe", "jamba"),
    *("jais", "kimi-linear", "lfm2", "llama4", "mamba", "mamba2", "minicpm3", "modern-bert", "mpt"),
    *(
        "nemotron_h",
        "nomic-bert",
        "olmo2",
        "openelm",
        "paddleocr",
        "phi3",
        "plamo2",
        "plm",
        "qwen2",
    ),
    *("qwen2vl", "qwen3moe", "qwen3vl", "qwen35", "rwkv6", "rwkv7", "smallthinker", "starcoder2"),
    *("step35", "t5", "wavtokenizer-dec", "clip", "unknown"),
]


def sound_files(models: Path, tiny: Path) -> Dict[str, File]:
    """Returns models of several architectures, and a tiny Llama with each kind of vocabulary.

    Args:
        models: directory of random_models.py.
        tiny: a Llama of 512 tokens.
    """
    files = {name: parse((models / f"{name}.gguf").read_bytes()) for name in MODELS}
    llama = parse(tiny.read_bytes())
    files["llama"] = llama
    for name in gguf_mutations.VOCABULARIES:
        files[f"llama-{name}"] = gguf_mutations.with_vocabulary(llama, name)
    return files


def faults(files: Dict[str, File], seeds: Iterable[int], directory: Path) -> List[str]:
    """Mutates and opens a file per seed, in turn; returns a line for each fault.

    Args:
        files: sound ones, by name.
        seeds: whole numbers; the same ones are the same cases.
        directory: where the file of the moment is written.
    """
    names = sorted(files)
    path = directory / "hostile.gguf"
    process = HostileProcess(PROGRAM)
    found = []
    for seed in seeds:
        name = names[seed % len(names)]
        ways, content = gguf_mutations.mutate(seed, name, files[name], ARCHITECTURES)
        path.write_bytes(content)
        for fault in process.faults({"path": str(path), "kind": "model"}, len(content)):
            found.append(f"seed {seed}, {name}, {ways}: {fault}")
    process.close()
    return found
