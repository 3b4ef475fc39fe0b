"""ggml's core: `ggml-base` (tensors, graphs, quantisation, GGUF), `ggml` (registry, loader)."""

load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load(
    ":native_library.bzl",
    "NATIVE_COPTS",
    "NATIVE_CXX_STANDARD",
    "NATIVE_C_STANDARD",
    "native_library",
)
load(":version.bzl", "GGML_VERSION", "LLAMA_COMMIT")

# Private to ggml's own translation units (ggml/src/CMakeLists.txt). GGML_BACKEND_DL: backends are
# opened at run time.
GGML_LOCAL_DEFINES = [
    "GGML_BUILD",
    "GGML_SCHED_MAX_COPIES=4",
    "_GNU_SOURCE",
    "_XOPEN_SOURCE=600",
] + select({
    # Declarations that _XOPEN_SOURCE hides there.
    "@platforms//os:macos": ["_DARWIN_C_SOURCE"],
    "//conditions:default": [],
})

# Defines for everything that includes ggml's headers.
GGML_DEFINES = [
    "GGML_BACKEND_DL",
    "GGML_BACKEND_SHARED",
    "GGML_SHARED",
]

# buildifier: disable=unnamed-macro
def source_root():
    """Returns the compiler's path of the llama.cpp sources; call from their BUILD files only."""
    return native.package_relative_label(":BUILD").workspace_root

def ggml_base(name):
    """Declares `ggml-base`, ggml's public headers and the headers that its backends share.

    Args:
      name: name of the library.
    """
    write_file(
        name = "ggml_version",
        out = "generated/ggml/ggml-version.h",
        content = [
            "#pragma once",
            "#define GGML_VERSION \"{}\"".format(GGML_VERSION),
            "#define GGML_COMMIT \"{}\"".format(LLAMA_COMMIT),
            "",
        ],
    )
    cc_library(
        name = "ggml_version_headers",
        hdrs = [":ggml_version"],
        includes = ["generated/ggml"],
    )
    cc_library(
        name = "ggml_headers",
        hdrs = native.glob(["ggml/include/*.h"]),
        defines = GGML_DEFINES,
        includes = ["ggml/include"],
    )
    cc_library(
        name = "ggml_private_headers",
        # ggml-quants.c reads a header of the CPU backend.
        textual_hdrs = native.glob(["ggml/src/*.h", "ggml/src/ggml-cpu/**/*.h"]),
        deps = [":ggml_headers"],
    )
    copts = NATIVE_COPTS + ["-I{}/ggml/src".format(source_root())]
    cc_library(
        name = "ggml_base_c",
        srcs = native.glob(["ggml/src/ggml*.c"]),
        copts = copts + NATIVE_C_STANDARD,
        local_defines = GGML_LOCAL_DEFINES,
        deps = [
            ":ggml_private_headers",
            ":ggml_version_headers",
        ],
    )
    cc_library(
        name = "ggml_base_objects",
        srcs = native.glob(
            ["ggml/src/*.cpp"],
            exclude = _REGISTRY_SOURCES,
        ),
        copts = copts + NATIVE_CXX_STANDARD,
        local_defines = GGML_LOCAL_DEFINES,
        deps = [
            ":ggml_base_c",
            ":ggml_private_headers",
        ],
    )
    native_library(
        name = name,
        exports = ["ggml_*", "gguf_*", "quantize_*", "dequantize_*"],
        hdrs_from = ":ggml_headers",
        deps = [
            ":ggml_base_c",
            ":ggml_base_objects",
        ],
    )

_REGISTRY_SOURCES = [
    "ggml/src/ggml-backend-dl.cpp",
    "ggml/src/ggml-backend-reg.cpp",
]

def ggml(name):
    """Declares `ggml`, the backend registry.

    Args:
      name: name of the library.
    """
    cc_library(
        name = "ggml_objects",
        srcs = _REGISTRY_SOURCES,
        copts = NATIVE_COPTS + NATIVE_CXX_STANDARD + ["-I{}/ggml/src".format(source_root())],
        local_defines = GGML_LOCAL_DEFINES,
        deps = [
            ":ggml_base_objects",
            ":ggml_private_headers",
        ],
    )
    native_library(
        name = name,
        dynamic_deps = ["ggml-base"],
        exports = ["ggml_*"],
        hdrs_from = ":ggml_headers",
        deps = [":ggml_objects"],
    )
