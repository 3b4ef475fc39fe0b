"""`test-llama-archs`: upstream's test that writes a small model of each architecture."""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load(":ggml.bzl", "source_root")
load(":native_library.bzl", "NATIVE_COPTS", "NATIVE_CXX_STANDARD")

def test_architectures(name):
    """Declares the program. It opens the CPU backend that GGML_BACKEND_PATH names.

    Args:
      name: name of the program.
    """
    cc_binary(
        name = name,
        srcs = native.glob(["src/*.h"]) + [
            "common/log.cpp",
            "tests/test-llama-archs.cpp",
            ":flush_log_at_exit",
        ],
        copts = NATIVE_COPTS + NATIVE_CXX_STANDARD + [
            "-I{}/src".format(source_root()),
            "-I{}/vendor".format(source_root()),
        ],
        tags = ["manual"],
        # Statically: the program uses functions that the library doesn't export.
        deps = [
            ":ggml_objects",
            ":llama-common",
            ":llama_objects",
        ],
    )
