"""Installs the wheel with pip into a new virtual environment and uses it from another directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

WHEEL = Path(os.environ["WHEEL"])
MODEL = os.environ["LLAMA_TEST_MODEL"]
PIP = Path(os.environ["PIP_WHEEL"]) / "pip"
TEST_WHEELS = [Path(path).resolve() for path in os.environ["TEST_WHEELS"].split()]

SCHEMA = '{"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}'


def clean_environment() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))
    }


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the interpreter of a virtual environment with only the wheel and its requirements."""
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", folder], check=True)
    interpreter = folder / "bin" / "python"
    links = tmp_path_factory.mktemp("links")
    for wheel in [*TEST_WHEELS, WHEEL.resolve()]:
        (links / wheel.name).symlink_to(wheel)
    subprocess.run(
        [interpreter, "-I", PIP, "--isolated", "install", "--no-index", "--no-cache-dir"]
        + ["--disable-pip-version-check", f"--find-links={links}", "llama-cpp-python"],
        check=True,
        env=clean_environment(),
    )
    return interpreter


@pytest.fixture
def run(python: Path, tmp_path: Path):
    def run(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [python, *arguments],
            cwd=tmp_path,
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        print(result.stdout, result.stderr)
        assert not check or result.returncode == 0, result.stderr
        return result

    return run


def test_only_the_wheel_and_its_requirements_are_installed(python: Path) -> None:
    packages = {
        path.name.split("-")[0]
        for path in python.parent.parent.glob("lib/*/site-packages/*.dist-info")
    }
    required = {"numpy"} if sys.version_info >= (3, 12) else {"numpy", "typing_extensions"}
    assert packages == {"llama_cpp_python"} | required


def test_generate_prints_text(run) -> None:
    result = run(
        "-m",
        "llama_cpp",
        "generate",
        "--model",
        MODEL,
        "--max-tokens",
        "24",
        "--seed",
        "1",
        "And the",
    )
    words = [word for word in result.stdout.split() if word.isascii()]
    assert len(words) >= 5


def test_streaming_prints_the_same_text(run) -> None:
    arguments = [
        "-m",
        "llama_cpp",
        "generate",
        "--model",
        MODEL,
        "--max-tokens",
        "24",
        "--temperature",
        "0",
    ]
    whole = run(*arguments, "--no-stream", "And the").stdout
    assert run(*arguments, "--stream", "And the").stdout == whole


def test_chat_template(run) -> None:
    result = run(
        "-m", "llama_cpp", "generate", "--model", MODEL, "--chat", "--max-tokens", "16", "Hello"
    )
    assert result.stdout.strip()


def test_json_schema_constrains_the_output(run) -> None:
    arguments = [
        "-m",
        "llama_cpp",
        "generate",
        "--model",
        MODEL,
        "--max-tokens",
        "64",
        "--json-schema",
        SCHEMA,
    ]
    assert set(json.loads(run(*arguments, "Answer:").stdout)) == {"ok"}


def test_embeddings(run) -> None:
    code = (
        "import llama_cpp, sys\n"
        "llama = llama_cpp.Llama(sys.argv[1], embedding=True, verbose=False)\n"
        "vector = llama.create_embedding('In the beginning')['data'][0]['embedding']\n"
        "print(len(vector), llama.n_embd(), any(vector))\n"
    )
    length, width, nonzero = run("-c", code, MODEL).stdout.split()
    assert nonzero == "True" and int(length) > 0 and int(width) > 0


def test_info_names_version_variant_and_reason(run) -> None:
    info = json.loads(run("-m", "llama_cpp", "info", "--json").stdout)
    assert "0.3.100" in json.dumps(info)
    assert run("-m", "llama_cpp", "info").stdout.strip()


def test_a_missing_model_is_one_clear_line(run) -> None:
    result = run("-m", "llama_cpp", "generate", "--model", "no-such.gguf", "x", check=False)
    assert result.returncode == 1
    assert "no-such.gguf" in result.stderr
    assert "Traceback" not in result.stderr
