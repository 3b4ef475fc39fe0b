"""Puts our models where upstream's server tests look for downloaded ones.

llama.cpp's cache is the Hugging Face hub's (common/hf-cache.cpp of its sources):
`models--OWNER--NAME/refs/main` has a commit, `snapshots/COMMIT` the files. Sources of the names:
the presets of tools/server/tests/utils.py, and the tests that name another file.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_COMMIT = "0" * 40


class Models(NamedTuple):
    """Our models.

    Attributes:
        trained: the trained model.
        random: directory of those with random weights.
        projectors: directory of the pairs of a model and its projector.
    """

    trained: Path
    random: Path
    projectors: Path


def _repositories(models: Models) -> Mapping[str, Mapping[str, Path]]:
    """Returns repository -> file there -> our model. Tags (F32, Q8_0) are those tests ask for."""
    return {
        "ggml-org/test-model-stories260K": {"stories260K-F32.gguf": models.trained},
        "ggml-org/test-model-stories260K-infill": {
            "stories260K-infill-F32.gguf": models.random / "infill-f16.gguf"
        },
        "ggml-org/models": {
            "bert-bge-small/ggml-model-f16.gguf": models.random / "embedding-f16.gguf",
            "jina-reranker-v1-tiny-en/ggml-model-f16.gguf": models.random / "reranker-f16.gguf",
        },
        "ggml-org/stories15M_MOE": {"stories15M_MOE-F16.gguf": models.trained},
        "ggml-org/tinygemma3-GGUF": {
            "tinygemma3-Q8_0.gguf": models.projectors / "gemma3.gguf",
            "mmproj-tinygemma3.gguf": models.projectors / "mmproj-gemma3.gguf",
        },
    }


def _downloads(models: Models) -> Mapping[str, Path]:
    """Returns file of `tmp` -> our model, for utils.download_file()."""
    return {
        "moe_shakespeare15M.gguf": models.random / "lora-kjv-1.gguf",
        "stories15M-q4_0.gguf": models.trained,
    }


def fill_cache(cache: Path, models: Models) -> None:
    """Makes a cache as llama.cpp's, with links to our models."""
    for repository, files in _repositories(models).items():
        folder = cache / f"models--{repository.replace('/', '--')}"
        for name, model in files.items():
            _link(folder / "snapshots" / _COMMIT / name, model)
        (folder / "refs").mkdir()
        (folder / "refs" / "main").write_text(_COMMIT, encoding="utf-8")


def copy_tests(sources: Path, work: Path, models: Models) -> Path:
    """Copies upstream's tests to where they can write; returns the directory to run them in.

    Args:
        sources: llama.cpp's sources.
        work: an empty directory, which gets links to the other files that the tests read.
        models: our models.
    """
    tests = Path(shutil.copytree(sources / "tools/server/tests", work / "tools/server/tests"))
    _link(work / "models/templates", sources / "models/templates")
    _link(work / "tools/mtmd", sources / "tools/mtmd")
    for name, model in _downloads(models).items():
        _link(tests / "tmp" / name, model)
    return tests


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    os.symlink(target.resolve(strict=True), link)
