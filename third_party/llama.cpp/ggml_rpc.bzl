"""ggml's RPC backend and its server. Source: llama.cpp, ggml/src/ggml-rpc/CMakeLists.txt."""

load("@rules_cc//cc:cc_library.bzl", "cc_library")
load(":ggml.bzl", "GGML_LOCAL_DEFINES", "source_root")
load(":native_library.bzl", "NATIVE_COPTS", "NATIVE_CXX_STANDARD", "native_library")

_DIR = "ggml/src/ggml-rpc/"

def ggml_rpc(name):
    """Declares `ggml-rpc`, over TCP: RDMA needs a library that few machines have.

    Args:
      name: name of the library.
    """
    cc_library(
        name = name + "_objects",
        srcs = [
            _DIR + "ggml-rpc.cpp",
            _DIR + "transport.cpp",
        ],
        alwayslink = True,
        copts = NATIVE_COPTS + NATIVE_CXX_STANDARD + ["-I{}/ggml/src".format(source_root())],
        local_defines = GGML_LOCAL_DEFINES + ["GGML_BACKEND_BUILD"],
        textual_hdrs = native.glob([_DIR + "*.h"]),
        deps = [
            # Linked from ggml-base (dynamic_deps of native_library).
            ":ggml_base_objects",
            ":ggml_private_headers",
        ],
    )
    native_library(
        name = name,
        dynamic_deps = ["ggml-base"],
        exports = ["ggml_backend_init"],
        deps = [":" + name + "_objects"],
    )
