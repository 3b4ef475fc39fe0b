"""python -m llama_cpp generate --chat, with images and sounds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import media_files
import pytest

from llama_cpp import Llama

_PROMPT = "Describe it."
_GREEDY = {"max_tokens": 8, "temperature": 0}


@pytest.fixture
def directory(tmp_path, projectors) -> Path:
    """Returns a directory with a model, its projector, two images and a sound."""
    for name in ("gemma4.gguf", "mmproj-gemma4.gguf"):
        (tmp_path / name).symlink_to(projectors / name)
    (tmp_path / "a.png").write_bytes(media_files.png(media_files.image(1)))
    (tmp_path / "b.png").write_bytes(media_files.png(media_files.image(2)))
    (tmp_path / "tone.wav").write_bytes(media_files.wav(media_files.sound(3)))
    return tmp_path


@pytest.fixture
def generate(directory):
    def run(*arguments):
        command = [sys.executable, "-m", "llama_cpp", "generate", "--model", "gemma4.gguf"]
        command += ["--threads", "1", "--max-tokens", "8", "--temperature", "0", "--chat"]
        return subprocess.run(
            [*command, *map(str, arguments), _PROMPT],
            capture_output=True,
            cwd=directory,
            text=True,
            timeout=120,
        )

    return run


def text_of(done) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def answer(directory):
    """Answers the prompt after (kind, file)s of a message, by Llama itself."""
    llm = Llama(
        str(directory / "gemma4.gguf"),
        mmproj_path=directory / "mmproj-gemma4.gguf",
        n_ctx=0,
        n_threads=1,
        n_threads_batch=1,
        verbose=False,
    )

    def answer(*media) -> str:
        parts = [{"type": kind, kind: directory / name} for kind, name in media]
        content = [*parts, {"type": "text", "text": _PROMPT}]
        done = llm.create_chat_completion([{"role": "user", "content": content}], **_GREEDY)
        return done["choices"][0]["message"]["content"] + "\n"

    yield answer
    llm.close()


def test_media_in_the_order_of_the_command_line(generate, answer):
    a, b, tone = ("image", "a.png"), ("image", "b.png"), ("audio", "tone.wav")
    cases = [(a,), (b,), (tone,), (a, b), (b, a), (a, tone), (tone, a)]
    texts = []
    for media in cases:
        options = [word for kind, name in media for word in (f"--{kind}", name)]
        texts.append(text_of(generate(*options)))
        assert texts[-1] == answer(*media)
    assert len(set(texts)) == len(cases)


def test_not_streamed(generate):
    assert text_of(generate("--no-stream", "--image", "a.png")) == text_of(
        generate("--image", "a.png")
    )


def test_the_named_projector(generate, directory, projectors):
    expected = text_of(generate("--image", "a.png"))
    (directory / "mmproj-another.gguf").touch()
    assert generate("--image", "a.png").returncode == 1
    named = projectors / "mmproj-gemma4.gguf"
    assert text_of(generate("--image", "a.png", "--mmproj", named)) == expected


def test_a_file_that_is_no_image(generate, directory):
    (directory / "text.png").write_text("no image")
    done = generate("--image", "a.png", "--image", "text.png")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("error: messages[0]['content'][1]: Image text.png is in an")
    assert "Convert it" in done.stderr.splitlines()[1]


def test_a_sound_for_a_projector_of_images(generate, projectors):
    model = ["--model", projectors / "gemma3.gguf", "--mmproj", projectors / "mmproj-gemma3.gguf"]
    done = generate(*model, "--audio", "tone.wav")
    assert done.returncode == 1
    assert "the projector reads images only\n" in done.stderr
