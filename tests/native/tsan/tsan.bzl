"""C++ targets that are compiled with ThreadSanitizer."""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("//bazel/toolchains/zig:runtime.bzl", "zig_runtime")

# Where it is built and run.
TSAN_PLATFORM = [
    "@platforms//cpu:x86_64",
    "@platforms//os:linux",
]

_COPTS = [
    "-std=c++17",
    "-fsanitize=thread",
    # Lines in the reports.
    "-g1",
]

def tsan_runtime(name):
    """Declares ThreadSanitizer's library, and the C++ runtime compiled with it, for `tsan_binary`.

    Args:
      name: name of the target.
    """
    zig_runtime(
        name = name,
        sanitizer = "thread",
        target = "x86_64-linux-gnu.2.17",
        target_compatible_with = TSAN_PLATFORM,
        zig = "@zig_linux_x86_64//:zig",
        zig_lib = "@zig_linux_x86_64//:lib_with_tsan",
    )
    for group in ["libcxx", "sanitizer"]:
        native.filegroup(
            name = "{}_{}".format(name, group),
            srcs = [":" + name],
            output_group = group,
            target_compatible_with = TSAN_PLATFORM,
        )

def tsan_library(name, **kwargs):
    """Declares a cc_library for `tsan_binary`.

    Args:
      name: name of the target.
      **kwargs: passed on to cc_library.
    """
    cc_library(
        name = name,
        testonly = True,
        copts = _COPTS,
        linkstatic = True,
        target_compatible_with = TSAN_PLATFORM,
        **kwargs
    )

def tsan_binary(name, runtime, **kwargs):
    """Declares a cc_binary that reports races.

    Args:
      name: name of the target.
      runtime: a `tsan_runtime`.
      **kwargs: passed on to cc_binary.
    """
    cc_binary(
        name = name,
        testonly = True,
        additional_linker_inputs = [runtime + "_libcxx", runtime + "_sanitizer"],
        copts = _COPTS,
        features = ["keep_symbols"],
        linkopts = [
            "-Wl,--whole-archive $(locations {}_sanitizer) -Wl,--no-whole-archive".format(runtime),
            "$(locations {}_libcxx)".format(runtime),
            # So that malloc() and the like of libraries opened at run time are the sanitizer's too.
            "-Wl,--export-dynamic",
        ],
        target_compatible_with = TSAN_PLATFORM,
        **kwargs
    )
