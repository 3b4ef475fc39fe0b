"""`llama`: models, contexts, vocabularies, samplers."""

load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("//bazel/cc:unity_sources.bzl", "unity_sources")
load(":ggml.bzl", "source_root")
load(":native_library.bzl", "NATIVE_COPTS", "NATIVE_CXX_STANDARD", "native_library")
load(":version.bzl", "LLAMA_COMMIT", "LLAMA_VERSION")

# Upstream's UNITY_BUILD_BATCH_SIZE for src/models.
_MODELS_PER_UNIT = 16

def llama(name):
    """Declares `llama`.

    Args:
      name: name of the library.
    """
    write_file(
        name = "llama_version",
        out = "generated/llama/llama-version.h",
        content = [
            "#pragma once",
            "#define LLAMA_VERSION \"{}\"".format(LLAMA_VERSION),
            "#define LLAMA_COMMIT \"{}\"".format(LLAMA_COMMIT),
            "",
        ],
    )
    cc_library(
        name = "llama_version_headers",
        hdrs = [":llama_version"],
        includes = ["generated/llama"],
    )
    cc_library(
        name = "llama_headers",
        # llama-ext.h is upstream's staging area for API; llama-common and mtmd use it.
        hdrs = native.glob(["include/*.h"]) + ["src/llama-ext.h"],
        defines = ["LLAMA_SHARED"],
        includes = ["include"],
        deps = [":ggml_headers"],
    )
    models = native.glob(["src/models/*.cpp"])
    cc_library(
        name = "llama_objects",
        srcs = native.glob(["src/*.cpp"]) + unity_sources("llama_models", models, _MODELS_PER_UNIT),
        copts = NATIVE_COPTS + NATIVE_CXX_STANDARD + [
            "-I" + source_root(),
            "-I{}/src".format(source_root()),
        ],
        local_defines = ["LLAMA_BUILD"],
        textual_hdrs = native.glob(["src/**/*.h"]) + models,
        deps = [
            ":ggml_objects",
            ":llama_headers",
            ":llama_version_headers",
        ],
    )
    native_library(
        name = name,
        dynamic_deps = ["ggml", "ggml-base"],
        # The second pattern is llama-ext.h: C++ functions whose names begin with llama_ (10 to 99
        # characters).
        exports = ["llama_*", "_Z??llama_*"],
        hdrs_from = ":llama_headers",
        deps = [":llama_objects"],
    )
