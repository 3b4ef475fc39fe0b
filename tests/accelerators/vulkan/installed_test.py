"""The Vulkan backend of installed wheels, on Mesa's lavapipe: a driver that computes on the CPU, so
no GPU is needed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

_DRIVER = Path(os.environ["LAVAPIPE"])
_MODELS = Path(os.environ["LLAMA_TEST_MODELS_DIR"])
_CHILD = Path(__file__).with_name("vulkan_child.py")

# Bounds of the root mean square of the difference over that of the logits, twice the observed
# values. Vulkan adds up in 16 bits, where 0.013 is seen, also for F16 weights: with sums of 32 bits
# it is 0.001. For quantised weights the CPU rounds activations to 8 bits; that alone makes 0.025.
_TOLERANCES = {"f32": 0.003, "f16": 0.025, "q8_0": 0.05, "q4_0": 0.05, "q4_k": 0.05}
_TYPES = os.environ["VULKAN_TEST_TYPES"].split()


@dataclass(frozen=True)
class Run:
    """The results of vulkan_child.py: devices, logits, and the part of the log of each model."""

    devices: list[dict]
    logits: dict[str, np.ndarray]
    logs: dict[str, str]


def _environment(folder: Path) -> dict[str, str]:
    """Returns the environment of a machine whose only Vulkan driver is lavapipe."""
    # ggml leaves out devices that are CPUs unless they are named.
    environment = {**os.environ, "GGML_VK_VISIBLE_DEVICES": "0", "HOME": str(folder)}
    manifest = folder / "lavapipe.json"
    icd = {"api_version": "1.3.230", "library_path": str(_DRIVER)}
    manifest.write_text(json.dumps({"ICD": icd, "file_format_version": "1.0.0"}))
    environment |= {"VK_DRIVER_FILES": str(manifest), "VK_ICD_FILENAMES": str(manifest)}
    # A directory of its own, so that Python does not find other libraries of the packages.
    libraries = folder / "loader"
    libraries.mkdir()
    (libraries / "libvulkan.so.1").symlink_to(_DRIVER.with_name("libvulkan.so.1"))
    return environment | {"LD_LIBRARY_PATH": str(libraries)}


def _python(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "always", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def _difference(found: np.ndarray, expected: np.ndarray) -> float:
    assert np.isfinite(found).all()
    return float(np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2)))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("vulkan")
    out = folder / "logits.npz"
    arguments = [str(_CHILD), str(_MODELS), str(out), *_TYPES]
    result = _python(arguments, _environment(folder))
    assert result.returncode == 0, result.stderr
    with np.load(out) as logits:
        _, *parts = re.split(r"^## (.*)$", result.stderr, flags=re.MULTILINE)
        logs = dict(zip(parts[::2], parts[1::2]))
        return Run(json.loads(result.stdout.splitlines()[-1]), dict(logits), logs)


def test_the_device_is_listed(run: Run) -> None:
    (device,) = [device for device in run.devices if device["name"].startswith("Vulkan")]
    assert device["name"] == "Vulkan0"
    assert "llvmpipe" in device["description"]
    assert device["backend"] == "vulkan"


@pytest.mark.parametrize("qtype", _TYPES)
def test_layers_are_offloaded(run: Run, qtype: str) -> None:
    log = run.logs[f"{qtype} vulkan"]
    # Two layers, and the one that makes the logits.
    assert "offloaded 3/3 layers to GPU" in log
    (size,) = re.findall(r"Vulkan0 model buffer size = +([\d.]+) MiB", log)
    assert float(size) > 1
    assert "Vulkan0 KV buffer size" in log


@pytest.mark.parametrize("qtype", _TYPES)
def test_nothing_is_offloaded_unasked(run: Run, qtype: str) -> None:
    log = run.logs[f"{qtype} cpu"]
    assert "offloaded 0/3 layers to GPU" in log
    assert "Vulkan0 model buffer" not in log


@pytest.mark.parametrize("qtype", _TYPES)
def test_logits_are_those_of_the_cpu(run: Run, qtype: str) -> None:
    error = _difference(run.logits[f"{qtype} vulkan"], run.logits[f"{qtype} cpu"])
    print(f"{qtype}: the logits differ by {error:.5f}")
    # Equal logits would mean that one of the two ran twice.
    assert 0 < error <= _TOLERANCES[qtype]


@pytest.mark.parametrize("qtype", [qtype for qtype in _TYPES if qtype.startswith("q4")])
def test_another_rounding_of_the_weights_would_show(run: Run, qtype: str) -> None:
    # All models have the same weights before rounding.
    error = _difference(run.logits[f"{qtype} vulkan"], run.logits["f32 cpu"])
    assert error > 4 * _TOLERANCES[qtype]
