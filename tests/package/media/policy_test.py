"""The rules themselves, and that nothing is imported before it is needed."""

from __future__ import annotations

import dataclasses

import pytest

import llama_cpp
from llama_cpp._media.policy import MediaPolicy


def test_the_defaults() -> None:
    policy = MediaPolicy()
    assert (policy.allow_http, policy.allow_files, policy.allow_private) == (False, None, False)
    assert policy.max_pixels == 89_478_485  # Pillow's Image.MAX_IMAGE_PIXELS
    assert policy == MediaPolicy() and hash(policy) == hash(MediaPolicy())


def test_it_does_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        MediaPolicy().allow_private = True


@pytest.mark.parametrize(
    ("name", "least"),
    [("max_image_bytes", 1), ("max_sound_bytes", 1), ("max_pixels", 1), ("max_redirects", 0)],
)
def test_whole_numbers(name: str, least: int) -> None:
    assert getattr(MediaPolicy(**{name: least}), name) == least
    with pytest.raises(ValueError, match=f"^{name} has to be at least {least}, not {least - 1}"):
        MediaPolicy(**{name: least - 1})
    for value in (None, 1.5, "1"):
        with pytest.raises(TypeError, match=f"^{name} has to be a whole number, not "):
            MediaPolicy(**{name: value})


@pytest.mark.parametrize("name", ["max_seconds", "timeout"])
def test_seconds(name: str) -> None:
    assert getattr(MediaPolicy(**{name: 0.5}), name) == 0.5
    for value in (0, -1, float("nan"), float("inf"), *([86_401] if name == "timeout" else [])):
        with pytest.raises(ValueError, match=f"^{name} has to be more than 0 and finite"):
            MediaPolicy(**{name: value})
    for value in (None, "1"):
        with pytest.raises(TypeError, match=f"^{name} has to be a number of seconds"):
            MediaPolicy(**{name: value})


def test_errors_are_caught_as_errors_of_the_package_and_as_value_errors() -> None:
    assert issubclass(llama_cpp.MediaError, llama_cpp.LlamaError)
    assert issubclass(llama_cpp.MediaError, ValueError)


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import llama_cpp", "llama_cpp._media.policy ipaddress http.client ssl PIL numpy"),
        ("from llama_cpp import Llama", "llama_cpp._media.sources http.client ssl PIL"),
        ("import llama_cpp._media.sources", "http.client ssl PIL"),
    ],
)
def test_imports_are_late(run_python, statement: str, absent: str) -> None:
    code = f"{statement}\nimport sys\nprint(*(set({absent.split()}) & set(sys.modules)))"
    finished = run_python(code)
    assert (finished.returncode, finished.stdout) == (0, "\n"), finished.stderr
