"""python -m llama_cpp chat, and the server without its packages."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def chat(model_path: str, tmp_path: Any) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Returns a function that has a conversation; its lines are the standard input."""

    def run(lines: str, *options: str) -> subprocess.CompletedProcess[str]:
        command = ["-m", "llama_cpp", "chat", "--model", model_path, "--threads", "1", *options]
        return subprocess.run(
            [sys.executable, *command],
            capture_output=True,
            cwd=tmp_path,
            input=lines,
            text=True,
            timeout=120,
        )

    return run


def test_answers(chat: Any) -> None:
    done = chat("What is the capital of Italy?\n", "--temperature", "0")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "The capital of Italy is Rome.\n"


def test_the_conversation_goes_on(chat: Any) -> None:
    """The second prompt has the first one and its answer; after /clear it has not."""
    lines = "Say amen.\n{}Say amen.\n/exit\nSay amen.\n"
    options = ("--n-ctx", "64", "--temperature", "0", "--max-tokens", "20")
    assert len(chat(lines.format("/clear\n"), *options).stdout.splitlines()) == 2
    long = chat("Say amen.\n" * 20, *options)
    assert "does not fit into the context" in long.stdout and long.returncode == 0


def test_a_missing_model(chat: Any) -> None:
    done = chat("", "--model", "missing.gguf")
    assert done.returncode == 1 and "missing.gguf" in done.stderr


def test_system_message(chat: Any) -> None:
    done = chat("Hello\n", "--system", "word " * 400, "--n-ctx", "256")
    assert "does not fit" in done.stdout


def test_the_server_without_its_packages(run_python: Any) -> None:
    done = run_python(
        "import sys; sys.modules['fastapi'] = None; import llama_cpp.server",
    )
    assert done.returncode == 1
    assert "not installed: fastapi" in done.stderr
    assert 'pip install "llama-cpp-python[server]"' in done.stderr


def test_the_package_does_not_import_the_server(run_python: Any) -> None:
    code = "import sys, llama_cpp; llama_cpp.Llama; print('fastapi' in sys.modules)"
    assert run_python(code).stdout == "False\n"
