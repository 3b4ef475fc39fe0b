"""Backends in the wheel: each reason for having none, produced; one warning, and the CPU stays."""

from __future__ import annotations

import ctypes
import os

import pytest
from conftest import GIB, Installation
from package_copy import USE

MEMORY = str(2 * GIB)


def _is_installed(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


no_cuda_driver = pytest.mark.skipif(
    _is_installed("libcuda.so.1"), reason="this machine has an NVIDIA driver"
)
no_rocm_driver = pytest.mark.skipif(
    os.path.exists("/dev/kfd"), reason="this machine has an AMD driver"
)


def assert_one_warning(answer, name: str, *words: str) -> None:
    (warning,) = answer.warnings
    assert f"without its {name} backend" in warning and "on the CPU" in warning
    for word in words:
        assert word in warning


# ---- a backend that works


@pytest.mark.parametrize(
    ("ggml_name", "name"), [("cuda", "cuda"), ("hip", "rocm"), ("vulkan", "vulkan")]
)
def test_a_backend_with_a_device(installation: Installation, ggml_name: str, name: str) -> None:
    installation.add_backend(ggml_name)
    answer = installation.ask(name, STAND_IN_MEMORY=MEMORY)
    assert (answer.reason, answer.warnings) == ("", [])


def test_devices_are_records(installation: Installation) -> None:
    installation.add_backend("cuda")
    done = installation.run(
        "import llama_cpp\n"
        "cpu, first, second = llama_cpp.devices()\n"
        "assert cpu.type == cpu.backend == 'cpu' and 0 < cpu.memory_free <= cpu.memory_total\n"
        "assert all(isinstance(device, llama_cpp.Device) for device in (cpu, first, second))\n"
        "print(*first, sep='|'); print(*second, sep='|')",
        STAND_IN_MEMORY=f"{GIB} {2 * GIB}",
    )
    assert done.stdout.splitlines() == [
        f"StandIn0|not a real GPU|cuda|gpu|{GIB}|{2 * GIB}",
        f"StandIn1|not a real GPU|cuda|gpu|{2 * GIB}|{4 * GIB}",
    ], done.stderr


def test_the_cpu_is_a_backend(installation: Installation) -> None:
    assert installation.ask("cpu").reason == ""
    assert installation.ask("CPU").reason == ""


# ---- no such backend


def test_unknown_name(installation: Installation) -> None:
    answer = installation.ask("gpu")
    assert answer.reason == "unknown" and answer.warnings == []
    assert answer.message.endswith("take one of cpu, cuda, metal, rocm, vulkan.")


@pytest.mark.parametrize(("name", "extra"), [("cuda", "cuda13"), ("rocm", "rocm6")])
def test_not_in_this_wheel(installation: Installation, name: str, extra: str) -> None:
    answer = installation.ask(name)
    assert answer.reason == "absent" and answer.warnings == []
    assert f"no {name} backend" in answer.message
    assert f"pip install 'llama-cpp-python[{extra}]==" in answer.message


# ---- it does not load


@pytest.mark.parametrize(
    ("name", "library", "fix"),
    [
        ("cuda", "libcudart.so.99", "pip install --force-reinstall llama-cpp-python"),
        ("vulkan", "libvulkan.so.9", "libvulkan1"),
        ("hip", "libamdhip64.so.9", "ROCm runtime"),
        ("cuda", "libother.so.9", "install it"),
    ],
)
def test_a_missing_library(
    installation: Installation, model_path: str, name: str, library: str, fix: str
) -> None:
    installation.add_backend(name, needs=library)
    name = {"hip": "rocm"}.get(name, name)
    answer = installation.ask(name)
    assert answer.reason == "library"
    assert f"{library} is missing" in answer.message and fix in answer.message
    assert_one_warning(answer, name, f"{library} is missing", fix)
    assert answer.stderr == ""
    assert installation.run(USE, model_path).returncode == 0


def test_no_library_at_all(installation: Installation) -> None:
    installation.add_backend("vulkan").write_bytes(b"no library")
    answer = installation.ask("vulkan")
    assert answer.reason == "library"
    assert_one_warning(answer, "vulkan", "libggml-vulkan.so", "pip install --force-reinstall")


def test_a_backend_of_another_ggml(installation: Installation) -> None:
    installation.add_backend("cuda")
    answer = installation.ask("cuda", STAND_IN_INIT="old")
    assert answer.reason == "library"
    assert_one_warning(answer, "cuda", "incompatible API version", "pip install --force-reinstall")


def test_a_backend_that_refuses(installation: Installation) -> None:
    installation.add_backend("cuda")
    answer = installation.ask("cuda", STAND_IN_INIT="null")
    assert answer.reason == "library"
    assert_one_warning(answer, "cuda", "returned NULL")


# ---- no driver, no device


@no_cuda_driver
def test_the_missing_library_is_the_drivers(installation: Installation) -> None:
    installation.add_backend("cuda", needs="libcuda.so.1")
    answer = installation.ask("cuda")
    assert answer.reason == "driver"
    assert "libcuda.so.1" in answer.message and "nvidia-smi" in answer.message
    assert_one_warning(answer, "cuda", "libcuda.so.1", "nvidia-smi")


def test_vulkan_refuses_without_a_driver(installation: Installation) -> None:
    installation.add_backend("vulkan")
    answer = installation.ask("vulkan", STAND_IN_INIT="null")
    assert answer.reason == "driver"
    assert_one_warning(answer, "vulkan", "mesa-vulkan-drivers")


def test_the_driver_is_too_old(installation: Installation) -> None:
    installation.add_backend("cuda")
    env = installation.add_library("libcuda.so.1")
    said = "failed to initialize CUDA: CUDA driver version is insufficient for CUDA runtime version"
    answer = installation.ask("cuda", STAND_IN_COMPLAINT=said, **env)
    assert answer.reason == "driver"
    assert said in answer.message
    # It belongs to the message, not into the log of every program.
    assert answer.stderr == "" and answer.warnings == []


@no_cuda_driver
def test_cuda_loads_without_a_driver(installation: Installation) -> None:
    installation.add_backend("cuda")
    assert installation.ask("cuda").reason == "driver"


@no_rocm_driver
def test_rocm_loads_without_a_driver(installation: Installation) -> None:
    installation.add_backend("hip")
    answer = installation.ask("rocm")
    assert answer.reason == "driver" and "/dev/kfd" in answer.message


def test_no_device(installation: Installation) -> None:
    installation.add_backend("cuda")
    env = installation.add_library("libcuda.so.1")
    said = "failed to initialize CUDA: no CUDA-capable device is detected"
    answer = installation.ask("cuda", STAND_IN_COMPLAINT=said, **env)
    assert answer.reason == "device"
    assert said in answer.message and "CUDA_VISIBLE_DEVICES" in answer.message


def test_no_device_names_the_variable_of_the_backend(installation: Installation) -> None:
    installation.add_backend("vulkan")
    answer = installation.ask("vulkan")
    assert answer.reason == "device"
    assert "GGML_VK_VISIBLE_DEVICES" in answer.message and "CUDA" not in answer.message


# ---- LLAMA_CPP_REQUIRE_BACKEND


def test_a_required_backend_is_raised_at_first_use(
    installation: Installation, model_path: str
) -> None:
    env = {"LLAMA_CPP_REQUIRE_BACKEND": "cuda"}
    assert installation.run("import llama_cpp", **env).stderr == ""
    done = installation.run(USE, model_path, **env)
    assert done.returncode == 3
    assert "LLAMA_CPP_REQUIRE_BACKEND=cuda: this installation has no cuda backend" in done.stdout
    info = installation.info(**env)
    assert info["status"] == 1
    assert info["errors"][0].startswith("LLAMA_CPP_REQUIRE_BACKEND=cuda: ")


def test_a_required_backend_that_is_there(installation: Installation, model_path: str) -> None:
    installation.add_backend("cuda")
    env = {"LLAMA_CPP_REQUIRE_BACKEND": "cuda", "STAND_IN_MEMORY": MEMORY}
    assert installation.run(USE, model_path, **env).returncode == 0
    assert installation.info(**env)["status"] == 0


# ---- info


def test_info_shows_every_backend(installation: Installation) -> None:
    installation.add_backend("cuda")
    installation.add_backend("vulkan", needs="libvulkan.so.9")
    env = {"STAND_IN_MEMORY": MEMORY}
    cuda, vulkan = installation.info(**env)["backends"]
    assert (cuda["backend"], cuda["state"], cuda["registry"]) == ("cuda", "loaded", "StandIn")
    assert (cuda["devices"], cuda["problem"]) == (["StandIn0"], "")
    assert cuda["library"] == str(installation.lib / "libggml-cuda.so")
    assert (vulkan["backend"], vulkan["state"], vulkan["devices"]) == ("vulkan", "failed", [])
    assert "libvulkan.so.9" in vulkan["reason"] and "libvulkan.so.9" in vulkan["problem"]
    text = installation.run("from llama_cpp.__main__ import main; main(['info'])", **env).stdout
    assert "Backend cuda of this wheel: loaded" in text and "devices    StandIn0" in text
    assert "Backend vulkan of this wheel: failed" in text and "libvulkan.so.9 is missing" in text
