"""The choice of a wheel and of the packages' versions, of .ci/test_wheel.py."""

from __future__ import annotations

import importlib.util
import sysconfig
from pathlib import Path
from types import ModuleType

import pytest

# Two tables as in third_party/test_wheels, with one pin that is elsewhere.
_PINS = """\
load("//somewhere:pin.bzl", "ARCHIVE")

def _pin(archive):
    return {archive["file"]: archive["sha256"]}

TEST_WHEELS = {
    "any": {
        "pytest-9.2.0-py3-none-any.whl": "pytest 0000",
        "typing_extensions-4.16.0-py3-none-any.whl": "typing-extensions 0000",
    } | _pin(ARCHIVE),
    "cp310": {"numpy-2.2.6-cp310-cp310-manylinux_2_17_x86_64.whl": "numpy 0000"},
}
"""
_ABI_PINS = """\
ABI_WHEELS = {
    "cp39": {
        "numpy-2.0.2-cp39-cp39-manylinux_2_17_x86_64.whl": "numpy 0000",
        "pytest-8.4.2-py3-none-any.whl": "pytest 0000",
    },
}
"""


@pytest.fixture(scope="session")
def test_wheel(tree: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("test_wheel", tree / ".ci/test_wheel.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _wheels(folder: Path, *names: str) -> list[Path]:
    paths = [folder / "whl/cpu/llama-cpp-python" / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return paths


def test_the_abi_is_that_of_the_running_python(test_wheel: ModuleType) -> None:
    """PEP 703: an ABI of a build without the GIL ends in `t`, as its SOABI does."""
    soabi = sysconfig.get_config_var("SOABI").split("-")[1]
    assert test_wheel.python_abi() == f"cp{soabi}"


def test_the_wheel_of_an_abi(test_wheel: ModuleType, tmp_path: Path) -> None:
    gil, free = _wheels(
        tmp_path,
        "llama_cpp_python-1.0+cpu-cp314-cp314-win_amd64.whl",
        "llama_cpp_python-1.0+cpu-cp314-cp314t-win_amd64.whl",
    )
    assert test_wheel.find_wheel(tmp_path, "cp314") == gil
    assert test_wheel.find_wheel(tmp_path, "cp314t") == free
    assert test_wheel.find_wheel(free, "cp39") == free


def test_no_wheel_of_an_abi(test_wheel: ModuleType, tmp_path: Path) -> None:
    _wheels(tmp_path, "llama_cpp_python-1.0+cpu-cp314-cp314-win_amd64.whl")
    with pytest.raises(test_wheel.WheelError, match="cp315, and has none\n.*//:wheel_cp315"):
        test_wheel.find_wheel(tmp_path, "cp315")


def test_two_wheels_of_an_abi(test_wheel: ModuleType, tmp_path: Path) -> None:
    _wheels(
        tmp_path,
        "llama_cpp_python-1.0+cpu-cp314-cp314-win_amd64.whl",
        "llama_cpp_python-1.1+cpu-cp314-cp314-win_amd64.whl",
    )
    with pytest.raises(test_wheel.WheelError, match=r"has llama_.*1\.0.*, llama_.*1\.1"):
        test_wheel.find_wheel(tmp_path, "cp314")


def test_versions_of_an_abi(test_wheel: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "pins.bzl").write_text(_PINS)
    (tmp_path / "abi_wheels.bzl").write_text(_ABI_PINS)
    shared = {"pytest": "9.2.0", "typing-extensions": "4.16.0"}
    assert test_wheel.pins("cp312", tmp_path) == shared
    assert test_wheel.pins("cp310", tmp_path) == {**shared, "numpy": "2.2.6"}
    assert test_wheel.pins("cp39", tmp_path) == {
        **shared,
        "numpy": "2.0.2",
        "pytest": "8.4.2",
    }


def test_every_abi_has_pins_of_the_packages_it_needs(test_wheel: ModuleType) -> None:
    for abi in ("cp39", "cp310", "cp314", "cp314t", "cp315t"):
        assert {"gguf", "numpy", "pytest"} <= test_wheel.pins(abi).keys()


def test_a_missing_wheel_is_one_message(test_wheel: ModuleType, tmp_path: Path, capsys) -> None:
    assert test_wheel.main([str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"test_wheel: {tmp_path} should have one wheel of")
