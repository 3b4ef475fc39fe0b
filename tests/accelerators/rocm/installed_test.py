"""The ROCm wheel, installed on a machine that has no ROCm."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

_SITE = Path(os.environ["SITE"])
_LIBRARY = _SITE / "llama_cpp/lib/libggml-hip.so"
# Of the user's ROCm; the wheel has nothing of it.
_ROCM = ["libamdhip64.so.6", "libhipblas.so.2"]


def _has_rocm() -> bool:
    try:
        ctypes.CDLL(_ROCM[0])
    except OSError:
        return False
    return True


without_rocm = pytest.mark.skipif(_has_rocm(), reason="this machine has ROCm")


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "always", "-c", code], capture_output=True, text=True
    )


@without_rocm
def test_everything_but_rocm_is_found():
    listing = subprocess.run(["ldd", _LIBRARY], capture_output=True, text=True, check=True).stdout
    resolved = dict(re.findall(r"^\s*(\S+) => (not found|\S+)", listing, flags=re.MULTILINE))
    assert os.path.samefile(
        resolved["libllama_cpp_python-ggml-base.so"],
        _LIBRARY.parent / "libllama_cpp_python-ggml-base.so",
    )
    assert sorted(name for name, path in resolved.items() if path == "not found") == _ROCM


@without_rocm
def test_importing_costs_one_warning():
    result = _run("import llama_cpp; print([d.backend for d in llama_cpp.devices()])")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "['cpu']\n"
    assert result.stderr.count("RuntimeWarning") == 1
    assert f"{_ROCM[0]} is missing" in result.stderr


@without_rocm
def test_asking_for_rocm_says_what_is_missing():
    result = _run("import llama_cpp; llama_cpp.require_backend('rocm')")
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert "BackendError" in last
    assert f"{_ROCM[0]} is missing" in last
    assert "ROCm runtime" in last
