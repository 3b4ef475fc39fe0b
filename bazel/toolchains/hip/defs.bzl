"""HIP: sources for AMD's GPUs, compiled by clang into libraries of the C++ toolchain."""

load(
    "//bazel/toolchains/hip/private:archs.bzl",
    _HIP_RELEASE_ARCHS = "HIP_RELEASE_ARCHS",
    _hip_archs_flag = "hip_archs_flag",
)
load(
    "//bazel/toolchains/hip/private:checked_hip_library.bzl",
    _checked_hip_library = "checked_hip_library",
)
load("//bazel/toolchains/hip/private:hip_library.bzl", _hip_library = "hip_library")
load(
    "//bazel/toolchains/hip/private:toolkit.bzl",
    _HipToolkitInfo = "HipToolkitInfo",
    _hip_toolkit = "hip_toolkit",
)

HIP_RELEASE_ARCHS = _HIP_RELEASE_ARCHS
HipToolkitInfo = _HipToolkitInfo
checked_hip_library = _checked_hip_library
hip_archs_flag = _hip_archs_flag
hip_library = _hip_library
hip_toolkit = _hip_toolkit

def requires_rocm():
    """Returns `target_compatible_with` constraints for targets of HIP sources.

    The toolkit itself, which every hip_library depends on, reports whether this machine has it.
    """
    return [
        "@platforms//cpu:x86_64",
        "@platforms//os:linux",
    ]
