"""python -m llama_cpp."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import llama_cpp


@pytest.fixture
def cli(tmp_path):
    def run(*arguments, stdin="", **env):
        return subprocess.run(
            [sys.executable, "-m", "llama_cpp", *map(str, arguments)],
            capture_output=True,
            cwd=tmp_path,
            env={**os.environ, **env},
            input=stdin,
            text=True,
            timeout=120,
        )

    return run


@pytest.fixture
def generate(cli, model_path):
    def run(*arguments, **options):
        done = cli("generate", "--model", model_path, "--threads", 1, *arguments, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def refused(done, *words):
    assert done.returncode == 1, done.stdout
    assert done.stdout == ""
    assert done.stderr.startswith("error: ") and "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_info(cli):
    done = cli("info")
    assert done.returncode == 0 and done.stderr == ""
    for word in (
        llama_cpp.__version__,
        "llama.cpp",
        "CPU variant:",
        "Threads: ",
        "Devices:",
        "score",
        " ok ",
    ):
        assert word in done.stdout


def test_info_json(cli):
    info = json.loads(cli("info", "--json").stdout)
    assert info["version"] == llama_cpp.__version__
    assert info["cpu"]["variant"] in info["cpu"]["scores"]
    assert info["cpu"]["reason"] and info["cpu"]["features"]
    assert any(device["type"] == "cpu" for device in info["devices"])
    assert info["build"]["cpu_variants"] and info["build"]["llama_cpp"]
    assert info["errors"] == []


def test_info_tells_what_is_wrong(cli):
    done = cli("info", LLAMA_CPP_CPU_VARIANT="pentium")
    assert done.returncode == 1
    assert "CPU variant: none" in done.stdout and "LLAMA_CPP_CPU_VARIANT=pentium" in done.stdout


def test_generate(generate):
    arguments = ("--max-tokens", 8, "--temperature", 0, "In the beginning")
    streamed = generate(*arguments)
    assert streamed.strip()
    assert generate("--no-stream", *arguments) == streamed
    assert generate("--stream", *arguments) == streamed


def test_prompt_from_standard_input(generate):
    arguments = ("--max-tokens", 6, "--temperature", 0)
    assert generate(*arguments, "-", stdin="In the beginning") == generate(
        *arguments, "In the beginning"
    )


def test_seed(generate):
    arguments = ("--max-tokens", 12, "--temperature", 1.5, "In the beginning", "--seed")
    assert generate(*arguments, 1) == generate(*arguments, 1)


def test_chat(generate, llm):
    arguments = ("--max-tokens", 6, "--temperature", 0, "--chat", "--system", "Be brief.", "Who?")
    text = generate(*arguments)
    expected = llm.create_chat_completion(
        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who?"}],
        max_tokens=6,
        temperature=0,
    )
    assert text == expected["choices"][0]["message"]["content"] + "\n"
    assert generate("--no-stream", *arguments) == text


SCHEMA = {"type": "object", "properties": {"who": {"enum": ["God", "man"]}}, "required": ["who"]}


def test_json_schema(generate, tmp_path):
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(SCHEMA))
    for argument in (file, json.dumps(SCHEMA)):
        for extra in ([], ["--chat"]):
            text = generate("--json-schema", argument, *extra, "Who made it?")
            assert json.loads(text)["who"] in ("God", "man")


def test_embedding(generate, llm):
    vector = json.loads(generate("--embedding", "In the beginning"))
    assert len(vector) in (llm.n_embd(), len(llm.tokenize(b"In the beginning")))


def test_missing_model(cli):
    refused(cli("generate", "--model", "missing.gguf", "x"), "missing.gguf", "does not exist")


def test_bad_schema(cli, model_path):
    run = ("generate", "--model", model_path, "x", "--json-schema")
    refused(cli(*run, "{broken"), "not valid JSON")
    refused(cli(*run, "missing.json"), "missing.json")
    refused(cli(*run, '{"type": "nonsense"}'), "nonsense")


def test_system_needs_chat(cli, model_path):
    refused(cli("generate", "--model", model_path, "--system", "s", "x"), "--chat")


@pytest.mark.parametrize("option", ["--image", "--audio", "--mmproj"])
def test_media_need_chat_and_a_file(cli, model_path, tmp_path, option):
    run = ("generate", "--model", model_path, option)
    refused(cli(*run, model_path, "x"), f"{option} needs --chat", "\nAdd --chat.\n")
    refused(cli(*run, model_path, "--chat", "--embedding", "x"), f"\nLeave {option} or")
    refused(
        cli(*run, "nowhere.png", "--chat", "x"),
        f"The file of {option} cannot be read: nowhere.png: No such file",
        f"\nPass {option} and the path of a file. Relative paths start at {tmp_path}.\n",
    )
    refused(cli(*run, tmp_path, "--chat", "x"), f"{tmp_path}: It is a directory\n")


def test_media_need_a_projector(cli, model_path, tmp_path):
    model = tmp_path / "model.gguf"
    model.symlink_to(model_path)
    run = ("generate", "--model", model, "--chat", "--image", model_path, "x")
    refused(cli(*run), "no file in the model's directory", str(tmp_path), "\nPass it", "--mmproj ")
    for name in ("mmproj-a.gguf", "b-MMPROJ.GGUF", "mmproj.txt"):
        (tmp_path / name).touch()
    refused(
        cli(*run),
        "More than one projector",
        "b-MMPROJ.GGUF, mmproj-a.gguf\n",
        f"--mmproj {tmp_path / 'b-MMPROJ.GGUF'}\n",
    )


def test_missing_model_of_media(cli, model_path):
    done = cli("generate", "--model", "missing.gguf", "--chat", "--image", model_path, "x")
    refused(done, "Model path does not exist: missing.gguf")


def test_prompt_too_long(cli, model_path):
    done = cli("generate", "--model", model_path, "--n-ctx", 256, "heaven " * 600)
    refused(done, "exceed context window of 256", "n_ctx")


def test_forced_variant_that_is_unknown(cli, model_path):
    done = cli("generate", "--model", model_path, "x", LLAMA_CPP_CPU_VARIANT="pentium")
    refused(done, "LLAMA_CPP_CPU_VARIANT=pentium")


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["generate"], ["info", "--nonsense"]])
def test_usage(cli, arguments):
    done = cli(*arguments)
    assert done.returncode == 2 and "usage: python -m llama_cpp" in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["generate", "--help"], ["info", "--help"]])
def test_help_teaches(cli, arguments):
    done = cli(*arguments)
    assert done.returncode == 0
    assert "LLAMA_CPP_CPU_VARIANT" in done.stdout or "examples:" in done.stdout


def test_closed_pipe_is_quiet(model_path):
    command = [sys.executable, "-m", "llama_cpp", "generate", "--model", model_path]
    command += ["--threads", "1", "--max-tokens", "60", "In"]
    done = subprocess.run(
        ["bash", "-c", '"$@" | head -c 3; exit ${PIPESTATUS[0]}', "bash", *command],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    assert done.returncode == 0
