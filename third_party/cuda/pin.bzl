"""The CUDA toolkit in NVIDIA's wheels, the last resort of bazel/offline/rules_cuda.

llama.cpp's own releases are built with CUDA 13.4.1, and 13.4 is the first that takes zig's clang 22
for a host compiler. The versions are those that the package `cuda-toolkit` 13.4.1 names.
"""

# Directory of the wheels that holds the tree.
CUDA_TOOLKIT_PREFIX = "nvidia/cu13"

def pin(package, sha256, prefix = CUDA_TOOLKIT_PREFIX):
    """Returns the pin of one of NVIDIA's wheels.

    Args:
      package: its name.
      sha256: that of the file.
      prefix: directory of the wheel that holds its part of the tree.
    """
    return struct(package = package, prefix = prefix, sha256 = sha256)

# Compiled into libggml-cuda.so (CUB and Thrust).
CCCL_VERSION = "13.3.4.2.1"
CCCL_WHEEL = "nvidia_cuda_cccl-{}-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl".format(
    CCCL_VERSION,
)

# Machine that compiles -> file -> struct(package, prefix, sha256).
CUDA_TOOLKIT_WHEELS = {
    "linux_x86_64": {
        CCCL_WHEEL: pin(
            package = "nvidia-cuda-cccl",
            sha256 = "4a78adf03982c941708aa9cc7967d73370a9c59ad1ac4e63a1ca7509bc54e392",
        ),
        "nvidia_cublas-13.7.0.27-py3-none-manylinux_2_27_x86_64.whl": pin(
            package = "nvidia-cublas",
            sha256 = "481adf76a6b7585a7a4cd5f53298589abe207415dd584887751b99baa85491d4",
        ),
        "nvidia_cuda_crt-13.4.59-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl": pin(
            package = "nvidia-cuda-crt",
            sha256 = "32a48e6b08d1c00f10068edd2e212b9c0e9a1a784a0403cdd715fa81551759f9",
        ),
        "nvidia_cuda_nvcc-13.4.59-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl": pin(
            package = "nvidia-cuda-nvcc",
            sha256 = "5a02c4a5beb1cc19a56148c0384c2ef7c2699259308ae41fc32ddab3976b51ce",
        ),
        "nvidia_cuda_runtime-13.4.49-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl": pin(
            package = "nvidia-cuda-runtime",
            sha256 = "0b228cc646acda27e9b512b8b94417c3ff8b3d24a0ad9b1d6603dc6c2a908046",
        ),
        "nvidia_nvvm-13.4.59-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl": pin(
            package = "nvidia-nvvm",
            sha256 = "5b21e81ca57ca15b13d75866de7d45e524eaba2fb418738d2bac5509e9a0e502",
        ),
    },
}

# The same once more, for its licence: with another toolkit than the wheels' there is no
# @cuda_toolkit.
CCCL_ARCHIVE = dict(
    build_file_content = "exports_files([\"LICENSE\"])",
    file = CCCL_WHEEL,
    package = "nvidia-cuda-cccl",
    sha256 = CUDA_TOOLKIT_WHEELS["linux_x86_64"][CCCL_WHEEL].sha256,
    strip_prefix = CUDA_TOOLKIT_PREFIX + "/cccl",
)

# Reads back a library's GPU architectures.
CUOBJDUMP_ARCHIVES = {
    "cuobjdump_linux_x86_64": dict(
        build_file_content = "exports_files([\"bin/cuobjdump\"])",
        executables = ["bin/cuobjdump"],
        file = "nvidia_cuda_cuobjdump-13.4.49-py3-none-manylinux2014_x86_64." +
               "manylinux_2_17_x86_64.whl",
        package = "nvidia-cuda-cuobjdump",
        sha256 = "70fae3b43a4c3f403654e9a41ff91cefa90095d477daa17769ace84a5477a0d1",
        strip_prefix = CUDA_TOOLKIT_PREFIX,
    ),
}

# Tests install our wheels with these.
NVIDIA_WHEELS = {
    file: "{} {}".format(pin.package, pin.sha256)
    for file, pin in CUDA_TOOLKIT_WHEELS["linux_x86_64"].items()
    if pin.package in ["nvidia-cublas", "nvidia-cuda-runtime"]
}

# From the directory `lib` of a package in site-packages to the libraries that the wheels require
# (`requires` in //platforms:accelerators.bzl), which find each other by it.
CUDA_RUN_PATHS = ["$ORIGIN/../../nvidia/cu13/lib"]
