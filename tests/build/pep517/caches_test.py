"""Caching and rebuilding by pip and uv after a change of settings: docs/installing.md's table.

Each test installs for one accelerator, then asks for another one, and looks at the installed
package. Where a front end hands out the old wheel, the test says so too: if that changes, the page
has to.
"""

from __future__ import annotations

import functools
import http.server
import os
import runpy
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any, Iterator, NamedTuple

import pytest
import stand_in

UV = os.environ["UV"]
NAME = "llama-cpp-python"


class Environment(NamedTuple):
    """A virtual environment, and caches that are empty.

    Attributes:
        folder: Directory of the virtual environment.
        variables: Environment of the front ends.
        log: The log of the stand-in for Bazel.
        pip_folder: pip, which the virtual environment lacks.
    """

    folder: Path
    variables: dict[str, str]
    log: Path
    pip_folder: Path

    def run(self, *command: Any, folder: Path | None = None) -> str:
        """Runs a command that succeeds; returns its output."""
        status, said = self.try_to_run(*command, folder=folder)
        assert status == 0, said
        return said

    def try_to_run(self, *command: Any, folder: Path | None = None) -> tuple[int, str]:
        result = subprocess.run(
            command,
            cwd=folder or self.folder,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        print(*command, result.stdout, sep="\n")
        return result.returncode, result.stdout

    @property
    def python(self) -> Path:
        return self.folder / "bin/python"

    @property
    def pip(self) -> tuple[Any, ...]:
        return (self.python, self.pip_folder, "--disable-pip-version-check")

    @property
    def pip_install(self) -> tuple[Any, ...]:
        return (*self.pip, "install", "--no-deps")

    @property
    def uv_install(self) -> tuple[Any, ...]:
        return (UV, "pip", "install", "--no-deps", f"--python={self.python}")

    def installed(self) -> dict[str, Any]:
        """Returns the installed wheel's build facts: ACCELERATOR, BUILD (its number), VERSION."""
        (file,) = self.folder.glob("lib/*/site-packages/llama_cpp/_build_info.py")
        return {key: value for key, value in runpy.run_path(str(file)).items() if key.isupper()}

    @property
    def accelerator(self) -> str:
        return self.installed()["ACCELERATOR"]

    def count(self) -> int:
        """Returns how many wheels Bazel has built."""
        return len(stand_in.builds(self.log))


@pytest.fixture(scope="session")
def pip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns pip, unpacked: it is run often, and Python keeps no bytecode of modules in a zip."""
    folder = tmp_path_factory.mktemp("pip")
    with zipfile.ZipFile(os.environ["PIP_WHEEL"]) as wheel:
        wheel.extractall(folder)
    return folder / "pip"


@pytest.fixture
def env(tree, tmp_path: Path, pip_folder: Path) -> Environment:
    folder = tmp_path / "venv"
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", folder], check=True)
    variables = {
        **tree.environment(),
        "PIP_CACHE_DIR": str(tmp_path / "pip cache"),
        "PIP_CONFIG_FILE": os.devnull,
        "UV_CACHE_DIR": str(tmp_path / "uv cache"),
        "UV_NO_CONFIG": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        # Nothing but the index of the test is asked.
        "PIP_INDEX_URL": "file:///nonexistent",
        "UV_DEFAULT_INDEX": "file:///nonexistent",
    }
    return Environment(folder, variables, tree.log, pip_folder)


@pytest.fixture
def sdist(tree, tmp_path: Path) -> Path:
    return tree.out / tree.call("build_sdist", str(tree.out)).value


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def index(sdist: Path, tmp_path: Path) -> Iterator[str]:
    """Address of an index that has the sdist and nothing else."""
    page = tmp_path / "simple" / NAME
    page.mkdir(parents=True)
    shutil.copy(sdist, page)
    (page / "index.html").write_text(f'<!doctype html><a href="{sdist.name}">{sdist.name}</a>')
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()
        thread.join()


def backend(name: str) -> tuple[str, str]:
    return ("-C", f"backend={name}")


# ---- pip, by path


@pytest.mark.parametrize("name", ["a project", "llama_cpp_python-0.3.100"])
def test_pip_path_always_builds(env, tree, name) -> None:
    """Under the name of an unpacked sdist too, for which pip writes the wheel to its cache."""
    root = tree.root.rename(tree.root.parent / name)
    env.run(*env.pip_install, root, *backend("cpu"))
    assert env.accelerator == "cpu"
    env.run(*env.pip_install, root, *backend("stone"))
    assert env.accelerator == "stone"
    (root / "llama_cpp/python.py").write_text("ANSWER = 'changed'\n")
    env.run(*env.pip_install, ".", *backend("stone"), folder=root)
    assert (env.accelerator, env.count()) == ("stone", 3)
    assert env.run(env.python, "-c", "import llama_cpp; print(llama_cpp.ANSWER)") == "changed\n"


def test_pip_archive_always_builds(env, sdist) -> None:
    env.run(*env.pip_install, sdist, *backend("cpu"))
    env.run(*env.pip_install, sdist, *backend("stone"))
    assert (env.accelerator, env.count()) == ("stone", 2)


def test_pip_path_switches_the_label(env, tree) -> None:
    env.run(*env.pip_install, tree.root, "-C", "local-label=one")
    env.run(*env.pip_install, tree.root, "-C", "local-label=two")
    assert env.installed()["VERSION"] == "0.3.100+two"
    assert f"{NAME} 0.3.100+two" in " ".join(env.run(*env.pip, "list").split())


def test_pip_editable_always_builds(env, tree) -> None:
    env.run(*env.pip_install, "-e", tree.root, *backend("cpu"))
    env.run(*env.pip_install, "-e", tree.root, *backend("stone"))
    assert env.accelerator == "stone"
    said = env.run(env.python, "-B", "-c", "import llama_cpp; print(llama_cpp.__file__)")
    assert said == f"{tree.root}/llama_cpp/__init__.py\n"


def test_pip_wheel_for_another_interpreter(env, tree, tmp_path) -> None:
    given = ("-C", "abi=cp313t", "-C", "local-label=auto")
    env.run(*env.pip, "wheel", "--no-deps", "--wheel-dir", tmp_path / "wheels", tree.root, *given)
    (wheel,) = (tmp_path / "wheels").iterdir()
    assert wheel.name == "llama_cpp_python-0.3.100+cpu-cp313-cp313t-linux_x86_64.whl"


def test_pip_refusal_is_the_last_line(env, tree) -> None:
    status, said = env.try_to_run(*env.pip_install, tree.root, "-C", "backend=abacus")
    assert status == 1
    words = "llama-cpp-python: -C backend=abacus is not known; backend is one of auto, stone, cpu,"
    assert words in said
    assert "Traceback" not in said


# ---- pip, by name


def test_pip_name_keeps_what_is_installed(env, index) -> None:
    install = (*env.pip_install, "--index-url", index, NAME)
    env.run(*install, *backend("cpu"))
    assert "already satisfied" in env.run(*install, *backend("stone"))
    assert env.accelerator == "cpu"


@pytest.mark.parametrize(
    "options, accelerator",
    [
        (["--force-reinstall"], "cpu"),
        (["--force-reinstall", "--no-binary", NAME], "cpu"),
        (["--force-reinstall", "--no-cache-dir"], "stone"),
    ],
)
def test_pip_name_takes_the_wheel_of_other_settings(env, index, options, accelerator) -> None:
    install = (*env.pip_install, "--index-url", index, NAME)
    env.run(*install, *backend("cpu"))
    env.run(*install, *backend("stone"), *options)
    assert env.accelerator == accelerator


def test_pip_name_after_the_wheel_left_the_cache(env, index) -> None:
    install = (*env.pip_install, "--index-url", index, NAME)
    env.run(*install, *backend("cpu"))
    env.run(*env.pip, "uninstall", "--yes", NAME)
    env.run(*env.pip, "cache", "remove", "llama_cpp_python")
    env.run(*install, *backend("stone"))
    assert env.accelerator == "stone"


def test_pip_name_refuses_a_label(env, index) -> None:
    """An sdist and its wheel have one version (core metadata 2.2): no label by default."""
    install = (*env.pip_install, "--index-url", index, NAME)
    status, said = env.try_to_run(*install, "-C", "local-label=one")
    assert status == 1
    assert "inconsistent version: expected '0.3.100', but metadata has '0.3.100+one'" in said
    assert env.count() == 0


# ---- uv, by path


def test_uv_path_always_builds(env, tree) -> None:
    env.run(*env.uv_install, tree.root, *backend("cpu"))
    env.run(*env.uv_install, tree.root, *backend("stone"))
    assert env.accelerator == "stone"
    (tree.root / "llama_cpp/python.py").write_text("ANSWER = 'changed'\n")
    env.run(*env.uv_install, tree.root, *backend("stone"))
    assert (env.accelerator, env.count()) == ("stone", 3)
    assert env.run(env.python, "-c", "import llama_cpp; print(llama_cpp.ANSWER)") == "changed\n"


def test_uv_archive_builds_for_each_setting(env, sdist) -> None:
    env.run(*env.uv_install, sdist, *backend("cpu"))
    env.run(*env.uv_install, sdist, *backend("stone"))
    assert (env.accelerator, env.count()) == ("stone", 2)


def test_uv_editable_builds_for_each_setting(env, tree) -> None:
    env.run(*env.uv_install, "-e", tree.root, *backend("cpu"))
    env.run(*env.uv_install, "-e", tree.root, *backend("stone"))
    assert (env.accelerator, env.count()) == ("stone", 2)


# ---- uv, by name


def test_uv_name_keeps_what_is_installed_until_told(env, index) -> None:
    install = (*env.uv_install, "--default-index", index, NAME)
    env.run(*install, *backend("cpu"))
    env.run(*install, *backend("stone"))
    kept = env.accelerator
    env.run(*install, *backend("stone"), "--reinstall")
    assert (kept, env.accelerator, env.count()) == ("cpu", "stone", 2)


def test_uv_name_builds_for_each_setting(env, index) -> None:
    install = (*env.uv_install, "--default-index", index, NAME)
    env.run(*install, *backend("cpu"))
    env.run(UV, "pip", "uninstall", f"--python={env.python}", NAME)
    env.run(*install, *backend("stone"))
    assert (env.accelerator, env.count()) == ("stone", 2)


def test_uv_name_takes_a_label(env, index) -> None:
    install = (*env.uv_install, "--default-index", index, NAME)
    env.run(*install, "-C", "local-label=one")
    assert env.installed()["VERSION"] == "0.3.100+one"


# ---- uv sync

PROJECT = """
[project]
name = "consumer"
version = "1"
requires-python = ">=3.9"
dependencies = ["{requirement}"]

[tool.uv]
# The stand-in's wheel needs nothing; its metadata, written without Bazel, does.
override-dependencies = ["numpy; python_version < '3'", "typing-extensions; python_version < '3'"]
config-settings-package = {{ llama-cpp-python = {{ backend = "{backend}" }} }}

{source}
"""


def sync(env: Environment, folder: Path, source: str, accelerator: str) -> None:
    """Writes the project and syncs it into the environment."""
    folder.mkdir(exist_ok=True)
    text = PROJECT.format(requirement=NAME, backend=accelerator, source=source)
    (folder / "pyproject.toml").write_text(text)
    variables = {**env.variables, "UV_PROJECT_ENVIRONMENT": str(env.folder)}
    # They would also have uv ignore the project's own settings.
    del variables["UV_NO_CONFIG"], variables["UV_DEFAULT_INDEX"]
    env._replace(variables=variables).run(UV, "sync", f"--python={env.python}", folder=folder)


@pytest.fixture
def sources(tree, index) -> dict[str, str]:
    """How a project says where it takes llama-cpp-python from."""
    return {
        "path": f'[tool.uv.sources]\nllama-cpp-python = {{ path = "{tree.root}" }}',
        "editable": (
            f'[tool.uv.sources]\nllama-cpp-python = {{ path = "{tree.root}", editable = true }}'
        ),
        "name": f'[[tool.uv.index]]\nname = "here"\nurl = "{index}"\ndefault = true',
    }


@pytest.mark.parametrize("by", ["path", "editable", "name"])
def test_uv_sync_builds_for_each_setting_once(env, sources, tmp_path, by) -> None:
    for accelerator in ("cpu", "stone", "stone", "cpu"):
        sync(env, tmp_path / "consumer", sources[by], accelerator)
        assert env.accelerator == accelerator
    assert env.count() == 2


def changed_files(root: Path) -> Iterator[Path]:
    """Yields one file of each kind and of each directory, and a new one."""
    files = (root / "MANIFEST").read_text().splitlines()
    files = [name for name in files if not name.startswith("tests/")]
    kinds = {Path(name).suffix or name: name for name in files}
    directories = {name.partition("/")[0]: name for name in files if "/" in name}
    yield from (root / name for name in sorted({*kinds.values(), *directories.values()}))
    yield root / "third_party/llama.cpp/new.bzl"


def test_uv_sync_builds_again_after_a_change_of_any_file(env, tree, sources, tmp_path) -> None:
    """`cache-keys` in pyproject.toml names all that a wheel is made of, and nothing that a build
    leaves behind."""
    sync(env, tmp_path / "consumer", sources["path"], "cpu")
    assert list(tree.root.glob("tools/pep517/__pycache__/*.pyc"))
    for number, file in enumerate(changed_files(tree.root), start=2):
        with file.open("a") as text:
            text.write("\n")
        sync(env, tmp_path / "consumer", sources["path"], "cpu")
        assert env.count() == number, file
        sync(env, tmp_path / "consumer", sources["path"], "cpu")
        assert env.count() == number, file
