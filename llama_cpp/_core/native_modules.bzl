"""`native_modules`: the native module llama_cpp._core, once per Python ABI."""

load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("//bazel/toolchains/python:abis.bzl", "PYTHON_ABIS", "ext_suffix_select")
load("//bazel/wheel:defs.bzl", "py_extension")

def native_modules(name, srcs, hdrs, copts, deps):
    """Declares `<name>_<abi>` for every ABI of PYTHON_ABIS.

    Args:
      name: prefix of the modules' targets.
      srcs: sources of the binding, compiled once per ABI.
      hdrs: their headers.
      copts: their compiler options.
      deps: what they need beside Python's headers.
    """
    for abi in PYTHON_ABIS:
        objects = "{}_{}_objects".format(name, abi)
        cc_library(
            name = objects,
            srcs = srcs,
            hdrs = hdrs,
            copts = copts,
            linkstatic = True,
            deps = deps + ["@python_{}//:headers".format(abi)],
        )
        py_extension(
            name = "{}_{}".format(name, abi),
            dynamic_deps = [
                "@llama_cpp//:ggml-base_so",
                "@llama_cpp//:ggml_so",
                "@llama_cpp//:llama_so",
            ],
            ext_suffix = ext_suffix_select(abi),
            module = "_core",
            # The native payload lies in the package's lib folder.
            runpath = "$ORIGIN/lib",
            deps = [":" + objects],
        )
