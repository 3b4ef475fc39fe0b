"""ggml's CUDA backend, compiled by nvcc (rules_cuda), after ggml/src/ggml-cuda/CMakeLists.txt."""

load("@rules_cuda//cuda:defs.bzl", "cuda_library", "requires_cuda")
load("//bazel/toolchains/cuda:defs.bzl", "checked_cuda_library", "cuda_archs")
load("//third_party/cuda:cuda12.bzl", "CUDA12_RUN_PATHS")
load("//third_party/cuda:pin.bzl", "CUDA_RUN_PATHS")
load(":cuda_sources.bzl", "CUDA_CONFIG_COPTS", "cuda_headers", "cuda_sources")
load(":ggml.bzl", "GGML_LOCAL_DEFINES", "source_root")
load(":native_library.bzl", "native_library")

# -O3: rules_cuda's own is -O2, upstream's Release is this.
_COPTS = CUDA_CONFIG_COPTS + [
    "-O3",
    "-std=c++17",
    "-use_fast_math",
    "-extended-lambda",
]

_CUDA12 = Label("//platforms:cuda12")

# As upstream, from CUDA 12.8 on.
_COMPRESSION = select({
    _CUDA12: [],
    "//conditions:default": ["-compress-mode=size"],
})

def _run_path(paths):
    return ["-Wl,-rpath," + ":".join(paths)]

# libc++, which zig brings, is known to work with nvcc but not promised by NVIDIA.
_HOST_DEFINES = ["_ALLOW_UNSUPPORTED_LIBCPP"]

_DEFINES = [
    "GGML_BACKEND_BUILD",
    "GGML_CUDA_PEER_MAX_BATCH_SIZE=128",
    "GGML_CUDA_USE_GRAPHS",
]

def ggml_cuda(name):
    """Declares `ggml-cuda` and `ggml-cuda_checked`, without NCCL: for several GPUs, 200 MB more.

    Args:
      name: name of the library.
    """
    cuda_library(
        name = name + "_objects",
        srcs = cuda_sources() + cuda_headers(),
        alwayslink = True,
        archs = cuda_archs(),
        copts = _COPTS + _COMPRESSION + ["-I{}/ggml/src".format(source_root())],
        host_copts = ["-fvisibility=hidden"],
        host_local_defines = _HOST_DEFINES,
        local_defines = GGML_LOCAL_DEFINES + _DEFINES,
        target_compatible_with = requires_cuda(),
        deps = [
            # Linked from ggml-base (dynamic_deps of native_library).
            ":cuda_config_headers",
            ":ggml_base_objects",
            ":ggml_private_headers",
            "@cuda//:cublas",
            "@cuda//:cuda",
            "@llama_cpp_python//third_party/cuda:glibc_headers",
        ],
    )
    native_library(
        name = name,
        dynamic_deps = ["ggml-base"],
        exports = ["ggml_backend_init"],
        link_flags = select({
            _CUDA12: _run_path(CUDA12_RUN_PATHS),
            "//conditions:default": _run_path(CUDA_RUN_PATHS),
        }),
        target_compatible_with = requires_cuda(),
        deps = [":" + name + "_objects"],
    )
    checked_cuda_library(
        name = name + "_checked",
        archs = cuda_archs(),
        library = ":" + name + "_so",
        target_compatible_with = requires_cuda(),
    )
