"""Llama.from_pretrained, against a hub that is made up here."""

from __future__ import annotations

import sys
import types

import pytest

from llama_cpp import Llama

FILES = [
    {"name": "owner/name/a-Q4.gguf"},
    {"name": "owner/name/sub/b-Q8.gguf"},
    "owner/name/README",
]


@pytest.fixture
def downloads(monkeypatch, model_path):
    """Returns the list of downloads; every download is the trained model."""
    made = []

    class HfFileSystem:
        def ls(self, repo_id, recursive):
            assert repo_id == "owner/name" and recursive
            return FILES

    def hf_hub_download(**arguments):
        made.append(arguments)
        return model_path

    hub = types.ModuleType("huggingface_hub")
    hub.HfFileSystem, hub.hf_hub_download = HfFileSystem, hf_hub_download
    utils = types.ModuleType("huggingface_hub.utils")
    utils.validate_repo_id = lambda repo_id: None
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    monkeypatch.setitem(sys.modules, "huggingface_hub.utils", utils)
    return made


def test_pattern(downloads, tmp_path):
    llm = Llama.from_pretrained(
        "owner/name", "*Q4.gguf", cache_dir=tmp_path, verbose=False, n_ctx=512
    )
    assert llm.n_ctx() == 512
    assert downloads == [
        {
            "repo_id": "owner/name",
            "filename": "a-Q4.gguf",
            "local_dir": None,
            "cache_dir": str(tmp_path),
        }
    ]


def test_additional_files(downloads):
    Llama.from_pretrained("owner/name", "a-Q4.gguf", ["sub/*"], verbose=False, vocab_only=True)
    assert [made["filename"] for made in downloads] == ["a-Q4.gguf", "sub/b-Q8.gguf"]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [("*.gguf", "Multiple files.*a-Q4.*b-Q8"), ("*.bin", "No file found.*README"), (None, "a-Q4")],
)
def test_patterns_that_fit_not_exactly_one_file(downloads, pattern, words):
    with pytest.raises(ValueError, match=words):
        Llama.from_pretrained("owner/name", pattern)
    assert downloads == []


def test_without_the_hub_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match="pip install huggingface-hub"):
        Llama.from_pretrained("owner/name", "x")
