"""CUDA beside rules_cuda: the wheels' architectures, and the check that a library has them."""

load(
    "//bazel/toolchains/cuda/private:checked_cuda_library.bzl",
    _checked_cuda_library = "checked_cuda_library",
)
load(":archs.bzl", _cuda_archs = "cuda_archs")

checked_cuda_library = _checked_cuda_library
cuda_archs = _cuda_archs
