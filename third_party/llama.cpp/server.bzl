"""`server-context`: llama.cpp's scheduler of many requests, and upstream's program over it."""

load("@bazel_skylib//rules:expand_template.bzl", "expand_template")
load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load(":ggml.bzl", "source_root")
load(":native_library.bzl", "NATIVE_COPTS", "NATIVE_CXX_STANDARD")

# Those of the program alone: HTTP, and many models in processes of their own.
_PROGRAM = [
    "tools/server/main.cpp",
    "tools/server/server-http.cpp",
    "tools/server/server-models.cpp",
    "tools/server/server.cpp",
]

def _no_web_page():
    """Declares the library of upstream's web page, without the page: its assets are a download."""
    for name in ["ui.cpp", "ui.h"]:
        expand_template(
            name = name.replace(".", "_"),
            out = "generated/ui/" + name,
            substitutions = {
                "#cmakedefine LLAMA_UI_HAS_ASSETS 1": "",
                "@ASSET_ARRAYS@": "",
                "@ASSET_TABLE@": "",
                "@N_ASSETS@": "0",
                "@USE_GZIP@": "false",
            },
            template = "tools/ui/{}.in".format(name),
        )
    cc_library(
        name = "llama-ui",
        srcs = [":ui_cpp"],
        hdrs = [":ui_h"],
        copts = NATIVE_COPTS + NATIVE_CXX_STANDARD,
        includes = ["generated/ui"],
    )

def server_context(name, program):
    """Declares the scheduler with its routes, and the program over it.

    Args:
      name: name of the library.
      program: name of the program.
    """
    copts = NATIVE_COPTS + NATIVE_CXX_STANDARD + [
        "-I{}/vendor".format(source_root()),
    ]
    cc_library(
        name = name,
        srcs = native.glob(["tools/server/*.cpp"], exclude = _PROGRAM),
        hdrs = native.glob(["tools/server/*.h"]),
        copts = copts,
        includes = ["tools/server"],
        linkstatic = True,
        textual_hdrs = native.glob(["vendor/**/*.h", "vendor/**/*.hpp"]),
        deps = [
            ":llama-common",
            ":mtmd_headers",
        ],
    )
    _no_web_page()
    cc_binary(
        name = program,
        srcs = [
            "common/log.cpp",
            ":flush_log_at_exit",
        ] + _PROGRAM,
        copts = copts,
        tags = ["manual"],
        deps = [
            ":" + name,
            ":ggml",
            ":ggml-base",
            ":llama",
            ":llama-common",
            ":llama-ui",
            ":mtmd",
        ],
    )
