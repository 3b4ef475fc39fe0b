"""ggml's HIP backend: CUDA's sources for AMD's GPUs, after ggml/src/ggml-hip/CMakeLists.txt."""

load("//bazel/toolchains/hip:defs.bzl", "checked_hip_library", "hip_library", "requires_rocm")
load(":cuda_sources.bzl", "CUDA_CONFIG_COPTS", "cuda_headers", "cuda_sources")
load(":ggml.bzl", "GGML_LOCAL_DEFINES", "source_root")
load(":native_library.bzl", "NATIVE_COPTS", "NATIVE_CXX_STANDARD", "native_library")

# Graphs as upstream's releases have them. Without virtual memory management, which ROCm has on few
# GPUs, memory is pooled.
_DEFINES = [
    "GGML_BACKEND_BUILD",
    "GGML_CUDA_PEER_MAX_BATCH_SIZE=128",
    "GGML_HIP_GRAPHS",
    "GGML_HIP_NO_VMM",
    "GGML_USE_HIP",
]

# HIP's headers specialise a template that newer libc++ do not have.
_LIBCXX_COPTS = ["-include", "libcxx.h"]

def ggml_hip(name):
    """Declares `ggml-hip` and `ggml-hip_checked`. RCCL is left out: it serves several GPUs.

    Args:
      name: name of the library.
    """
    hip_library(
        name = name + "_objects",
        srcs = cuda_sources() + cuda_headers(),
        alwayslink = True,
        copts = NATIVE_COPTS + NATIVE_CXX_STANDARD + _LIBCXX_COPTS + CUDA_CONFIG_COPTS + [
            "-I{}/ggml/src".format(source_root()),
        ],
        local_defines = GGML_LOCAL_DEFINES + _DEFINES,
        target_compatible_with = requires_rocm(),
        deps = [
            # Linked from ggml-base (dynamic_deps of native_library).
            ":cuda_config_headers",
            ":ggml_base_objects",
            ":ggml_private_headers",
            "@llama_cpp_python//third_party/rocm:amdhip64",
            "@llama_cpp_python//third_party/rocm:hipblas",
            "@llama_cpp_python//third_party/rocm:libcxx_headers",
        ],
    )
    native_library(
        name = name,
        dynamic_deps = ["ggml-base"],
        exports = ["ggml_backend_init"],
        target_compatible_with = requires_rocm(),
        deps = [":" + name + "_objects"],
    )
    checked_hip_library(
        name = name + "_checked",
        library = ":" + name + "_so",
        target_compatible_with = requires_rocm(),
    )
