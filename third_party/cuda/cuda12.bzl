"""CUDA 12.4: the pins of the toolkit that bazel/offline/rules_cuda puts together.

NVIDIA's wheels of CUDA 12 have headers, libraries and ptxas, and no nvcc, cicc, cudafe++ and
fatbinary. Those are in Debian's package `nvidia-cuda-toolkit` (cuda12_programs.lock.json, in the
component non-free), which is 12.4, so the wheels are too.
"""

load(":pin.bzl", "pin")

CCCL12_VERSION = "12.4.127.post1"

_MANYLINUX = "-py3-none-manylinux2014_x86_64.whl"

# Compiled into libggml-cuda.so (CUB and Thrust).
CCCL12_WHEEL = "nvidia_cuda_cccl_cu12-" + CCCL12_VERSION + _MANYLINUX

# File -> struct(package, prefix, sha256); the prefix is the directory with include and lib.
CUDA12_WHEELS = {
    CCCL12_WHEEL: pin(
        package = "nvidia-cuda-cccl-cu12",
        prefix = "nvidia/cuda_cccl",
        sha256 = "2027fa5fc75fbee703bf24e8275a40a605cf94a3e8fef8a7187897d49b34facb",
    ),
    "nvidia_cublas_cu12-12.4.5.8" + _MANYLINUX: pin(
        package = "nvidia-cublas-cu12",
        prefix = "nvidia/cublas",
        sha256 = "2fc8da60df463fdefa81e323eef2e36489e1c94335b5358bcb38360adf75ac9b",
    ),
    "nvidia_cuda_nvcc_cu12-12.4.131" + _MANYLINUX: pin(
        package = "nvidia-cuda-nvcc-cu12",
        prefix = "nvidia/cuda_nvcc",
        sha256 = "e4c9a35435c3b0e36c6397c5696334c9ea6650e524736cbd1c5d345ea099bb04",
    ),
    "nvidia_cuda_runtime_cu12-12.4.127" + _MANYLINUX: pin(
        package = "nvidia-cuda-runtime-cu12",
        prefix = "nvidia/cuda_runtime",
        sha256 = "64403288fa2136ee8e467cdc9c9427e0434110899d07c779f25b5c068934faa5",
    ),
}

# nvcc's host compiler. CUDA 12.4 takes clang up to 17 (its crt/host_config.h), and its cudafe++
# does not know all that the libc++ of a newer one uses. The objects are linked with the toolchain's
# newer libc++, whose ABI is the same.
CUDA12_ZIG_ARCHIVE = dict(
    executables = ["zig"],
    file = (
        "ziglang-0.12.0-py3-none-manylinux_2_12_x86_64.manylinux2010_x86_64." +
        "musllinux_1_1_x86_64.whl"
    ),
    package = "ziglang",
    sha256 = "0c777f1d5d9be32d0edffc79956d03ed35f868a8db7b0552da0984182aa10ff0",
    strip_prefix = "ziglang",
)

# From the directory `lib` of a package in site-packages to the libraries that the wheels require.
CUDA12_RUN_PATHS = [
    "$ORIGIN/../../nvidia/cublas/lib",
    "$ORIGIN/../../nvidia/cuda_runtime/lib",
]
