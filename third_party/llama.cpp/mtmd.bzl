"""`mtmd`: multimodal projectors (images, audio) on top of llama."""

load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load(":ggml.bzl", "source_root")
load(
    ":native_library.bzl",
    "NATIVE_COPTS",
    "NATIVE_CXX_STANDARD",
    "NATIVE_C_STANDARD",
    "native_library",
)

# The hash functions are other people's code with other people's warnings.
_QUIET = ["-w"]

def _vendor_hash():
    common = dict(
        textual_hdrs = native.glob(["vendor/hash/**/*.h"]),
    )
    include = ["-I{}/vendor/hash".format(source_root()), "-I{}/vendor".format(source_root())]
    cc_library(
        name = "vendor_hash_c",
        srcs = ["vendor/hash/xxhash/xxhash.c", "vendor/hash/sha256/sha256.c"],
        copts = NATIVE_COPTS + NATIVE_C_STANDARD + _QUIET + include,
        **common
    )

    # sha1.c declares a namespace, so it is C++ in upstream's build too.
    cc_library(
        name = "vendor_hash_sha1",
        srcs = ["vendor/hash/sha1/sha1.c"],
        copts = NATIVE_COPTS + ["-x", "c++"] + NATIVE_CXX_STANDARD + _QUIET + include,
        **common
    )
    cc_library(
        name = "vendor_hash",
        srcs = ["vendor/hash/hash.cpp"],
        copts = NATIVE_COPTS + NATIVE_CXX_STANDARD + include,
        deps = [":vendor_hash_c", ":vendor_hash_sha1"],
        **common
    )

def mtmd(name):
    """Declares `mtmd`, without video (which would start ffmpeg).

    Args:
      name: name of the library.
    """
    _vendor_hash()
    cc_library(
        name = "mtmd_headers",
        hdrs = ["tools/mtmd/mtmd.h", "tools/mtmd/mtmd-helper.h"],
        includes = ["tools/mtmd"],
        deps = [":llama_headers"],
    )
    cc_library(
        name = "media_decoders",
        hdrs = ["vendor/miniaudio/miniaudio.h", "vendor/stb/stb_image.h"],
        includes = ["vendor"],
    )
    cc_library(
        name = "mtmd_objects",
        srcs = native.glob(
            ["tools/mtmd/*.cpp", "tools/mtmd/models/*.cpp"],
            exclude = ["tools/mtmd/mtmd-cli.cpp", "tools/mtmd/deprecation-warning.cpp"],
        ),
        copts = NATIVE_COPTS + NATIVE_CXX_STANDARD + [
            "-I{}/tools/mtmd".format(source_root()),
            "-I{}/vendor".format(source_root()),
        ],
        local_defines = ["LLAMA_BUILD"],
        textual_hdrs = native.glob(["tools/mtmd/**/*.h", "vendor/**/*.h", "vendor/**/*.hpp"]),
        deps = [
            ":llama_objects",
            ":mtmd_headers",
            ":vendor_hash",
        ],
    )
    native_library(
        name = name,
        dynamic_deps = ["llama", "ggml", "ggml-base"],
        exports = ["mtmd_*", "_Z??mtmd_get_memory_usage*"],
        hdrs_from = ":mtmd_headers",
        deps = [":mtmd_objects"],
    )

    # Upstream's log prints in a thread of its own, and its programs do not wait for it.
    write_file(
        name = "flush_log_at_exit",
        out = "generated/flush_log_at_exit.cpp",
        content = [
            "#include \"log.h\"",
            "namespace {",
            "struct FlushAtExit {",
            "    ~FlushAtExit() { common_log_flush(common_log_main()); }",
            "} flush_at_exit;",
            "}  // namespace",
            "",
        ],
    )

    # Upstream's program, which the tests compare with.
    cc_binary(
        name = "llama-mtmd-cli",
        srcs = [
            "common/log.cpp",
            "tools/mtmd/mtmd-cli.cpp",
            ":flush_log_at_exit",
        ],
        copts = NATIVE_COPTS + NATIVE_CXX_STANDARD + [
            "-I{}/vendor".format(source_root()),
        ],
        tags = ["manual"],
        deps = [
            ":ggml",
            ":ggml-base",
            ":llama",
            ":llama-common",
            ":" + name,
        ],
    )
