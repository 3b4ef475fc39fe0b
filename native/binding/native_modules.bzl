"""`native_modules`: the native module llama_cpp._core, once per Python ABI."""

load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("//bazel/cc:unity_sources.bzl", "unity_sources")
load("//bazel/toolchains/python:abis.bzl", "PYTHON_ABIS")
load("//bazel/toolchains/python:machines.bzl", "ext_suffix_select")
load("//bazel/wheel:defs.bzl", "py_extension")

# Reading pybind11 takes most of a file's compile time, and every ABI compiles them all. Two units keep two cores busy.
_UNITS = 2

def native_modules(name, srcs, hdrs, copts, deps, visibility):
    """Declares `<name>_<abi>` for every ABI of PYTHON_ABIS.

    Args:
      name: prefix of the modules' targets.
      srcs: sources of the binding, files of this package. Several are compiled as one unit: their anonymous
        namespaces are one.
      hdrs: their headers.
      copts: their compiler options.
      deps: libraries that they need beside Python's headers.
      visibility: of the modules.
    """
    units = unity_sources(
        name + "_unit",
        ["{}/{}".format(native.package_name(), src) for src in srcs],
        (len(srcs) + _UNITS - 1) // _UNITS,
    )
    for abi in PYTHON_ABIS:
        objects = "{}_{}_objects".format(name, abi)
        cc_library(
            name = objects,
            srcs = units,
            hdrs = hdrs,
            copts = copts,
            linkstatic = True,
            textual_hdrs = srcs,
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
            visibility = visibility,
            deps = [":" + objects],
        )
