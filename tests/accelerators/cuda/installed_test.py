"""The CUDA wheel, installed with the NVIDIA wheels that it requires, without a driver."""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

_SITE = Path(os.environ["SITE"])
_LIBRARY = _SITE / "llama_cpp/lib/libggml-cuda.so"
_DRIVER = "libcuda.so.1"


def _has_driver() -> bool:
    try:
        ctypes.CDLL(_DRIVER)
    except OSError:
        return False
    return True


without_driver = pytest.mark.skipif(_has_driver(), reason="this machine has NVIDIA's driver")


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "always", "-c", code], capture_output=True, text=True
    )


def _resolved() -> dict[str, str]:
    """Returns the needed libraries of the backend, and where the dynamic loader finds them."""
    listing = subprocess.run(["ldd", _LIBRARY], capture_output=True, text=True, check=True).stdout
    return dict(re.findall(r"^\s*(\S+) => (not found|\S+)", listing, flags=re.MULTILINE))


def test_the_wheel_requires_what_it_needs():
    required = importlib.metadata.distribution("llama-cpp-python").requires or []
    names = {re.split(r"[<>=; ]", requirement)[0] for requirement in required}
    assert {"nvidia-cublas", "nvidia-cuda-runtime"} <= names


def test_everything_but_the_driver_is_found_in_site_packages():
    resolved = _resolved()
    for library in ("libcublas.so.13", "libcublasLt.so.13", "libcudart.so.13"):
        assert os.path.samefile(resolved[library], _SITE / "nvidia/cu13/lib" / library)
    assert os.path.samefile(
        resolved["libllama_cpp_python-ggml-base.so"],
        _LIBRARY.parent / "libllama_cpp_python-ggml-base.so",
    )
    assert [name for name, path in resolved.items() if path == "not found"] in ([], [_DRIVER])


@without_driver
def test_importing_costs_one_warning():
    result = _run("import llama_cpp; print([d.backend for d in llama_cpp.devices()])")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "['cpu']\n"
    assert result.stderr.count("RuntimeWarning") == 1
    assert _DRIVER in result.stderr
    assert "driver" in result.stderr


@without_driver
def test_asking_for_cuda_says_what_is_missing():
    result = _run("import llama_cpp; llama_cpp.require_backend('cuda')")
    assert result.returncode == 1
    assert "BackendError" in result.stderr
    assert _DRIVER in result.stderr.splitlines()[-1] or "driver" in result.stderr.splitlines()[-1]
