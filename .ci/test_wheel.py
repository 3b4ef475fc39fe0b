"""Tests a wheel on the machine that it is for, without Bazel.

A virtual environment gets the wheel, and the packages that the suites import, in the versions of
third_party/test_wheels; then pytest runs suites of tests/package. Needs a checkout of the project
and a Python index.
"""

from __future__ import annotations

import argparse
import ast
import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_SUITES = _ROOT / "tests/package"
_MODELS = _ROOT / "tests/models"
_HELPERS = _ROOT / "bazel/testing"
_COMPARE = _ROOT / "tests/accelerators/gpu/compare_with_cpu.py"

# Packages that the suites and random_models.py import.
_PACKAGES = ("diskcache", "gguf", "numpy", "pytest")


class WheelError(Exception):
    """No wheel can be tested; the message has a line with the next step."""


def python_abi() -> str:
    """Returns the ABI tag (PEP 425) of the running Python, such as `cp314t`."""
    free_threaded = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    return f"cp{sys.version_info[0]}{sys.version_info[1]}{free_threaded}"


def find_wheel(path: Path, abi: str) -> Path:
    """Returns the one wheel of an ABI: `path`, or a file below that directory.

    Raises:
        WheelError: there is none, or more than one.
    """
    if path.is_file():
        return path
    found = sorted(path.glob(f"**/llama_cpp_python-*-*-{abi}-*.whl"))
    if len(found) != 1:
        names = ", ".join(wheel.name for wheel in found) or "none"
        raise WheelError(
            f"{path} should have one wheel of {abi}, and has {names}\n"
            f"name one, or build it: ./bazelw build //:wheel_{abi}"
        )
    return found[0]


def pins(abi: str, directory: Path = _ROOT / "third_party/test_wheels") -> dict[str, str]:
    """Returns package -> version that the tests of an ABI are pinned to."""
    versions: dict[str, str] = {}
    for name, constant in (("pins.bzl", "TEST_WHEELS"), ("abi_wheels.bzl", "ABI_WHEELS")):
        table = _dictionary(directory / name, constant)
        for tag in ("any", abi):
            versions.update(_versions(table[tag]) if tag in table else {})
    return versions


def _dictionary(path: Path, constant: str) -> dict[str, ast.expr]:
    """Returns key -> expression of a dictionary of a Starlark file, which Python can parse."""
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == constant:
            assert isinstance(statement.value, ast.Dict)
            return {
                ast.literal_eval(key): value
                for key, value in zip(statement.value.keys, statement.value.values)
                if key
            }
    raise AssertionError(f"{path} has no {constant}")


def _versions(files: ast.expr) -> dict[str, str]:
    """Returns package -> version out of `{"name-version-....whl": "package sha256"}`."""
    return {
        ast.literal_eval(value).split()[0]: ast.literal_eval(key).split("-")[1]
        for table in ast.walk(files)
        if isinstance(table, ast.Dict)
        for key, value in zip(table.keys, table.values)
        if key
    }


def _make_environment(directory: Path, wheel: Path) -> Path:
    """Returns the Python of a new virtual environment with the wheel and the packages."""
    venv.create(directory, with_pip=True)
    python = directory / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    constraints = directory / "constraints.txt"
    versions = pins(python_abi())
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in versions.items()))
    # Without a compiler an archive of sources is of no use.
    install = ["-m", "pip", "install", "--only-binary=:all:", f"--constraint={constraints}"]
    subprocess.run([python, *install, wheel, *_PACKAGES], check=True)
    return python


def _test_environment(scratch: Path) -> dict[str, str]:
    """Returns the variables that the suites read (bazel/testing/wheel_fixtures.py)."""
    examples = sorted((_ROOT / "examples/python").glob("*.py"))
    return {
        **os.environ,
        "EXAMPLES": " ".join(map(str, examples)),
        "LLAMA_TEST_MODEL": str(_MODELS / "kjv-q8_0.gguf"),
        "LLAMA_TEST_MODELS_DIR": str(scratch / "models"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join([str(_SUITES), str(_HELPERS)]),
        # Messages of tests are not only ASCII, unlike the code page of a Windows console.
        "PYTHONUTF8": "1",
    }


def run_suites(wheel: Path, suites: list[str], backend: str) -> int:
    """Returns the exit code of pytest, and if that is 0, of the comparison with the CPU.

    Args:
        wheel: The wheel.
        suites: Names of files of tests/package, without suffix; none for all.
        backend: Accelerator whose logits are compared with those of the CPU; empty for none.
    """
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        python = _make_environment(scratch / "environment", wheel)
        # Not the checkout, whose llama_cpp/ would be imported in the place of the wheel's.
        empty = scratch / "empty"
        empty.mkdir()
        environment = _test_environment(scratch)
        make_models = [python, _MODELS / "random_models.py", "--out", scratch / "models"]
        subprocess.run(make_models, check=True, cwd=empty, env=environment)
        files = [_SUITES / f"{suite}.py" for suite in suites]
        pytest = [python, "-m", "pytest", "-p", "no:cacheprovider", "--import-mode=importlib"]
        pytest += ["-rs", f"--rootdir={_SUITES}", *(files or sorted(_SUITES.glob("*_test.py")))]
        failed = subprocess.call(pytest, cwd=empty, env=environment)
        if failed or not backend:
            return failed
        compare = [python, _COMPARE, "--backend", backend, "--models", scratch / "models"]
        return subprocess.call([*compare, "--no-speed"], cwd=empty, env=environment)


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="test_wheel.py", description=__doc__)
    parser.add_argument(
        "wheel", type=Path, help="the wheel, or a directory with one for the Python that runs this"
    )
    parser.add_argument(
        "suites", nargs="*", metavar="SUITE", help="such as chat_test; all if none is named"
    )
    parser.add_argument(
        "--backend", default="", help="accelerator of this machine, to be compared with its CPU"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Returns the exit code: that of the tests, or 1 without a wheel."""
    options = _arguments(arguments)
    try:
        wheel = find_wheel(options.wheel, python_abi())
    except WheelError as error:
        print(f"test_wheel: {error}", file=sys.stderr)
        return 1
    print(f"testing {wheel.name} on {sysconfig.get_platform()}", flush=True)
    return run_suites(wheel, options.suites, options.backend)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
