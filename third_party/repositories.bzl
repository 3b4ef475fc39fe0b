"""Every third-party repository, by the pins beside this file, for //bazel/repositories."""

load("//bazel/debian:debian_packages.bzl", "debian_packages")
load("//bazel/pip:pip_archive.bzl", "pip_archive")
load("//bazel/pip:pip_files.bzl", "pip_files")
load("//bazel/toolchains/hip:rocm_repository.bzl", "rocm_repository")
load("//third_party/cache_servers:packages.bzl", "CACHE_SERVER_PACKAGES")
load("//third_party/ci_tools:pin.bzl", "CI_TOOL_ARCHIVES")
load("//third_party/cuda:pin.bzl", "CCCL_ARCHIVE", "CUOBJDUMP_ARCHIVES", "NVIDIA_WHEELS")
load("//third_party/griffe:pin.bzl", "GRIFFE_ARCHIVE")
load("//third_party/libasan:packages.bzl", "LIBASAN_PACKAGES")
load("//third_party/libfuzzer:packages.bzl", "LIBFUZZER_PACKAGES")
load("//third_party/llama.cpp:pin.bzl", "LLAMA_CPP_ARCHIVE")
load("//third_party/macos_sdk:macos_sdk.bzl", "macos_sdk")
load("//third_party/musl:packages.bzl", "MUSL_PACKAGES")
load("//third_party/packaging:pin.bzl", "PACKAGING_ARCHIVE")
load("//third_party/pybind11:pin.bzl", "PYBIND11_ARCHIVE")
load("//third_party/pyelftools:pin.bzl", "PYELFTOOLS_ARCHIVE")
load("//third_party/qemu:packages.bzl", "QEMU_PACKAGES")
load("//third_party/rocm:packages.bzl", "ROCM_PACKAGES")
load("//third_party/rules_cc:rules_cc_bzl.bzl", "rules_cc_bzl")
load("//third_party/test_wheels:abi_wheels.bzl", "ABI_WHEELS", "abi_wheels_repository")
load("//third_party/test_wheels:freezers.bzl", "FREEZER_WHEELS")
load("//third_party/test_wheels:fuzzers.bzl", "FUZZERS", "fuzzer_repository")
load("//third_party/test_wheels:pins.bzl", "PIP_WHEEL", "TEST_WHEELS", "test_wheels_repository")
load("//third_party/test_wheels:wheel_tools.bzl", "WHEEL_TOOLS", "wheel_tools_repository")
load("//third_party/uv:pin.bzl", "UV_ARCHIVES")
load("//third_party/vulkan:packages.bzl", "VULKAN_PACKAGES")
load(
    "//third_party/windows_python:pins.bzl",
    "WINDOWS_PYTHONS",
    "WINDOWS_WHEELS",
    "windows_python_repository",
    "windows_wheels_repository",
)
load("//third_party/zig:pin.bzl", "ZIG_ARCHIVES")

def declare_third_party():
    """Declares the repositories of sources, compilers, libraries and test tools."""
    pip_archive(name = "cccl", **CCCL_ARCHIVE)
    pip_archive(name = "griffe", **GRIFFE_ARCHIVE)
    pip_archive(name = "llama_cpp", **LLAMA_CPP_ARCHIVE)
    pip_archive(name = "packaging", **PACKAGING_ARCHIVE)
    pip_archive(name = "pybind11", **PYBIND11_ARCHIVE)
    pip_archive(name = "pyelftools", **PYELFTOOLS_ARCHIVE)
    archives = CI_TOOL_ARCHIVES | CUOBJDUMP_ARCHIVES | UV_ARCHIVES | ZIG_ARCHIVES
    for name, archive in archives.items():
        pip_archive(name = name, **archive)
    pip_files(name = "freezer_wheels", files = FREEZER_WHEELS)
    pip_files(name = "nvidia_wheels", files = NVIDIA_WHEELS)
    pip_files(name = "pip_wheel", files = PIP_WHEEL)
    for abi_tag, files in TEST_WHEELS.items():
        pip_files(name = test_wheels_repository(abi_tag), files = files)
    for abi_tag, files in ABI_WHEELS.items():
        pip_files(name = abi_wheels_repository(abi_tag), files = files)
    for abi_tag, files in FUZZERS.items():
        pip_files(name = fuzzer_repository(abi_tag), files = files)
    for abi_tag, files in WHEEL_TOOLS.items():
        pip_files(name = wheel_tools_repository(abi_tag), files = files)
    for abi, archive in WINDOWS_PYTHONS.items():
        pip_archive(name = windows_python_repository(abi), **archive)
    for abi, files in WINDOWS_WHEELS.items():
        pip_files(name = windows_wheels_repository(abi), files = files)
    for packages in [
        CACHE_SERVER_PACKAGES,
        LIBASAN_PACKAGES,
        LIBFUZZER_PACKAGES,
        MUSL_PACKAGES,
        QEMU_PACKAGES,
        ROCM_PACKAGES,
        VULKAN_PACKAGES,
    ]:
        for name, attributes in packages.items():
            debian_packages(name = name, **attributes)
    macos_sdk(name = "macos_sdk")
    rocm_repository(name = "rocm")
    rules_cc_bzl(name = "rules_cc_bzl")
