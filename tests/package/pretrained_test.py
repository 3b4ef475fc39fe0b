"""Llama.from_pretrained, against a hub that is made up here."""

from __future__ import annotations

import sys
import types

import pytest

from llama_cpp import Llama
from llama_cpp._engine import projector_files

FILES = [
    {"name": "owner/name/a-Q4.gguf"},
    {"name": "owner/name/sub/b-Q8.gguf"},
    "owner/name/README",
]


def install_hub(monkeypatch, files, path_of):
    """Makes up a hub with one repository; returns the list of downloads."""
    made = []

    class HfFileSystem:
        def ls(self, repo_id, recursive):
            assert repo_id == "owner/name" and recursive
            return files

    def hf_hub_download(**arguments):
        made.append(arguments)
        return path_of(arguments["filename"])

    hub = types.ModuleType("huggingface_hub")
    hub.HfFileSystem, hub.hf_hub_download = HfFileSystem, hf_hub_download
    utils = types.ModuleType("huggingface_hub.utils")
    utils.validate_repo_id = lambda repo_id: None
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    monkeypatch.setitem(sys.modules, "huggingface_hub.utils", utils)
    return made


@pytest.fixture
def downloads(monkeypatch, model_path):
    """Returns the list of downloads; every download is the trained model."""
    return install_hub(monkeypatch, FILES, lambda name: model_path)


class Arguments(Llama):
    """Keeps the arguments that it is created with, and loads nothing."""

    def __init__(self, **arguments):
        self.given = arguments


@pytest.fixture
def arguments(monkeypatch):
    """Returns a function: the arguments for Llama of a call, and the names of the downloads."""

    def arguments(files, *names, **options):
        files = [f"owner/name/{name}" for name in files]
        made = install_hub(monkeypatch, files, lambda name: f"/hub/{name}")
        given = Arguments.from_pretrained("owner/name", *names, **options).given
        return given, [each["filename"] for each in made]

    return arguments


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


# ---- projectors


MODEL = "a-Q4_K_M.gguf"
BOTH = {"model_path": f"/hub/{MODEL}", "mmproj_path": "/hub/mmproj-a-f16.gguf"}


def test_the_projector_is_downloaded_too(arguments):
    files = ["README.md", MODEL, "mmproj-a-f16.gguf"]
    assert arguments(files, MODEL) == (BOTH, [MODEL, "mmproj-a-f16.gguf"])
    given, _ = arguments(files, MODEL, n_ctx=256, local_dir="/here")
    assert given == {**BOTH, "n_ctx": 256}
    given, made = arguments(files, MODEL, ["mmproj*", "*.md"])
    assert given == BOTH and made == [MODEL, "mmproj-a-f16.gguf", "README.md"]


def test_a_repository_without_one(arguments):
    given, made = arguments([MODEL, "mmproj.txt", "clip.gguf"], MODEL)
    assert given == {"model_path": f"/hub/{MODEL}"} and made == [MODEL]


@pytest.mark.parametrize(
    "options",
    [
        {"mmproj_path": None},
        {"mmproj_path": "/mine.gguf"},
        {"mmproj_path": "/mine.gguf", "mmproj_filename": "*f16*"},
        {"chat_handler": print},
        {"vocab_only": True},
    ],
)
def test_when_no_projector_is_looked_for(arguments, options):
    given, made = arguments([MODEL, "mmproj-a-f16.gguf"], MODEL, **options)
    options.pop("mmproj_filename", None)
    assert given == {"model_path": f"/hub/{MODEL}", **options}
    assert made == [MODEL]


def test_the_named_projector(arguments):
    files = [MODEL, "mmproj-a-Q8_0.gguf", "mmproj-a-f16.gguf", "clip.gguf"]
    for name in ("mmproj-a-f16.gguf", "*f16*"):
        assert arguments(files, MODEL, mmproj_filename=name)[0] == BOTH
    given, _ = arguments(files, MODEL, mmproj_filename="clip*", chat_handler=print)
    assert given["mmproj_path"] == "/hub/clip.gguf"


def test_a_projector_that_is_not_there(downloads):
    for pattern, words in (("mmproj*", "No file found"), ("*gguf", "Multiple files found")):
        with pytest.raises(ValueError, match=words):
            Llama.from_pretrained("owner/name", "a-Q4.gguf", mmproj_filename=pattern)
    assert downloads == []


# The choices of find_best_sibling() in llama.cpp's common/download.cpp.
@pytest.mark.parametrize(
    ("model", "projectors", "chosen"),
    [
        # the nearest number of bits: of a type, 0 without one
        ("a-Q4_K_M.gguf", "mmproj-BF16 mmproj-F16 mmproj-F32 mmproj-Q8_0", "mmproj-Q8_0"),
        ("a-Q4_K_M.gguf", "mmproj-F32 mmproj-F16", "mmproj-F16"),
        ("a.IQ3_XS.gguf", "mmproj-model-f32 mmproj-model.f16", "mmproj-model.f16"),
        ("a-Q4_K_M.gguf", "mmproj-F16 mmproj-a", "mmproj-a"),
        ("a-F16.gguf", "mmproj-Q8_0 mmproj-f16", "mmproj-f16"),
        ("a-F32.gguf", "mmproj-Q8_0 mmproj-f16", "mmproj-f16"),
        ("a-Q8_0-00001-of-00003.gguf", "mmproj-F16 mmproj-Q8_0", "mmproj-Q8_0"),
        # the first of equals
        ("a-Q4_K_M.gguf", "mmproj-BF16 mmproj-F16", "mmproj-BF16"),
        ("a-Q4_K_M.gguf", "mmproj-F16 mmproj-BF16", "mmproj-F16"),
        # the nearest directory, and none beside or below
        ("x/a-Q4_0.gguf", "mmproj-Q8_0 x/mmproj-F16", "x/mmproj-F16"),
        ("x/y/a-Q4_0.gguf", "mmproj-F16 x/mmproj-F32", "x/mmproj-F32"),
        ("x/a-Q4_0.gguf", "mmproj-F16 y/mmproj-Q8_0 x/y/mmproj-Q8_0", "mmproj-F16"),
        ("a-Q4_0.gguf", "x/mmproj-F16", None),
        # in any case; upstream looks for lower case
        ("a-Q4_0.gguf", "a.MMPROJ-F16.GGUF", "a.MMPROJ-F16.GGUF"),
    ],
)
def test_the_choice_among_several(model, projectors, chosen):
    def file(name):
        return name if name.upper().endswith(".GGUF") else f"{name}.gguf"

    names = [model, *map(file, projectors.split())]
    assert projector_files.of_repository(names, model) == (chosen and file(chosen))
