"""PyInstaller without options: the wheel's hook collects files opened by name at run time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

MODEL = os.path.abspath(os.environ["LLAMA_TEST_MODEL"])

PROGRAM = """
import json, sys, warnings
warnings.simplefilter("error")
import llama_cpp
from llama_cpp._backends.report import report
llm = llama_cpp.Llama(sys.argv[1], n_ctx=64, n_threads=1, verbose=False)
chat = llm.create_chat_completion([{"role": "user", "content": "In"}], max_tokens=2)
print(json.dumps({
    "text": llm("In the beginning", max_tokens=3, temperature=0)["choices"][0]["text"],
    "chat": chat["choices"][0]["message"]["role"],
    "report": vars(report),
    "version": __import__("importlib.metadata").metadata.version("llama-cpp-python"),
}))
"""

pytestmark = [
    pytest.mark.skipif(
        not sysconfig.get_config_var("Py_ENABLE_SHARED"), reason="this Python has no shared library"
    ),
    pytest.mark.skipif(
        not (shutil.which("objdump") and shutil.which("objcopy")),
        reason="PyInstaller needs objdump and objcopy (Debian: binutils)",
    ),
]


def environment(folder: Path) -> dict[str, str]:
    """Returns the test's environment, with a home of its own."""
    return {**os.environ, "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}


@pytest.fixture(scope="module", params=["onedir", "onefile"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a program that PyInstaller made."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "app.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-S", "-m", "PyInstaller", f"--{request.param}", "--noconfirm", "app.py"],
        capture_output=True,
        cwd=folder,
        env={**environment(folder), "PYINSTALLER_CONFIG_DIR": str(folder / "config")},
        text=True,
    )
    assert done.returncode == 0, done.stderr
    built = folder / "dist" / "app"
    return built / "app" if request.param == "onedir" else built


def run(program: Path, folder: Path) -> dict:
    """Returns the executable's output, started without a Python to fall back on."""
    env = {name: value for name, value in environment(folder).items() if name[:6] != "PYTHON"}
    done = subprocess.run(
        [program, MODEL], capture_output=True, cwd=folder, env=env, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_program_generates_text(program: Path, tmp_path: Path) -> None:
    said = run(program, tmp_path)
    assert said["text"].strip() and said["chat"] == "assistant" and "+cpu" in said["version"]
    report = said["report"]
    assert report["errors"] == [] and report["rejected"] == {}
    # Found by the probe, which must be there and executable.
    assert report["reason"] == "checked" and len(report["scores"]) > 1
    (backend,) = report["backends"]
    assert backend["state"] == "loaded" and "llama_cpp_backend_vulkan/lib" in backend["library"]


def test_the_choice_is_remembered_in_one_file(program: Path, tmp_path: Path) -> None:
    first, *others = (run(program, tmp_path)["report"] for _ in range(3))
    assert {report["reason"] for report in others} == {"remembered"}
    assert {report["cache_file"] for report in others} == {first["cache_file"]}
    assert list(Path(first["cache_file"]).parent.iterdir()) == [Path(first["cache_file"])]


def test_nothing_is_left_behind(program: Path, tmp_path: Path) -> None:
    """A one-file program removes its temporary directory, the probe in it too."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    env = {**environment(tmp_path), "TMPDIR": str(temporary)}
    done = subprocess.run([program, MODEL], capture_output=True, env=env, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert list(temporary.iterdir()) == []
